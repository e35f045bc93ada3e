//! Passwords that Redshift keeps as SHA-256: a request and an answer that PostgreSQL's protocol has not.
//!
//! The server asks with an authentication request of the kind 13, and takes the answer in a message `d`, as AWS's
//! drivers show it: <https://github.com/aws/amazon-redshift-python-driver>, `redshift_connector/core.py`. The client of
//! PostgreSQL's protocol knows neither. So this stands between it and the connection until the first answer of the
//! server is there, and answers by itself; the client sees what the server says to that.

use headwater_core::Secret;
use sha2::{Digest as _, Sha256};
use std::{
    error::Error as StdError,
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

const STARTUP: i32 = 196_608;
const SSL_REQUEST: i32 = 80_877_103;
/// The kinds of authentication requests of PostgreSQL's protocol.
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>
const KNOWN: std::ops::RangeInclusive<i32> = 0..=12;
const DIGEST: i32 = 13;
/// The only algorithm that AWS's drivers speak.
const SHA256: i32 = 0;
/// No request is longer: it holds a salt and a nonce.
const MOST: usize = 4096;

/// The server asks for a proof of a kind that nobody here can give.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownProof {
    /// The kind of the authentication request, or of the digest in it.
    pub(crate) kind: i32,
}

impl fmt::Display for UnknownProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server asks for a proof of an unknown kind, {}", self.kind)
    }
}

impl StdError for UnknownProof {}

/// What answers a request: the password, and what the digest is made with beside it.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    pub(crate) password: Secret,
    /// AWS's drivers send the milliseconds since 1970.
    pub(crate) nonce: String,
}

impl Proof {
    /// What to do about the first bytes that a server sends.
    fn step(&self, message: &[u8]) -> Result<Step, UnknownProof> {
        let wanted = |length: usize| Ok(Step::Read(length.saturating_sub(message.len())));
        let Some((b'R', rest)) = message.split_first() else {
            return if message.is_empty() {
                wanted(1)
            } else {
                Ok(Step::Hand)
            };
        };
        let mut rest = rest;
        let (Some(length), Some(kind)) = (int(&mut rest), int(&mut rest)) else {
            return wanted(9);
        };
        if KNOWN.contains(&kind) {
            return Ok(Step::Hand);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1);
        if kind != DIGEST || length > MOST {
            return Err(UnknownProof { kind });
        }
        if message.len() < length {
            return wanted(length);
        }
        self.answer(rest).map(Step::Answer)
    }

    fn answer(&self, mut request: &[u8]) -> Result<Vec<u8>, UnknownProof> {
        let kind = DIGEST;
        let algorithm = int(&mut request).ok_or(UnknownProof { kind })?;
        if algorithm != SHA256 {
            return Err(UnknownProof { kind });
        }
        let salt = text(&mut request).ok_or(UnknownProof { kind })?;
        let nonce = text(&mut request).ok_or(UnknownProof { kind })?;
        let salted = Sha256::new()
            .chain_update(self.password.expose())
            .chain_update(salt)
            .finalize();
        let digest = Sha256::new()
            .chain_update(salted)
            .chain_update(nonce)
            .chain_update(&self.nonce)
            .finalize();
        let mut body = Vec::new();
        for part in [digest.as_slice(), self.nonce.as_bytes()] {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            body.extend(length.to_be_bytes());
            body.extend(part);
        }
        let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
        Ok([b"d", length.to_be_bytes().as_slice(), &body].concat())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// So many bytes more are needed.
    Read(usize),
    /// The client understands it.
    Hand,
    Answer(Vec<u8>),
}

fn int(bytes: &mut &[u8]) -> Option<i32> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(i32::from_be_bytes(*first))
}

/// Bytes behind their number.
fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(int(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

/// A connection, plain or encrypted, that answers requests for a digest.
#[derive(Debug)]
pub(crate) struct Digesting<S> {
    stream: S,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nobody has begun to log in.
    Fresh(Proof),
    /// The login was sent, and so much of the answer is there.
    Asked(Proof, Vec<u8>),
    /// An answer of ours, and how much of it was sent.
    Answering(Vec<u8>, usize),
    /// What was read ahead, and how much of it the client has seen.
    Handing(Vec<u8>, usize),
    Passing,
}

impl<S> Digesting<S> {
    /// Without a proof it passes everything on.
    pub(crate) fn new(stream: S, proof: Option<Proof>) -> Self {
        let state = proof.map_or(State::Passing, State::Fresh);
        Self { stream, state }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Digesting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Asked(proof, message) => {
                    let step = proof.step(message).map_err(io::Error::other)?;
                    this.state = match step {
                        Step::Hand => State::Handing(std::mem::take(message), 0),
                        Step::Answer(answer) => State::Answering(answer, 0),
                        Step::Read(more) => {
                            let mut bytes = [0; 256];
                            let mut all = ReadBuf::new(&mut bytes);
                            let mut some = all.take(more);
                            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut some))?;
                            if !some.filled().is_empty() {
                                message.extend_from_slice(some.filled());
                                continue;
                            }
                            // The end of the stream: the client finds it behind what came before.
                            State::Handing(std::mem::take(message), 0)
                        }
                    };
                }
                State::Answering(answer, sent) => {
                    let left = answer.get(*sent..).unwrap_or_default();
                    if left.is_empty() {
                        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
                        this.state = State::Passing;
                        continue;
                    }
                    match ready!(Pin::new(&mut this.stream).poll_write(cx, left))? {
                        0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                        written => *sent += written,
                    }
                }
                State::Handing(message, seen) => {
                    let left = message.get(*seen..).unwrap_or_default();
                    if left.is_empty() {
                        this.state = State::Passing;
                        continue;
                    }
                    let some = left.get(..buffer.remaining()).unwrap_or(left);
                    buffer.put_slice(some);
                    *seen += some.len();
                    return Poll::Ready(Ok(()));
                }
                State::Fresh(_) | State::Passing => {
                    return Pin::new(&mut this.stream).poll_read(cx, buffer);
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Digesting<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let State::Fresh(proof) = &self.state {
            let mut code = bytes.get(4..).unwrap_or_default();
            match int(&mut code) {
                Some(STARTUP) => self.state = State::Asked(proof.clone(), Vec::new()),
                // The server may have no encryption, and the login goes on here.
                Some(SSL_REQUEST) => {}
                _ => self.state = State::Passing,
            }
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Digesting<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// Encrypts, and answers requests for a digest within.
pub(crate) struct DigestingTls<T> {
    pub(crate) tls: T,
    pub(crate) proof: Option<Proof>,
}

impl<S, T> TlsConnect<S> for DigestingTls<T>
where
    T: TlsConnect<S, Future: Send + 'static, Stream: Send> + 'static,
{
    type Stream = Digesting<T::Stream>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let (connected, proof) = (self.tls.connect(stream), self.proof);
        Box::pin(async move { Ok(Digesting::new(connected.await?, proof)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";

    fn proof() -> Proof {
        Proof {
            password: Secret::new("Grün-2"),
            nonce: "1764196380123".into(),
        }
    }

    fn request(kind: u8, algorithm: u8) -> Vec<u8> {
        let mut request = b"R\0\0\0\x20".to_vec();
        request.extend([0, 0, 0, kind, 0, 0, 0, algorithm]);
        request.extend([0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        request.extend([0, 0, 0, 4, 9, 10, 11, 12]);
        request
    }

    /// The digest is what redshift_connector 2.1.8 makes of the same password, salt and nonces.
    fn answer() -> Vec<u8> {
        let digest = "1e22cec0521936eafecccea679367252b039497415b1d6694f117ea3269cb8bc";
        let digit = |at: usize| u8::from_str_radix(&digest[at..at + 2], 16).unwrap();
        let mut answer = b"d\0\0\0\x39\0\0\0\x20".to_vec();
        answer.extend((0..64).step_by(2).map(digit));
        answer.extend(b"\0\0\0\x0d1764196380123");
        answer
    }

    #[test]
    fn a_digest_is_that_of_awss_driver() {
        assert_eq!(proof().step(&request(13, 0)), Ok(Step::Answer(answer())));
    }

    #[test]
    fn the_clients_own_messages_are_left_to_it() {
        for message in [OK, b"R\0\0\0\x0c\0\0\0\x05salt", b"E", b"N"] {
            assert_eq!(proof().step(message), Ok(Step::Hand), "{message:?}");
        }
        assert_eq!(proof().step(b""), Ok(Step::Read(1)));
        assert_eq!(proof().step(b"R\0\0"), Ok(Step::Read(6)));
        assert_eq!(proof().step(&request(13, 0)[..20]), Ok(Step::Read(13)));
    }

    #[test]
    fn what_cannot_be_answered_is_told_by_its_kind() {
        assert_eq!(proof().step(&request(14, 0)), Err(UnknownProof { kind: 14 }));
        assert_eq!(proof().step(&request(13, 1)), Err(UnknownProof { kind: 13 }));
        let mut long = request(13, 0);
        long[1] = 0x7f;
        assert_eq!(proof().step(&long), Err(UnknownProof { kind: 13 }));
        let mut cut = request(13, 0);
        cut[16] = 0xff;
        assert_eq!(proof().step(&cut), Err(UnknownProof { kind: 13 }));
    }

    #[tokio::test]
    async fn the_client_sees_only_what_follows() {
        let (client, mut server) = duplex(16);
        let mut client = Digesting::new(client, Some(proof()));
        let serve = async move {
            let mut hello = [0; 17];
            server.read_exact(&mut hello[..8]).await.unwrap();
            server.write_all(b"N").await.unwrap();
            server.read_exact(&mut hello[8..]).await.unwrap();
            for byte in request(13, 0) {
                server.write_all(&[byte]).await.unwrap();
            }
            let mut told = answer();
            server.read_exact(&mut told).await.unwrap();
            assert_eq!(told, answer());
            server.write_all(OK).await.unwrap();
        };
        let served = tokio::spawn(serve);
        client.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'N');
        client.write_all(&[0, 0, 0, 9, 0, 3, 0, 0, 0]).await.unwrap();
        let mut seen = Vec::new();
        client.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, OK);
        served.await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_is_passed_on() {
        let (client, mut server) = duplex(64);
        let mut client = Digesting::new(client, Some(proof()));
        client.write_all(&[0, 0, 0, 9, 0, 3, 0, 0, 0]).await.unwrap();
        server.write_all(b"R\0").await.unwrap();
        drop(server);
        let mut seen = Vec::new();
        client.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, b"R\0");
    }
}
