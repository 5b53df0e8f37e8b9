//! Evaluates expressions and answers the questions of decision diagrams. It is pure: it never asks a host by itself.

pub(crate) mod attributes;
pub(crate) mod context;
pub(crate) mod cookies;
pub(crate) mod evaluate;
pub(crate) mod identity;
pub(crate) mod questions;
pub(crate) mod reads;
