//! Roles and scopes.

use crate::collections::id_set::IdSet;

/// A role; its grants are in the permissions. A role comes before those that extend it, and these are
/// together as far as possible, so that most sets of roles are a range.
#[derive(Debug)]
pub(crate) struct Role {
    /// It, and every role that extends it, directly or not: a holder of one of these is in the role.
    pub(crate) up: IdSet<Role>,
}

/// A scope; its grants are in the permissions.
#[derive(Debug)]
pub(crate) struct Scope;
