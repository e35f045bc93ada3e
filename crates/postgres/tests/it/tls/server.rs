//! A throw-away PostgreSQL with TLS.

use super::{Asks, Certified, Lets};
use crate::{cluster::Cluster, database::Server};
use std::path::Path;

/// Ended with this value.
pub(super) struct TlsServer(Cluster);

impl TlsServer {
    /// `None` where these programs are built without TLS.
    pub(super) fn start(
        bin: &Path,
        certified: Option<&Certified>,
        lets: Lets,
        asks: Asks<'_>,
    ) -> Option<Self> {
        let line = match lets {
            Lets::Both => "host",
            Lets::OnlyTls => "hostssl",
            Lets::OnlyPlain => "hostnossl",
        };
        let mut cluster = Cluster::init(bin, &asks.rules(line));
        if !cluster.has_tls() {
            return None;
        }
        let mut options = String::new();
        if let Some(certified) = certified {
            cluster.write("server.crt", &certified.certificate);
            cluster.write("server.key", &certified.key);
            options.push_str("-c ssl=on");
        }
        if let Asks::Certificate(authority) = asks {
            cluster.write("clients.crt", authority);
            options.push_str(" -c ssl_ca_file=clients.crt");
        }
        cluster.start_with(&options);
        Some(Self(cluster))
    }

    pub(super) fn admin(&self) -> Server {
        self.0.server.clone()
    }

    pub(super) fn port(&self) -> u16 {
        self.0.server.port
    }

    pub(super) fn last_was_encrypted(&self) -> bool {
        let log = self.0.log();
        let mut logins = log.lines().filter(|line| line.contains("connection authorized"));
        logins
            .next_back()
            .is_some_and(|line| line.contains("SSL enabled"))
    }
}
