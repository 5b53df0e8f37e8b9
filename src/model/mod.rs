//! The plain types that both ends share.

pub(crate) mod diagnostic;
pub(crate) mod digest;
pub(crate) mod duration;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod json;
pub(crate) mod keywords;
pub(crate) mod list;
pub(crate) mod mask;
pub(crate) mod operator;
pub(crate) mod path;
pub(crate) mod reason;
pub(crate) mod source;
pub(crate) mod truth;
pub(crate) mod value;
