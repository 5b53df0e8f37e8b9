//! The types that a host and a decision exchange: requests and facts, questions and answers, decisions and effects.

pub(crate) mod account;
pub(crate) mod decision;
pub(crate) mod facts;
pub(crate) mod family;
pub(crate) mod host;
pub(crate) mod params;
pub(crate) mod question;
pub(crate) mod request;
