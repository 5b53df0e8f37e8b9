//! The search for attribute values that give each variable of a diagram one of its required classes.

pub(crate) mod assumptions;
pub(crate) mod candidates;
pub(crate) mod class_set;
pub(crate) mod conditions;
pub(crate) mod domain;
pub(crate) mod fragment;
pub(crate) mod regex;
pub(crate) mod samples;
pub(crate) mod search;
pub(crate) mod solve;
pub(crate) mod space;
