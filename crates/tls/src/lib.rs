//! Which certificate authorities Headwater's connectors trust: those of the web, and what the host adds.

use headwater_core::{Error, ErrorKind, Host, Result};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The public authorities.
pub fn public_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots
}

/// The authorities that the host trusts beside the public ones.
///
/// # Errors
/// `ConfigInvalid` when one is not PEM text.
pub fn host_roots(host: &Host) -> Result<Vec<CertificateDer<'static>>> {
    let parsed: Option<Vec<_>> = host.extra_roots.iter().map(|pem| certificates(pem)).collect();
    let wrong = || {
        Error::new(
            ErrorKind::ConfigInvalid,
            "a certificate authority of this program is not PEM text",
        )
    };
    Ok(parsed.ok_or_else(wrong)?.concat())
}

/// The certificates of a PEM text; `None` where there is none or one cannot be read.
pub fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .ok()?;
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authorities_of_amazon_are_among_the_public_ones() {
        let roots = public_roots().roots;
        // https://www.amazontrust.com/repository/
        for name in [
            "Amazon Root CA 1",
            "Amazon Root CA 3",
            "Starfield Services Root Certificate Authority - G2",
        ] {
            let holds = |subject: &[u8]| subject.windows(name.len()).any(|part| part == name.as_bytes());
            assert!(roots.iter().any(|root| holds(&root.subject)), "{name}");
        }
    }

    #[test]
    fn an_authority_that_is_no_certificate_is_refused() {
        let mut host = Host::default();
        assert!(public_roots().len() > 50);
        assert!(host_roots(&host).unwrap().is_empty());
        host.extra_roots.push("no certificate".to_owned());
        assert_eq!(host_roots(&host).unwrap_err().kind(), ErrorKind::ConfigInvalid);
    }
}
