//! `postgres://user:password@host:port/database?sslmode=require`, as PostgreSQL's own programs take it.

use serde_json::{Map, Value};
use std::fs;

const SHAPE: &str = "--url: expected postgres://USER@HOST:PORT/DATABASE";

/// What a URL says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct PostgresUrl {
    /// Keys of the connector's config.
    pub(super) config: Map<String, Value>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
}

/// Takes a URL apart. Errors do not quote it: it may hold a password.
pub(super) fn parse(url: &str) -> Result<PostgresUrl, String> {
    let rest = ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let rest = rest.ok_or(SHAPE)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (account, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match account.split_once(':') {
        Some((user, password)) => (user, Some(decode(password)?)),
        None => (account, None),
    };
    let mut config = Map::new();
    let (host, port) = split_port(address)?;
    let host = if host.is_empty() {
        "localhost".to_owned()
    } else {
        decode(host)?
    };
    config.insert("host".to_owned(), host.into());
    if let Some(port) = port {
        config.insert("port".to_owned(), port.into());
    }
    if !database.is_empty() {
        config.insert("database".to_owned(), decode(database)?.into());
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or(SHAPE)?;
        config.insert(key.to_owned(), parameter(key, &decode(value)?)?);
    }
    let user = (!user.is_empty()).then(|| decode(user)).transpose()?;
    Ok(PostgresUrl {
        config,
        user,
        password,
    })
}

fn split_port(address: &str) -> Result<(&str, Option<u16>), String> {
    // An IPv6 address stands in brackets, because it has colons of its own.
    let (host, port) = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port = port
        .map(|port| port.parse().map_err(|_not_a_port| SHAPE))
        .transpose()?;
    Ok((host, port))
}

fn parameter(key: &str, value: &str) -> Result<Value, String> {
    match key {
        "sslmode" => Ok(value.into()),
        "connect_timeout" => match value.parse::<u32>() {
            Ok(seconds) => Ok(seconds.into()),
            Err(_) => Err("--url: connect_timeout is a number of seconds".to_owned()),
        },
        // PostgreSQL's programs take a file's name here, the connector its text.
        "sslrootcert" => match fs::read_to_string(value) {
            Ok(text) => Ok(text.into()),
            Err(error) => Err(format!("--url: cannot read the file of sslrootcert: {error}")),
        },
        _ => Err("--url: of parameters it takes sslmode, sslrootcert and connect_timeout".to_owned()),
    }
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let code = high
                    .zip(low)
                    .and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                code.ok_or("--url: a % is not followed by two hex digits")?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_not_utf8| SHAPE.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config(url: &str) -> Value {
        Value::Object(parse(url).unwrap().config)
    }

    #[test]
    fn each_part_finds_its_place() {
        let url = parse("postgresql://read%40er:p%2Fw%3A@db.example.com:6432/my%20shop?sslmode=verify-full")
            .unwrap();
        assert_eq!(url.user.as_deref(), Some("read@er"));
        assert_eq!(url.password.as_deref(), Some("p/w:"));
        assert_eq!(
            Value::Object(url.config),
            json!({"host": "db.example.com", "port": 6432, "database": "my shop", "sslmode": "verify-full"})
        );
    }

    #[test]
    fn parts_may_be_absent() {
        assert_eq!(config("postgres://"), json!({"host": "localhost"}));
        assert_eq!(
            config("postgres:///shop"),
            json!({"host": "localhost", "database": "shop"})
        );
        assert_eq!(
            config("postgres://[::1]:5433/shop"),
            json!({"host": "::1", "port": 5433, "database": "shop"})
        );
        assert_eq!(
            config("postgres://%2Frun%2Fpostgresql/shop")["host"],
            "/run/postgresql"
        );
        assert_eq!(parse("postgres://h/d").unwrap().user, None);
    }

    #[test]
    fn a_bad_url_is_told_without_its_password() {
        for url in [
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2%zz@h/d",
            "postgres://u:hunter2@h/d?application_name=x",
            "postgres://u:hunter2@h/d?connect_timeout=soon",
        ] {
            let error = parse(url).unwrap_err();
            assert!(
                error.starts_with("--url: ") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
