//! The body and the query against their schemas.

pub(crate) mod body;
pub(crate) mod query;
