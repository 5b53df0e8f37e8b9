//! The plain types that both ends share.

pub(crate) mod diagnostic;
pub(crate) mod source;
