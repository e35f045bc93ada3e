//! Reads a peer with the connector.

use crate::peer::Peer;
use headwater_core::{Connect, Host, Opened, Options, Path, Registry, model::Asset};
use headwater_redshift::Redshift;
use headwater_testkit::{Collected, collect};
use serde_json::{Value, json};

impl Peer {
    pub(crate) fn open(&self, change: Value) -> Opened {
        open(self.config(change), self.credentials()).expect("good settings")
    }

    pub(crate) async fn read_with(&self, change: Value) -> Collected {
        let opened = self.open(change);
        let mut options = Options::default();
        options.scope = opened.scope;
        collect(opened.connector, options).await
    }

    /// Reads the database, and insists that all of it could be and nothing was sent that Redshift refuses.
    pub(crate) async fn read(&self) -> Collected {
        let run = self.read_with(json!({})).await;
        self.assert_clean(&run);
        run
    }

    pub(crate) fn assert_clean(&self, run: &Collected) {
        assert!(
            run.is_complete(),
            "{:?} {:?} {:?}",
            run.failed,
            run.closed,
            run.ended
        );
        assert_eq!(*self.wire.violations.lock().unwrap(), [""; 0]);
    }
}

/// Opens a connector as a program does, from JSON.
pub(crate) fn open(config: Value, credentials: Value) -> headwater_core::Result<Opened> {
    let mut registry = Registry::default();
    registry.register::<Redshift>();
    registry
        .get(Redshift::KIND)?
        .open(config, credentials, &Host::default())
}

pub(crate) fn asset<'a>(run: &'a Collected, path: &Path) -> &'a Asset {
    run.assets
        .get(path)
        .unwrap_or_else(|| panic!("no {path} among {:?}", run.paths()))
}
