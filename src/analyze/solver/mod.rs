//! The search for attribute values that give each question its required answer.

pub(crate) mod candidates;
pub(crate) mod domain;
pub(crate) mod fragment;
pub(crate) mod ranges;
pub(crate) mod regex;
pub(crate) mod samples;
pub(crate) mod search;
pub(crate) mod solve;
pub(crate) mod space;
