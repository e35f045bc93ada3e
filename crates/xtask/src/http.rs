//! The little of HTTP that it takes to talk to our own server.

use crate::Result;
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Talks to a server on this machine.
#[derive(Debug)]
pub(crate) struct Client {
    /// `127.0.0.1:8080`.
    pub(crate) address: String,
    /// The API key.
    pub(crate) key: String,
}

impl Client {
    /// GET: the answer's body, which must be a success.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        self.send("GET", path, None)
    }

    /// POST: the answer's body, which must be a success.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send("POST", path, Some(body))
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        // HTTP/1.0: the answer comes in one piece and ends with the connection.
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            self.key,
            body.len(),
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (status, body) = parse(&answer)?;
        match status {
            200..300 => Ok(body),
            _ => Err(format!(
                "{method} {path}: {status} {}",
                body["detail"].as_str().unwrap_or_default()
            )
            .into()),
        }
    }
}

/// Status and body of an answer.
fn parse(answer: &str) -> Result<(u16, Value)> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or("the server closed the connection")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = match body.is_empty() {
        true => Value::Null,
        false => serde_json::from_str(body)?,
    };
    Ok((status.ok_or("no HTTP answer")?, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let (status, body) = parse("HTTP/1.0 201 Created\r\nA: b\r\n\r\n{\"id\":\"x\"}").unwrap();
        assert_eq!((status, body["id"].as_str()), (201, Some("x")));
        assert_eq!(
            parse("HTTP/1.0 204 No Content\r\n\r\n").unwrap(),
            (204, Value::Null)
        );
        assert!(parse("").is_err());
    }
}
