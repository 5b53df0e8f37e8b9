//! The plain types that both ends share.

pub(crate) mod account;
pub(crate) mod bits;
pub(crate) mod bucket;
pub(crate) mod decision;
pub(crate) mod diagnostic;
pub(crate) mod digest;
pub(crate) mod duration;
pub(crate) mod family;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod id_set;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod mask;
pub(crate) mod names;
pub(crate) mod network;
pub(crate) mod outcome;
pub(crate) mod params;
pub(crate) mod path;
pub(crate) mod question;
pub(crate) mod reason;
pub(crate) mod request;
pub(crate) mod rising;
pub(crate) mod source;
pub(crate) mod table;
pub(crate) mod value;
