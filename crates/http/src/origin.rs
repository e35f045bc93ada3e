//! Addresses in settings.

use headwater_core::{Error, Host, Result};
use url::{Host as Name, Url};

/// Reads a setting that names a server: a host name, `host:port`, or an origin such as `http://127.0.0.1:8085`.
///
/// Plain http is accepted for loopback addresses, and beyond them only where the host program allows it.
///
/// # Errors
/// `ConfigInvalid` at `pointer`.
pub fn origin(text: &str, pointer: &str, host: &Host) -> Result<Url> {
    let wrong = |detail: &str| Error::invalid_field(pointer, detail);
    let text = text.trim();
    let with_scheme = match text.contains("://") {
        true => text.to_owned(),
        false => format!("https://{text}"),
    };
    let expected = "expected a host name, host:port, or an origin such as https://api.example.com";
    let url = Url::parse(&with_scheme).map_err(|_parse| wrong(expected))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "must not hold a user name or a password: they belong into the credentials",
        ));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong(expected));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(&format!("{expected}, without a path")));
    }
    encrypted(&url, pointer, host)?;
    Ok(url)
}

/// Refuses plain http beyond loopback addresses, unless the host program allows it.
fn encrypted(url: &Url, pointer: &str, host: &Host) -> Result<()> {
    if url.scheme() == "https" || is_loopback(url) || host.insecure_sources {
        return Ok(());
    }
    Err(Error::invalid_field(
        pointer,
        "plain http is accepted for loopback addresses only: use https, or start the program with \
         --allow-insecure-sources",
    ))
}

/// Whether an address can only lead to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Name::Domain(name)) => name == "localhost",
        Some(Name::Ipv4(address)) => address.is_loopback(),
        Some(Name::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads a setting that is a whole address, such as that of a file or of a token endpoint.
///
/// # Errors
/// `ConfigInvalid` at `pointer`.
pub fn address(text: &str, pointer: &str, host: &Host) -> Result<Url> {
    let wrong = |detail: &str| Error::invalid_field(pointer, detail);
    let url = Url::parse(text.trim())
        .map_err(|_parse| wrong("expected an address such as https://build.example.com/target"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("expected an address that begins with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "must not hold a user name or a password: they belong into the credentials",
        ));
    }
    encrypted(&url, pointer, host)?;
    Ok(url)
}

/// Reads the address of a token endpoint: secrets go there, so it must be one of the vendor's.
///
/// `vendors` are domains; an address within one of them is the vendor's. Others are accepted for loopback addresses,
/// and beyond them only where the host program allows it.
///
/// # Errors
/// `ConfigInvalid` at `pointer`.
pub fn token_address(text: &str, pointer: &str, vendors: &[&str], host: &Host) -> Result<Url> {
    let url = address(text, pointer, host)?;
    let name = url.host_str().unwrap_or_default();
    let within = |vendor: &&str| {
        name.strip_suffix(*vendor)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    match host.insecure_sources || is_loopback(&url) || vendors.iter().any(within) {
        true => Ok(url),
        false => Err(Error::invalid_field(
            pointer,
            format!(
                "credentials are sent to the vendor's token endpoints only ({}): use one of them, or start the \
                 program with --allow-insecure-sources",
                vendors.join(", ")
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let read = origin(text, "/config/host", &Host::default());
        read.map(|url| url.to_string())
            .map_err(|error| error.fields()[0].detail.clone())
    }

    #[test]
    fn names_ports_and_origins() {
        assert_eq!(read("api.example.com").unwrap(), "https://api.example.com/");
        assert_eq!(
            read(" api.example.com:8443 ").unwrap(),
            "https://api.example.com:8443/"
        );
        assert_eq!(
            read("https://api.example.com/").unwrap(),
            "https://api.example.com/"
        );
        assert_eq!(read("[::1]:80").unwrap(), "https://[::1]:80/");
        assert_eq!(read("http://127.0.0.1:8085").unwrap(), "http://127.0.0.1:8085/");
        assert_eq!(read("http://localhost:1").unwrap(), "http://localhost:1/");
    }

    #[test]
    fn what_is_refused_and_why() {
        for text in [
            "",
            "a b",
            "ftp://api.example.com",
            "https://",
            "https://api.example.com/v1",
            "host?x=1",
        ] {
            assert!(
                read(text).unwrap_err().starts_with("expected a host name"),
                "{text}"
            );
        }
        let secret = read("https://u:hunter2@api.example.com").unwrap_err();
        assert!(
            secret.contains("credentials") && !secret.contains("hunter2"),
            "{secret}"
        );
        assert!(
            read("http://api.example.com")
                .unwrap_err()
                .contains("--allow-insecure-sources")
        );
        // A name that only looks like a loopback address.
        assert!(read("http://127.0.0.1.example.com").is_err());
        assert!(read("http://localhost.example.com").is_err());
    }

    #[test]
    fn plain_http_with_the_hosts_leave() {
        let mut host = Host::default();
        host.insecure_sources = true;
        assert!(origin("http://api.example.com", "/config/host", &host).is_ok());
        assert!(address("http://build.example.com/target", "/config/artifacts_url", &host).is_ok());
    }

    #[test]
    fn whole_addresses() {
        let read = |text| address(text, "/config/artifacts_url", &Host::default());
        assert_eq!(read("https://build.example.com/a/b?v=1").unwrap().path(), "/a/b");
        for text in [
            "build.example.com/a",
            "s3://bucket/a",
            "https://u:p@build.example.com/a",
            "http://build.example.com/a",
        ] {
            assert_eq!(
                read(text).unwrap_err().fields()[0].pointer,
                "/config/artifacts_url",
                "{text}"
            );
        }
    }

    #[test]
    fn secrets_go_to_the_vendor_to_this_machine_or_where_the_host_allows() {
        let vendors = ["vendor.com", "login.example.net"];
        let mut host = Host::default();
        for text in [
            "https://vendor.com/token",
            "https://eu.vendor.com/token",
            "https://login.example.net/t/token",
            "http://127.0.0.1:8085/token",
        ] {
            assert!(
                token_address(text, "/config/token_url", &vendors, &host).is_ok(),
                "{text}"
            );
        }
        let others = [
            "https://evilvendor.com/token",
            "https://vendor.com.evil.net",
            "https://example.net",
        ];
        for text in others {
            let error = token_address(text, "/config/token_url", &vendors, &host).unwrap_err();
            assert!(
                error.fields()[0].detail.contains("--allow-insecure-sources"),
                "{text}"
            );
        }
        host.insecure_sources = true;
        assert!(token_address(others[0], "/config/token_url", &vendors, &host).is_ok());
    }
}
