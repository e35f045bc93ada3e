//! The little of HTTP that it takes to talk to the server in the same process: past any proxy that the environment
//! names, with nothing sent twice.

use super::{Result, artifacts::Artifacts};
use headwater_core::Secret;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Between the parts of an upload; it does not occur in JSON without a quote before it.
const BOUNDARY: &str = "headwater-demo-boundary";

/// The server's API, as its admin sees it.
#[derive(Debug)]
pub(super) struct Api {
    address: SocketAddr,
    key: Secret,
}

/// What is wrong, when a request was refused.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

impl Api {
    pub(super) fn new(address: SocketAddr, key: Secret) -> Self {
        Self { address, key }
    }

    /// `http://127.0.0.1:8080`
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The key, to be shown.
    pub(super) fn key(&self) -> &str {
        self.key.expose()
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.send("GET", path, "application/json", &[]).await
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let body = body.to_string();
        self.send("POST", path, "application/json", body.as_bytes()).await
    }

    /// As `curl -F manifest_file=@target/manifest.json` does.
    pub(super) async fn upload<T: DeserializeOwned>(&self, path: &str, parts: &Artifacts) -> Result<T> {
        let mut body = Vec::new();
        for (name, content) in parts {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
                 Content-Type: application/json\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.send("POST", path, &kind, &body).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> Result<T> {
        // HTTP/1.0: the answer comes in one piece and ends with the connection.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            self.key(),
            body.len(),
        );
        let failed = |error: io::Error| format!("{method} {path}: {error}");
        let answer = exchange(self.address, head.as_bytes(), body)
            .await
            .map_err(failed)?;
        let answered = |why: &str| format!("{method} {path}: {why}");
        match parse(&answer) {
            Some((200..300, body)) => {
                serde_json::from_slice(body).map_err(|error| answered(&error.to_string()))
            }
            Some((status, body)) => {
                let problem = serde_json::from_slice(body).map(|problem: Problem| problem.detail);
                Err(answered(&problem.unwrap_or_else(|_no_json| status.to_string())))
            }
            None => Err(answered("the server closed the connection")),
        }
    }
}

async fn exchange(address: SocketAddr, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Status and body of an answer.
fn parse(answer: &[u8]) -> Option<(u16, &[u8])> {
    const END: &[u8] = b"\r\n\r\n";
    let end = answer.windows(END.len()).position(|four| four == END)?;
    let (head, rest) = answer.split_at_checked(end)?;
    let status = std::str::from_utf8(head).ok()?.split(' ').nth(1)?.parse().ok()?;
    Some((status, rest.get(END.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = b"HTTP/1.0 409 Conflict\r\nA: b\r\n\r\n{\"detail\":\"x\"}";
        assert_eq!(parse(answer), Some((409, &b"{\"detail\":\"x\"}"[..])));
        assert_eq!(parse(b"HTTP/1.0 200 OK\r\n"), None);
        assert_eq!(parse(b""), None);
    }
}
