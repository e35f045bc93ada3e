//! How what was read becomes what is stored.
//!
//! Pure parts first: [`doc`] is what is kept of an asset, [`merge`] keeps stored answers where nothing was
//! read, [`hash`] says whether two documents are one schema, [`diff`] tells the difference. Then a [`batch`]
//! of what arrived is written by [`commit`].

mod batch;
mod commit;
mod diff;
mod doc;
mod finish;
mod gone;
mod hash;
mod merge;
mod split;
mod stats;
mod target;
mod write;

pub(crate) use batch::{Batch, Edges};
#[cfg(test)]
pub(crate) use doc::tests;
pub(crate) use doc::{Doc, field_names};
pub(crate) use finish::Rules;
pub(crate) use hash::{Digest, digest_path};
pub(crate) use target::Target;
