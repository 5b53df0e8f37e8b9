//! The route table and the transport block.

pub(crate) mod clause;
pub(crate) mod condition;
pub(crate) mod draft;
pub(crate) mod issues;
pub(crate) mod path;
pub(crate) mod route;
pub(crate) mod service;
pub(crate) mod table;
pub(crate) mod transport;
