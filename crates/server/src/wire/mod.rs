//! What goes over the wire: the structs of requests and answers.

pub mod asset;
