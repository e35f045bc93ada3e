use crate::Part;
use async_trait::async_trait;
use headwater_core::{Connect, Host, LocalFiles, Path};
use serde_json::Value;

/// A source that is set up for the conformance suite, and what is known of it.
///
/// The required methods say how to reach the source and what it holds. The rest are abilities: each has a
/// default that says "cannot", and the tests that need it then fail with its name.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The connector under test.
    type C: Connect;

    /// A config that reads the whole source, without filters.
    fn config(&self) -> Value;

    /// Credentials that the source takes.
    fn credentials(&self) -> Value;

    /// What is lent to the connector.
    fn host(&self) -> Host {
        let mut host = Host::default();
        host.local_files = LocalFiles::Allowed;
        host
    }

    /// Every asset that is to be seen, in the order that the source lists them where it has one. Two
    /// namespaces at least, and one with four assets or more.
    fn expected(&self) -> Vec<Path>;

    /// Those of [`expected`](Self::expected) whose names have quotes, dots, spaces, capitals or letters
    /// beyond ASCII.
    fn odd_names(&self) -> Vec<Path> {
        Vec::new()
    }

    /// Well-formed credentials that the source refuses.
    fn bad_credentials(&self) -> Option<Value> {
        None
    }

    /// Drops one asset, as its owner would, and names it.
    async fn drop_asset(&self) -> Option<Path> {
        None
    }

    /// Makes the source break off once, in the middle of the next split that is read.
    async fn fail_once(&self) -> bool {
        false
    }

    /// Makes the source fall silent in the middle of the next split that is read.
    async fn stall(&self) -> bool {
        false
    }

    /// Makes the source refuse to list the assets of one namespace, and names it.
    async fn refuse_listing(&self) -> Option<Path> {
        None
    }

    /// Makes the source refuse a secondary read.
    async fn refuse_part(&self) -> Option<RefusedPart> {
        None
    }

    /// Takes one namespace out of the principal's sight in such a way that the source leaves it out of its
    /// lists without an error, and names it. Not for a source that shows everything to everyone.
    async fn hide_namespace(&self) -> Option<Path> {
        None
    }
}

/// A secondary read that the source refuses.
#[derive(Debug, Clone)]
pub struct RefusedPart {
    /// What cannot be read; more than one part where one read answers several.
    pub parts: Vec<Part>,
    /// Of which assets.
    pub assets: Vec<Path>,
}
