//! Transport checks, the canonical target, and the way to a door.

pub(crate) mod canonical;
pub(crate) mod client;
pub(crate) mod dispatch;
pub(crate) mod transport;
