//! Permissions: roles, scopes, rules and invariants.

mod never;
mod rules;
