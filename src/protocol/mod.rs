//! The conversation with a host: requests and facts come in, questions, answers and effects go between.

pub(crate) mod account;
pub(crate) mod decision;
pub(crate) mod family;
pub(crate) mod params;
pub(crate) mod question;
pub(crate) mod request;
