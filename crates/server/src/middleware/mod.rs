//! What happens around every handler.

mod access;
mod observe;

pub(crate) use access::{Needs, admit};
pub(crate) use observe::observe;
