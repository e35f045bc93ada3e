//! A slow line: a TCP proxy that delivers each byte later, as much of it at once as ever, and counts how often
//! a client waited for an answer.

use crate::Result;
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, sleep},
    time::{Duration, Instant},
};

/// A proxy on a port of its own; its threads end with the connections and the process.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) port: u16,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    round_trips: AtomicU64,
}

impl Proxy {
    /// Listens for connections to `127.0.0.1:to`, each way delayed by `delay`.
    pub(super) fn start(to: u16, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let counts = Arc::new(Counts::default());
        let counted = counts.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", to)) {
                    counted.connections.fetch_add(1, Ordering::Relaxed);
                    let _broken = relay(client, server, delay, &counted);
                }
            }
        });
        Ok(Self { port, counts })
    }

    /// Connections so far, and how often a client had to wait for an answer on them.
    pub(super) fn counts(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.counts.connections), of(&self.counts.round_trips))
    }
}

fn relay(client: TcpStream, server: TcpStream, delay: Duration, counts: &Arc<Counts>) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    // What the client sends after an answer begins a new round trip.
    let answered = Arc::new(AtomicBool::new(true));
    let (asks, counts) = (answered.clone(), counts.clone());
    let asked = move || {
        if asks.swap(false, Ordering::Relaxed) {
            counts.round_trips.fetch_add(1, Ordering::Relaxed);
        }
    };
    pipe(client.try_clone()?, server.try_clone()?, delay, asked);
    pipe(server, client, delay, move || {
        answered.store(true, Ordering::Relaxed)
    });
    Ok(())
}

fn pipe(mut from: TcpStream, mut to: TcpStream, delay: Duration, seen: impl Fn() + Send + 'static) {
    let (late, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = [0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            seen();
            let bytes = buffer.get(..count).unwrap_or_default().to_vec();
            if late.send((Instant::now() + delay, bytes)).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (at, bytes) in due {
            sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _closed = to.shutdown(Shutdown::Both);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_takes_both_ways_and_counts_once() {
        let echo = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = echo.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = echo.accept().unwrap();
            let mut buffer = [0; 3];
            while stream.read_exact(&mut buffer).is_ok() {
                stream.write_all(&buffer).unwrap();
            }
        });
        let proxy = Proxy::start(port, Duration::from_millis(20)).unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        let began = Instant::now();
        for _ in 0..3 {
            client.write_all(b"hey").unwrap();
            let mut answer = [0; 3];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"hey");
        }
        assert!(began.elapsed() >= Duration::from_millis(120));
        assert_eq!(proxy.counts(), (1, 3));
    }
}
