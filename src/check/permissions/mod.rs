//! Resources, roles, scopes, rules, conditions and invariants.

pub(crate) mod attribute;
pub(crate) mod never;
pub(crate) mod pattern;
pub(crate) mod permission;
pub(crate) mod role;
pub(crate) mod rule;
pub(crate) mod subject;
