//! Typed ids: UUIDv7, so that they sort by the time they were made.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Reads a stored id.
pub(crate) fn stored<T: FromStr>(text: &str, column: &'static str) -> Result<T> {
    text.parse().map_err(|_malformed| Error::corrupt(column))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $Id:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $Id(Uuid);

        impl $Id {
            /// A new id.
            #[expect(clippy::new_without_default, reason = "each call makes another id")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $Id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $Id {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A space.
    SpaceId;
    /// An API key.
    KeyId;
    /// A configured source.
    ConnectorId;
    /// A run; in the API, a sync job.
    RunId;
    /// A product: an asset in the catalog.
    ProductId;
    /// A recorded change of a product's schema.
    ChangeId;
    /// An audit event.
    AuditId;
}
