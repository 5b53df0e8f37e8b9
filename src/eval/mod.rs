//! Expressions against values: operators, reads, facts and what diagrams ask. Pure; it never asks a host by itself.

pub(crate) mod attributes;
pub(crate) mod cookies;
pub(crate) mod evaluate;
pub(crate) mod facts;
pub(crate) mod identity;
pub(crate) mod operators;
pub(crate) mod questions;
pub(crate) mod reads;
pub(crate) mod value_ref;
