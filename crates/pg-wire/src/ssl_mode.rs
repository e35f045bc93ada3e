use crate::Check;
use headwater_core::Endpoint;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_postgres::config::SslMode as Wire;

/// libpq's modes of encryption, with libpq's meaning, from the laxest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// Encrypted only where the server refuses the connection otherwise.
    Allow,
    /// Encrypted where the server can.
    Prefer,
    /// Always encrypted; the certificate is not checked unless `sslrootcert` is given.
    Require,
    /// Always encrypted; the certificate comes from a trusted authority.
    VerifyCa,
    /// Always encrypted; the certificate comes from a trusted authority and names the host.
    VerifyFull,
}

impl SslMode {
    /// How to try, in this order. On a unix socket libpq never encrypts.
    pub(crate) fn attempts(self, endpoint: &Endpoint) -> &'static [Wire] {
        match (endpoint, self) {
            (Endpoint::Unix(_), _) | (_, Self::Disable) => &[Wire::Disable],
            (_, Self::Allow) => &[Wire::Disable, Wire::Require],
            (_, Self::Prefer) => &[Wire::Prefer, Wire::Disable],
            (_, Self::Require | Self::VerifyCa | Self::VerifyFull) => &[Wire::Require],
        }
    }

    /// As in libpq, a given authority is always checked against, whatever the mode.
    pub fn check(self, has_rootcert: bool) -> Check {
        match self {
            Self::VerifyFull => Check::ChainAndName,
            Self::VerifyCa => Check::Chain,
            _ if has_rootcert => Check::Chain,
            _ => Check::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_authority_is_always_checked_against() {
        assert_eq!(SslMode::Require.check(false), Check::Nothing);
        assert_eq!(SslMode::Require.check(true), Check::Chain);
        assert_eq!(SslMode::Prefer.check(true), Check::Chain);
        assert_eq!(SslMode::VerifyCa.check(false), Check::Chain);
        assert_eq!(SslMode::VerifyFull.check(true), Check::ChainAndName);
    }

    #[test]
    fn nothing_is_encrypted_on_a_unix_socket() {
        let socket = Endpoint::Unix("/run/.s.PGSQL.5432".into());
        assert_eq!(SslMode::VerifyFull.attempts(&socket), [Wire::Disable]);
        let tcp = Endpoint::Tcp {
            host: "db".into(),
            port: 5432,
        };
        assert_eq!(SslMode::Require.attempts(&tcp), [Wire::Require]);
    }
}
