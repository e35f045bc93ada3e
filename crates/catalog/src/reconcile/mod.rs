//! How what was read becomes what is stored.
//!
//! Pure parts first: [`doc`] is what is kept of an asset, [`merge`] keeps stored answers where nothing was
//! read, [`hash`] says whether two documents are one schema, [`diff`] tells the difference.

mod diff;
mod doc;
mod hash;
mod merge;

#[cfg(test)]
pub(crate) use doc::tests;
pub(crate) use doc::{Doc, field_names};
