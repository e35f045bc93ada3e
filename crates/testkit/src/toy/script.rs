use crate::Part;
use headwater_core::Error;
use std::sync::Arc;
use tokio::sync::watch;

/// A call that the toy connector makes to its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// The round trip of `check`.
    Check,
    /// The list of schemas: one call for each discovery.
    Schemas,
    /// A page of a schema's assets.
    Assets,
    /// The secondary read of one part for the assets of a page.
    Part(Part),
}

/// What the source does instead of answering.
#[derive(Debug, Clone)]
pub enum Action {
    /// Fails.
    Fail(Error),
    /// Panics inside the connector.
    Panic,
    /// Never answers.
    Hang,
    /// Answers when the gate opens.
    Hold(Gate),
}

/// Holds calls until it is opened. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    reached: Arc<watch::Sender<bool>>,
    open: Arc<watch::Sender<bool>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            reached: Arc::new(watch::Sender::new(false)),
            open: Arc::new(watch::Sender::new(false)),
        }
    }
}

impl Gate {
    /// Waits until a call has come to the gate.
    pub async fn reached(&self) {
        // The sender lives as long as self.
        let _ = self.reached.subscribe().wait_for(|reached| *reached).await;
    }

    /// Lets all calls through, now and later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    pub(super) async fn pass(&self) {
        self.reached.send_replace(true);
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

/// A mistake that connectors make. The conformance kit names each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// Leaves the loop over pages before the page without a next token is reported.
    LastPageDropped,
    /// Takes a refused listing for an empty one.
    ErrorReadAsEmpty,
    /// Takes a refused secondary read for an empty answer.
    RefusalReadAsEmpty,
    /// Ends on an empty page although it has a next token.
    EmptyPageEnds,
    /// Returns another error than the sink's.
    SinkErrorReplaced,
    /// Goes on after the stop signal.
    StopIgnored,
    /// Names its splits anew at each discovery.
    UnstableSplits,
    /// Shows the token in `Debug`.
    TokenInDebug,
    /// Answers a refused token with an error of the wrong kind.
    RefusedTokenUnavailable,
    /// Folds names to lower case.
    NamesFolded,
}
