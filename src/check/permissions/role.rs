//! Roles. A grant to a role is a grant to the roles that extend it, too: sets of roles are closed that
//! way once, so that a caller has only the roles that they came with.

use std::collections::HashMap;

use crate::check::checker::{Checker, Report};
use crate::check::order::{ReferenceGraph, order, order_from};
use crate::collections::id_set::{IdSet, IdSets};
use crate::collections::names::Names;
use crate::collections::row_set::RowSet;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::typed::{Permission, Resource, Role};

/// The roles of a policy.
pub(crate) struct Roles {
    pub(crate) table: Table<Role>,
    pub(crate) names: Names<Role>,
    pub(crate) sets: IdSets<Role>,
    /// In the order written.
    pub(crate) ids: Vec<Id<Role>>,
    /// True if some role extends another.
    extend: bool,
}

/// One row a declared role; a cycle is an error that shows the way round it.
pub(crate) fn roles(checker: &Checker<'_>) -> Roles {
    let declared: Vec<&tree::Role> = checker.names.roles.values().collect();
    let mut parents = ReferenceGraph::default();
    for role in &declared {
        let row = |name| Some((checker.names.roles.find(name, &checker.findings)?.0, name));
        parents.push(&role.name, role.extends.iter().filter_map(row).collect());
    }
    let parents_by_row = parents.rows();
    for cycle in &order(&parents_by_row).cycles {
        parents
            .cycle("cyclic_role", "roles extend", cycle)
            .report_with(checker, "take one of the roles out of `extends`");
    }
    closed_roles(checker, &declared, &parents_by_row)
}

/// Numbers roles, each before those that extend it, and closes them.
fn closed_roles(checker: &Checker<'_>, declared: &[&tree::Role], parents: &[Vec<usize>]) -> Roles {
    // Walked from the last one and then turned round, so that the order written is kept where it can be.
    let last = declared.len().saturating_sub(1);
    let mut extending = vec![Vec::new(); declared.len()];
    for (row, parents) in parents.iter().enumerate().rev() {
        for parent in parents {
            extending.iter_mut().skip(last - parent).take(1).for_each(|rows| rows.push(last - row));
        }
    }
    let roots = (0..declared.len()).rev().filter(|row| parents.get(*row).is_some_and(Vec::is_empty));
    let order = order_from(roots.map(|row| last - row), &extending).rows;

    let ids: Vec<Id<Role>> = Table::promised(declared.len()).collect();
    let mut by_row = ids.clone();
    for (id, row) in ids.iter().rev().zip(&order) {
        by_row.iter_mut().skip(last - row).take(1).for_each(|slot| *slot = *id);
    }
    let mut sets = IdSets::default();
    let mut up: Vec<IdSet<Role>> = ids.iter().copied().map(IdSet::one).collect();
    let mut parts = Vec::new();
    for (id, row) in ids.iter().rev().zip(&order) {
        let extending = extending.get(*row).map(Vec::as_slice).unwrap_or_default();
        if extending.is_empty() {
            continue;
        }
        parts.clear();
        parts.push(IdSet::one(*id));
        let ids = extending.iter().filter_map(|row| by_row.get(last - row));
        parts.extend(ids.filter_map(|id| up.get(id.row())));
        let Some(union) = sets.union(&parts) else {
            if let Some(role) = declared.get(last - row) {
                let message = format!("too many roles extend `{}` and the others, in too many ways", role.name.node);
                too_entangled(role.name.span, message).report(checker);
            }
            break;
        };
        up.iter_mut().skip(id.row()).take(1).for_each(|slot| *slot = union);
    }
    let names = order.iter().rev().filter_map(|row| declared.get(last - row)).map(|role| role.name.node.as_str());
    Roles {
        names: names.collect(),
        table: up.into_iter().map(|up| Role { up }).collect(),
        sets,
        ids: by_row,
        extend: parents.iter().any(|parents| !parents.is_empty()),
    }
}

impl Roles {
    /// Enters with each permission the roles that are granted it, and those that extend them. The error is the
    /// resource of the first permission for which there is no room.
    pub(crate) fn of_permissions(
        &mut self,
        granted: Vec<RowSet>,
        permissions: &mut Table<Permission>,
    ) -> Result<(), Id<Resource>> {
        let mut closed: HashMap<RowSet, IdSet<Role>> = HashMap::new();
        let mut seen = vec![0; self.table.len().div_ceil(32)];
        for (id, granted) in permissions.ids().zip(granted).filter(|(_, granted)| !granted.is_empty()) {
            let Self { table, sets, extend, .. } = &mut *self;
            let set = match (closed.get(&granted), *extend) {
                (Some(set), _) => Some(*set),
                (None, true) => granted.closure(sets, |role| table[role].up, &mut seen),
                (None, false) => granted.intern(sets),
            };
            let set = set.ok_or(permissions[id].resource)?;
            // A set of one range is found again as fast as it is made.
            if !granted.is_range() {
                closed.insert(granted, set);
            }
            permissions.row_mut(id).roles = set;
        }
        Ok(())
    }
}

pub(crate) fn too_entangled(span: Span, message: String) -> Diagnostic {
    Diagnostic::error("too_complex", span, message)
        .help("let each role extend fewer roles, and grant to a role what those that extend it share")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use crate::typed::TypedPolicy;
    use crate::{Policy, Source};

    /// A policy whose role of each number extends these others, all of them before or after it.
    fn policy(parents: &[BTreeSet<usize>]) -> Policy {
        let mut text = String::from("policy p\nresource things { actions read }\n");
        for (row, parents) in parents.iter().enumerate() {
            let parents: Vec<String> = parents.iter().map(|parent| format!("r{parent}")).collect();
            let extends = if parents.is_empty() { String::new() } else { format!("extends {}", parents.join(", ")) };
            let grants = if row % 3 == 0 { "allow things:read" } else { "" };
            writeln!(text, "role r{row} {extends} {{ {grants} }}").unwrap();
        }
        Policy::compile(&[Source::new("p.gate", text)]).unwrap()
    }

    fn rows_up(typed: &TypedPolicy, row: usize) -> BTreeSet<String> {
        let role = typed.role_names.find(&format!("r{row}")).unwrap();
        let ids = typed.role_sets.ids(typed.roles_up(role));
        ids.map(|id| typed.role_names.get(id).to_owned()).collect()
    }

    /// True if one role extends another, directly or not, or is the same.
    fn extends(parents: &[BTreeSet<usize>], row: usize, other: usize) -> bool {
        row == other || parents[row].iter().any(|parent| extends(parents, *parent, other))
    }

    proptest! {
        #[test]
        fn roles_are_closed_like_a_walk_closes_them(
            edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..30),
            turned: bool,
        ) {
            let mut parents = vec![BTreeSet::new(); 12];
            for (one, other) in edges.into_iter().filter(|(one, other)| one != other) {
                let (low, high) = (one.min(other), one.max(other));
                if turned { parents[low].insert(high) } else { parents[high].insert(low) };
            }
            let policy = policy(&parents);
            let typed = &policy.compiled().typed;
            let named = |row: usize| format!("r{row}");
            for row in 0..12 {
                let expected: BTreeSet<String> = (0..12).filter(|by| extends(&parents, *by, row)).map(named).collect();
                prop_assert_eq!(rows_up(typed, row), expected);
                let id = typed.role_names.find(&named(row)).unwrap();
                let ids = parents[row].iter().map(|parent| typed.role_names.find(&named(*parent)).unwrap().row());
                prop_assert!(ids.max().is_none_or(|parent| parent < id.row()));
                for by in 0..12 {
                    let held = typed.role_names.find(&named(by)).unwrap();
                    prop_assert_eq!(typed.in_role(&[held], id), extends(&parents, by, row));
                }
            }
            let permission = &typed.permissions[typed.permission_names.find("things:read").unwrap()];
            let granted: BTreeSet<&str> =
                typed.role_sets.ids(permission.roles).map(|id| typed.role_names.get(id)).collect();
            let expected: BTreeSet<String> =
                (0..12).filter(|by| (0..12).step_by(3).any(|row| extends(&parents, *by, row))).map(named).collect();
            prop_assert!(granted.iter().eq(expected.iter()));
        }

        #[test]
        fn every_set_of_a_tree_is_a_range(above in prop::collection::vec(any::<prop::sample::Index>(), 60), turned: bool) {
            // In a tree, each role extends one that came before; written from the other end, one that comes after.
            let count = above.len();
            let place = |row: usize| if turned { count - 1 - row } else { row };
            let mut parents = vec![BTreeSet::new(); count];
            for (row, above) in above.iter().enumerate().skip(1) {
                parents[place(row)].insert(place(above.index(row)));
            }
            let policy = policy(&parents);
            let typed = &policy.compiled().typed;
            for (id, role) in typed.roles.enumerate() {
                let rows: Vec<usize> = typed.role_sets.ids(role.up).map(crate::collections::table::Id::row).collect();
                prop_assert!(rows.iter().copied().eq(id.row()..id.row() + rows.len()));
            }
        }
    }
}
