use headwater_core::{Error, Result};
use std::net::IpAddr;

/// A host name or address without scheme, user, port and path. The refusal never quotes the value: a pasted
/// URL may hold a password.
///
/// # Errors
/// `ConfigInvalid` at `/config/host`.
pub fn bare_host(text: &str) -> Result<&str> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() {
        return Ok(bare);
    }
    let detail = if text.contains("://") || text.contains('@') || text.contains('=') {
        "expected a host name or address, not a connection string: put its parts into host, port, database \
         and the credentials"
    } else if text.contains(':') {
        "expected a host name or address without a port: put the port into port"
    } else if text.is_empty()
        || text.contains(['/', '?', '#', ',', '[', ']'])
        || text.contains(char::is_whitespace)
    {
        "expected one host name or address, such as db.example.com, or the directory of a unix socket"
    } else {
        return Ok(text);
    };
    Err(Error::invalid_field("/config/host", detail))
}

/// Whether nobody beside this machine can listen.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_nothing_else() {
        for good in [
            "db.example.com",
            "db_1",
            "10.0.0.7",
            "::1",
            "[fe80::1]",
            "localhost",
        ] {
            assert!(bare_host(good).is_ok(), "{good}");
        }
        assert_eq!(bare_host("[::1]").unwrap(), "::1");
        for bad in [
            "",
            "a b",
            "a,b",
            "db:5432",
            "db/shop",
            "postgres://u:hunter2@db/shop",
            "u:hunter2@db",
            "host=db",
        ] {
            let error = bare_host(bad).unwrap_err();
            assert_eq!(error.fields()[0].pointer, "/config/host", "{bad}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert!(
            bare_host("db:5432")
                .unwrap_err()
                .to_string()
                .contains("into port")
        );
        assert!(
            bare_host("postgres://db")
                .unwrap_err()
                .to_string()
                .contains("connection string")
        );
    }
}
