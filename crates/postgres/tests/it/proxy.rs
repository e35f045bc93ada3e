//! A TCP proxy that cuts a connection in the middle of what the server sends.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

/// Which connection is cut, counted from 1, and after how many bytes of the server's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) connection: usize,
    pub(crate) after: usize,
}

/// Listens on a new port before a server on the loopback address, and returns the port.
pub(crate) async fn start(backend: u16, cut: Cut) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let count = AtomicUsize::new(0);
        while let Ok((client, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::Relaxed) + 1;
            let limit = if number == cut.connection {
                cut.after
            } else {
                usize::MAX
            };
            tokio::spawn(pass(client, backend, limit));
        }
    });
    port
}

/// Both ways, until one side ends or the server has sent `limit` bytes.
async fn pass(client: TcpStream, backend: u16, mut limit: usize) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(("127.0.0.1", backend)).await?.into_split();
    let down = async {
        let mut buffer = [0; 1024];
        while limit > 0 {
            let room = limit.min(buffer.len());
            let read = from_server.read(&mut buffer[..room]).await?;
            if read == 0 {
                break;
            }
            to_client.write_all(&buffer[..read]).await?;
            limit -= read;
        }
        io::Result::Ok(())
    };
    tokio::select! {
        ended = down => ended,
        ended = copy(&mut from_client, &mut to_server) => ended.map(drop),
    }
}
