//! Roles, closed under inheritance, and scopes.

use crate::model::bits::BitSet;
use crate::model::diagnostic::Diagnostic;
use crate::model::table::Table;
use crate::syntax::tree::Text;

use super::Checker;
use super::order::order;
use super::permission::{closing, in_a_cycle, rows_only};
use super::typed::{Role, Scope};

impl Checker<'_> {
    /// One row a declared scope, in the order written.
    pub(super) fn scopes(&self) -> Table<Scope> {
        self.names.scopes.iter().map(|(name, _)| Scope { name: name.to_owned() }).collect()
    }

    /// One row a declared role, in the order written; a cycle is an error that shows the way round it.
    pub(super) fn roles(&mut self) -> Table<Role> {
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
        let mut closures = vec![BitSet::default(); declared.len()];
        for row in order.rows {
            let mut closure = BitSet::default();
            closure.insert(row);
            for (parent, _) in parents.get(row).into_iter().flatten() {
                if let Some(inherited) = closures.get(*parent) {
                    closure.union(inherited);
                }
            }
            closures.iter_mut().skip(row).take(1).for_each(|slot| slot.clone_from(&closure));
        }
        let names = declared.iter().map(|role| role.name.node.clone());
        names.zip(closures).map(|(name, closure)| Role { name, closure }).collect()
    }
}
