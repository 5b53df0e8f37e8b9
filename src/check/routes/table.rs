//! The routes of a policy, and which of them a rule is for.

use crate::check::expressions::view::Caller;
use crate::check::routes::path::path_pattern;
use crate::collections::row_set::RowSet;
use crate::collections::table::{Id, Table};
use crate::typed::{Requirement, Resource, Route};

/// All routes, and what follows from all of them together.
#[derive(Default)]
pub(crate) struct RouteTable {
    pub(crate) table: Table<Route>,
    /// The routes that require a permission, one list a permission.
    pub(crate) requiring: Vec<Vec<Id<Route>>>,
    /// The routes that a caller enters without a permission.
    pub(crate) doors: Vec<Id<Route>>,
    /// The permissions that some `allow anyone` grants.
    open_to_anyone: RowSet,
}

impl RouteTable {
    pub(crate) fn new(table: Table<Route>, permissions: usize, open_to_anyone: RowSet) -> Self {
        let mut requiring = vec![Vec::new(); permissions];
        let mut doors = Vec::new();
        for (id, route) in table.enumerate() {
            for permission in route.access.requirements.iter().flat_map(|requirement| &requirement.any_of) {
                requiring.iter_mut().skip(permission.row()).take(1).for_each(|routes| routes.push(id));
            }
            if route.enters_without_permission() {
                doors.push(id);
            }
        }
        Self { table, requiring, doors, open_to_anyone }
    }

    /// The caller of a route: assumed, unless anonymous callers can enter, too.
    pub(crate) fn caller_of(&self, route: Id<Route>) -> Caller {
        let access = &self.table[route].access;
        let opens = |requirement: &Requirement| {
            requirement.any_of.iter().any(|permission| self.open_to_anyone.contains(permission.row()))
        };
        let anonymous = access.public
            || (!access.authenticated && !access.requirements.is_empty() && access.requirements.iter().all(opens));
        if anonymous { Caller::Perhaps } else { Caller::Assumed }
    }

    /// The resource that `resource` means in a route's own conditions, where there is no doubt.
    pub(crate) fn resource_of(&self, route: Id<Route>) -> Option<Id<Resource>> {
        match self.table[route].access.subjects.as_slice() {
            [only] => Some(only.resource),
            _ => None,
        }
    }

    /// `GET /posts/{id}`
    pub(crate) fn name(&self, route: Id<Route>) -> String {
        let route = &self.table[route];
        format!("{} {}", route.method, path_pattern(&route.path))
    }
}
