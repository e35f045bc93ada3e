//! The little of HTTP that it takes to talk to our own server.

use crate::Result;
use serde_json::Value;
use std::{
    fs::File,
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

/// Between the parts of a form.
const BOUNDARY: &str = "headwater-xtask-boundary";

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

    /// POST of files as a form, each as it is read: the answer's body, which must be a success.
    pub(crate) fn upload(&self, path: &str, parts: &[(&str, &Path)]) -> Result<Value> {
        let head = |name: &str| {
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
                 Content-Type: application/json\r\n\r\n"
            )
        };
        let end = format!("--{BOUNDARY}--\r\n");
        let mut length = end.len() as u64;
        for (name, file) in parts {
            length += head(name).len() as u64 + file.metadata()?.len() + 2;
        }
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let mut stream = self.begin("POST", path, &kind, length)?;
        for (name, file) in parts {
            stream.write_all(head(name).as_bytes())?;
            io::copy(&mut File::open(file)?, &mut stream)?;
            stream.write_all(b"\r\n")?;
        }
        stream.write_all(end.as_bytes())?;
        answer(stream, "POST", path)
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = self.begin(method, path, "application/json", body.len() as u64)?;
        stream.write_all(body.as_bytes())?;
        answer(stream, method, path)
    }

    /// Sends the head of a request.
    fn begin(&self, method: &str, path: &str, kind: &str, length: u64) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        // HTTP/1.0: the answer comes in one piece and ends with the connection.
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n",
            self.address, self.key,
        )?;
        Ok(stream)
    }
}

/// The body of an answer that must be a success.
fn answer(mut stream: TcpStream, method: &str, path: &str) -> Result<Value> {
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
