//! The slots of a request whose values matter, and the slots that each variable of a diagram depends on.

use std::collections::HashMap;
use std::rc::Rc;

use indexmap::IndexMap;

use crate::analyze::scenario::Scenario;
use crate::analyze::solver::domain::Domain;
use crate::collections::id_set::IdSet;
use crate::collections::table::Id;
use crate::graph::{Class, Variable, VariableId};
use crate::typed::{Condition, Expr, PathSegment, Read, Role, Type};

/// A value of a request: a read, or a field of a read, of one of the scenario's instances.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) instance: usize,
    pub(crate) path: Expr,
}

#[derive(Debug)]
pub(crate) struct SlotInfo<'p> {
    pub(crate) domain: Domain<'p>,
    /// The number of the record that the slot is a field of.
    pub(crate) parent: Option<usize>,
}

impl SlotInfo<'_> {
    /// The type of the slot's values other than `null`.
    pub(crate) fn not_null(&self) -> Option<&Type> {
        self.domain.ty.as_ref().map(Type::not_null)
    }
}

/// A variable of one instance. The instance is the first one if the variable reads no resource.
pub(crate) type InstanceVariable = (usize, VariableId);

/// The number of classes of a variable, and the values that it depends on.
pub(crate) struct VariableInfo {
    pub(crate) classes: Class,
    pub(crate) depends_on: DependsOn,
}

pub(crate) enum DependsOn {
    Roles(IdSet<Role>),
    /// The slots of these numbers.
    Slots(Rc<[usize]>),
}

/// The slots and variables of a scenario. They are found when a search first needs them.
pub(crate) struct Space<'p> {
    pub(crate) scenario: Scenario<'p>,
    /// The slots by their numbers.
    pub(crate) slots: IndexMap<Slot, SlotInfo<'p>>,
    variables: HashMap<InstanceVariable, Rc<VariableInfo>>,
    reads_resource: HashMap<VariableId, bool>,
}

impl<'p> Space<'p> {
    pub(crate) fn new(scenario: Scenario<'p>) -> Self {
        Self { scenario, slots: IndexMap::new(), variables: HashMap::new(), reads_resource: HashMap::new() }
    }

    pub(crate) fn variable(&self, id: VariableId) -> Option<Variable<'p>> {
        self.scenario.graph.logic.variables.variable(id)
    }

    pub(crate) fn instance_variable(&mut self, instance: usize, variable: VariableId) -> InstanceVariable {
        if instance == 0 {
            return (0, variable);
        }
        let known = self.reads_resource.get(&variable).copied();
        let reads = known.unwrap_or_else(|| {
            let mut paths = Vec::new();
            if let Some(Variable::Attribute(expr, _) | Variable::Opaque(expr)) = self.variable(variable) {
                self.paths(expr, &mut paths);
            }
            paths.iter().any(|path| matches!(root(path), Some(Read::Resource(_) | Read::ResourceId)))
        });
        self.reads_resource.insert(variable, reads);
        (if reads { instance } else { 0 }, variable)
    }

    pub(crate) fn info(&mut self, key: InstanceVariable) -> Rc<VariableInfo> {
        if let Some(known) = self.variables.get(&key) {
            return Rc::clone(known);
        }
        let (instance, variable) = key;
        let mut paths = Vec::new();
        let (classes, roles) = match self.variable(variable) {
            Some(Variable::Roles(roles)) => (2, Some(roles)),
            Some(Variable::HasUser) | None => (2, None),
            Some(Variable::Capped | Variable::Scopes(_)) => {
                paths.push(Expr::Read(Read::UserScopes));
                (2, None)
            }
            Some(Variable::Attribute(path, partition)) => {
                paths.push(path.clone());
                (partition.len(), None)
            }
            Some(Variable::Opaque(expr)) => {
                self.paths(expr, &mut paths);
                (3, None)
            }
        };
        let depends_on = match roles {
            Some(roles) => DependsOn::Roles(roles),
            None => {
                let mut slots = Vec::new();
                for path in paths {
                    self.slots_of(instance, path, &mut slots);
                }
                slots.sort_unstable();
                slots.dedup();
                DependsOn::Slots(slots.into())
            }
        };
        let info = Rc::new(VariableInfo { classes, depends_on });
        self.variables.insert(key, Rc::clone(&info));
        info
    }

    /// Adds the paths that an expression reads, directly or by a condition.
    pub(crate) fn paths(&self, expr: &Expr, out: &mut Vec<Expr>) {
        self.new_paths(expr, &mut Vec::new(), out);
    }

    fn new_paths(&self, expr: &Expr, seen: &mut Vec<Id<Condition>>, out: &mut Vec<Expr>) {
        let mut conditions = Vec::new();
        expr.any(&mut |part| {
            match part {
                Expr::Condition(id) => conditions.push(*id),
                // The path that a field belongs to follows as a part of its own.
                Expr::Read(_) | Expr::Field(..) if root(part).is_some() => out.push(part.clone()),
                _ => {}
            }
            false
        });
        for id in conditions {
            if !seen.contains(&id) {
                seen.push(id);
                self.new_paths(&self.scenario.policy.conditions[id].expr, seen, out);
            }
        }
    }

    /// Adds the numbers of the slots that a path depends on: its own, and those of the records that it goes through.
    fn slots_of(&mut self, instance: usize, path: Expr, out: &mut Vec<usize>) {
        if let Expr::Read(Read::Path) = path
            && let Some(route) = self.scenario.route()
        {
            for segment in &route.path {
                if let PathSegment::Parameter { name, .. } | PathSegment::Rest(name) = segment {
                    out.extend(self.slot(0, Expr::Read(Read::Param(name.clone()))));
                }
            }
            return;
        }
        let mut next = self.slot(instance, path);
        while let Some(number) = next {
            out.push(number);
            next = self.slots.get_index(number).and_then(|(_, info)| info.parent);
        }
    }

    /// The number of the slot of a path.
    pub(crate) fn slot(&mut self, instance: usize, path: Expr) -> Option<usize> {
        let path = match &path {
            Expr::Read(read) => self.scenario.same_as(instance, read).map_or(path, Expr::Read),
            _ => path,
        };
        let read = root(&path)?;
        let instance = if matches!(read, Read::Resource(_) | Read::ResourceId) { instance } else { 0 };
        let slot = Slot { instance, path };
        if let Some(known) = self.slots.get_index_of(&slot) {
            return Some(known);
        }
        let (domain, parent) = match &slot.path {
            Expr::Read(read) => (self.scenario.domain(instance, read), None),
            Expr::Field(of, name) => {
                let parent = self.slot(instance, (**of).clone())?;
                let ty = self.slots.get_index(parent).and_then(|(_, info)| info.not_null());
                let field = ty.and_then(|ty| ty.field(name, &self.scenario.policy.shapes));
                (field.map_or_else(Domain::unknown, |field| Domain::declared(&field)), Some(parent))
            }
            _ => return None,
        };
        Some(self.slots.insert_full(slot, SlotInfo { domain, parent }).0)
    }
}

/// The read that a path begins with.
pub(crate) fn root(path: &Expr) -> Option<&Read> {
    match path {
        Expr::Read(read) => Some(read),
        Expr::Field(of, _) => root(of),
        _ => None,
    }
}
