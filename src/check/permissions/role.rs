//! Roles and scopes. What a role is granted, the roles that extend it are granted, too: sets of roles are closed that
//! way once, so that a caller has only the roles that they came with.

use std::collections::HashMap;

use crate::check::Checker;
use crate::check::order::{order, order_from};
use crate::check::permissions::permission::{PermissionIndex, closing, in_a_cycle, rows_only};
use crate::collections::id_set::{IdSet, IdSets};
use crate::collections::names::Names;
use crate::collections::row_set::RowSet;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::Text;
use crate::typed::{Resource, Role, Scope};

/// The roles of a policy.
#[derive(Default)]
pub(crate) struct Roles {
    pub(crate) table: Table<Role>,
    pub(crate) names: Names<Role>,
    pub(crate) sets: IdSets<Role>,
    /// In the order written.
    pub(crate) ids: Vec<Id<Role>>,
    /// Whether some role extends another.
    extend: bool,
}

impl Checker<'_> {
    /// One row a declared scope, in the order written.
    pub(crate) fn scopes(&self) -> (Table<Scope>, Names<Scope>) {
        let names = self.names.scopes.iter().map(|(name, _)| name);
        (self.names.scopes.iter().map(|_| Scope).collect(), names.collect())
    }

    /// One row a declared role; a cycle is an error that shows the way round it.
    pub(crate) fn roles(&mut self) -> Roles {
        let declared: Vec<_> = self.names.roles.iter().map(|(_, role)| *role).collect();
        let parents: Vec<Vec<(usize, &Text)>> = declared
            .iter()
            .map(|role| {
                let names = role.extends.iter();
                names.filter_map(|name| Some((self.names.roles.find(name, &mut self.diagnostics)?.0, name))).collect()
            })
            .collect();
        let order = order(&rows_only(&parents));
        for cycle in &order.cycles {
            let names = cycle.rows.iter().filter_map(|row| declared.get(*row)).map(|role| &role.name);
            if let Some(closing) = closing(cycle, &parents) {
                self.report(
                    Diagnostic::error("cyclic_role", closing.span, in_a_cycle("roles extend", names))
                        .label("closes the cycle")
                        .help("take one of the roles out of `extends`"),
                );
            }
        }
        self.closed_roles(&declared, &parents)
    }

    /// Numbers roles, each before those that extend it, and closes them.
    fn closed_roles(&mut self, declared: &[&tree::Role], parents: &[Vec<(usize, &Text)>]) -> Roles {
        // Walked from the last one and then turned round, so that the order written is kept where it can be.
        let last = declared.len().saturating_sub(1);
        let mut extending = vec![Vec::new(); declared.len()];
        for (row, parents) in parents.iter().enumerate().rev() {
            for (parent, _) in parents {
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
                    let message =
                        format!("too many roles extend `{}` and the others, in too many ways", role.name.node);
                    self.report(too_entangled(role.name.span, message));
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

    /// Enters with each permission the roles that are granted it, and those that extend them.
    pub(crate) fn roles_of_permissions(&mut self, granted: Vec<RowSet>, index: &mut PermissionIndex) {
        let mut closed: HashMap<RowSet, IdSet<Role>> = HashMap::new();
        let mut seen = vec![0; self.roles.table.len().div_ceil(32)];
        for (id, granted) in index.permissions.ids().zip(granted) {
            if granted.is_empty() {
                continue;
            }
            let Roles { table, sets, extend, .. } = &mut self.roles;
            let set = match (closed.get(&granted), *extend) {
                (Some(set), _) => Some(*set),
                (None, true) => granted.closure(sets, |role| table[role].up, &mut seen),
                (None, false) => granted.intern(sets),
            };
            let Some(set) = set else {
                return self.too_many_sets(index.permissions[id].resource, "roles");
            };
            // A set of one range is found again as fast as it is made.
            if !granted.is_range() {
                closed.insert(granted, set);
            }
            index.permissions.row_mut(id).roles = set;
        }
    }

    /// The permissions of this resource, and those before it, are granted to too many sets of roles or scopes.
    pub(crate) fn too_many_sets(&mut self, resource: Id<Resource>, what: &str) {
        let resource = self.names.resources.named().nth(resource.row());
        self.diagnostics.extend(resource.map(|(name, span, _)| {
            too_entangled(span, format!("permissions up to those of `{name}` are granted to too many sets of {what}"))
        }));
    }
}

fn too_entangled(span: Span, message: String) -> Diagnostic {
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

    /// Whether one role extends another, directly or not, or is it.
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
