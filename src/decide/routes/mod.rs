//! The transport stage: the client, the target and its canonical form.

pub(crate) mod canonical;
pub(crate) mod client;
pub(crate) mod transport;
