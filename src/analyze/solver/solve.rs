//! Looks for values under which variables have allowed classes. It fills one slot after the other, and the evaluation
//! itself decides the variables. It claims that there are no values only if it tried enough of them.

use std::collections::HashMap;
use std::rc::Rc;

use crate::analyze::solver::candidates::Candidates;
use crate::analyze::solver::class_set::ClassSet;
use crate::analyze::solver::space::{DependsOn, InstanceVariable, Slot, Space, root};
use crate::analyze::synthetic_request::SyntheticRequest;
use crate::graph::Variable;
use crate::model::operator::Precedence;
use crate::model::value::{Known, Value};
use crate::typed::{Expr, Read, Type};

#[derive(Debug, Clone)]
pub(crate) enum Solution {
    /// The values of the reads, in the order of their slots.
    Values(Rc<[(Slot, Known<Value>)]>),
    Impossible,
    /// No values were found, and there may be some.
    Unknown,
}

/// The steps that a search may still take.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) steps: usize,
}

impl Budget {
    /// Takes several steps at once, for work that takes longer.
    pub(crate) fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_sub(steps);
    }

    /// Takes a step. Returns false if there was none left.
    pub(crate) fn take(&mut self) -> bool {
        let left = self.steps.checked_sub(1);
        self.steps = left.unwrap_or(0);
        left.is_some()
    }
}

/// The most slots that are solved together.
const MOST_SLOTS: usize = 100;

/// Looks for values that satisfy constraints with common slots.
pub(crate) fn solve(
    space: &mut Space<'_>,
    request: &mut SyntheticRequest<'_>,
    constraints: &[(InstanceVariable, ClassSet)],
    budget: &mut Budget,
) -> Solution {
    budget.spend(constraints.len());
    let mut slots = Vec::new();
    for (key, _) in constraints {
        if let DependsOn::Slots(of) = &space.info(*key).depends_on {
            slots.extend(of.iter().copied());
        }
    }
    slots.sort_unstable();
    slots.dedup();
    if slots.len() > MOST_SLOTS {
        return Solution::Unknown;
    }
    // The elements that lists need are known once all other slots are filled.
    slots.sort_by_key(|slot| (is_list(space, *slot), *slot));
    let mut due: Vec<Vec<usize>> = vec![Vec::new(); slots.len() + 1];
    for (row, (key, _)) in constraints.iter().enumerate() {
        let last = match &space.info(*key).depends_on {
            DependsOn::Slots(of) => of.iter().filter_map(|slot| slots.iter().position(|known| known == slot)).max(),
            DependsOn::Roles(_) => None,
        };
        due.iter_mut().skip(last.map_or(0, |last| last + 1)).take(1).for_each(|due| due.push(row));
    }
    let candidates = Candidates::of(space, &slots, constraints);
    let complete = candidates.complete;
    let reads = HashMap::new();
    let mut solver = Solver { space, request, constraints, slots, due, candidates, reads, complete, budget };
    if solver.holds(0) && solver.fill(0) {
        let found = solver.reads.into_iter();
        let mut found: Vec<_> =
            found.map(|((instance, read), known)| (Slot { instance, path: Expr::Read(read) }, known)).collect();
        found.sort_by_key(|(slot, _)| solver.space.slots.get_index_of(slot));
        return Solution::Values(found.into());
    }
    if solver.complete { Solution::Impossible } else { Solution::Unknown }
}

fn is_list(space: &Space<'_>, slot: usize) -> bool {
    matches!(space.slots.get_index(slot).and_then(|(_, info)| info.not_null()), Some(Type::List(_)))
}

struct Solver<'s, 'p, 't> {
    space: &'s mut Space<'p>,
    request: &'s mut SyntheticRequest<'t>,
    constraints: &'s [(InstanceVariable, ClassSet)],
    slots: Vec<usize>,
    /// For each number of filled slots, the rows of the constraints that are then decided.
    due: Vec<Vec<usize>>,
    candidates: Candidates<'p>,
    /// The values of the reads so far. Records have their filled fields only.
    reads: HashMap<(usize, Read), Known<Value>>,
    /// False if values were left out that could be a solution.
    complete: bool,
    budget: &'s mut Budget,
}

impl Solver<'_, '_, '_> {
    /// True if the constraints that are decided now are satisfied.
    fn holds(&self, filled: usize) -> bool {
        let due = self.due.get(filled).map(Vec::as_slice).unwrap_or_default();
        due.iter().all(|row| {
            let Some(((instance, variable), allowed)) = self.constraints.get(*row) else { return true };
            let variable = self.space.variable(*variable);
            variable.is_some_and(|variable| allowed.has(self.request.class(*instance, variable)))
        })
    }

    /// Fills the slots from this one on. Returns false, and leaves them empty, if that isn't possible.
    fn fill(&mut self, filled: usize) -> bool {
        let Some(number) = self.slots.get(filled).copied() else { return true };
        let Some((slot, _)) = self.space.slots.get_index(number) else { return false };
        let slot = slot.clone();
        let Some(read) = root(&slot.path).cloned() else { return false };
        let key = (slot.instance, read);
        let before = self.reads.get(&key).cloned();
        let tried = match self.inherited(number) {
            Some(inherited) => vec![inherited],
            None => {
                let compared = self.compared(number);
                self.budget.spend(compared.len());
                let (values, cut) = self.candidates.values(self.space, number, &compared);
                self.complete &= !cut;
                values
            }
        };
        for known in tried {
            if !self.budget.take() {
                self.complete = false;
                return false;
            }
            let whole = match (&slot.path, &before) {
                (Expr::Field(..), Some(whole)) => with_field(whole, &slot.path, &known),
                _ => known.clone(),
            };
            if !self.request.set(key.0, &key.1, &whole) {
                continue;
            }
            self.reads.insert(key.clone(), whole);
            // A value that isn't read as it was set proves nothing.
            if let Known::Value(value) = &known {
                self.complete &= self.request.value(slot.instance, &slot.path).as_ref() == Some(value);
            }
            if self.holds(filled + 1) && self.fill(filled + 1) {
                return true;
            }
        }
        match before {
            Some(before) => {
                self.request.set(key.0, &key.1, &before);
                self.reads.insert(key, before);
            }
            None => {
                self.request.set(key.0, &key.1, &Known::Unknown);
                self.reads.remove(&key);
            }
        }
        false
    }

    /// The value of a field whose parent is no record.
    fn inherited(&self, number: usize) -> Option<Known<Value>> {
        let (_, info) = self.space.slots.get_index(number)?;
        let (parent, _) = self.space.slots.get_index(info.parent?)?;
        match self.request.value(parent.instance, &parent.path) {
            Some(Value::Record(_)) => None,
            _ => Some(Known::Absent),
        }
    }

    /// The values that conditions compare at present: elements that lists may need, and texts that sums make.
    fn compared(&self, number: usize) -> Vec<Value> {
        let mut values = Vec::new();
        if !is_list(self.space, number) && self.candidates.complete {
            return values;
        }
        for ((instance, variable), _) in self.constraints {
            if let Some(Variable::Opaque(expr)) = self.space.variable(*variable) {
                self.add_compared(*instance, expr, &mut values);
            }
        }
        values
    }

    fn add_compared(&self, instance: usize, expr: &Expr, out: &mut Vec<Value>) {
        let policy = self.space.scenario.policy;
        expr.any(&mut |part| {
            match part {
                Expr::Binary(operator, left, right) if operator.precedence() == Precedence::Comparison => {
                    for side in [left, right] {
                        match self.request.value(instance, side) {
                            // The elements of a list that is read were chosen from these values.
                            Some(Value::List(_)) if root(side).is_some() => {}
                            Some(Value::List(items)) => out.extend(items.iter().cloned()),
                            other => out.extend(other),
                        }
                    }
                }
                Expr::Condition(id) => self.add_compared(instance, &policy.conditions[*id].expr, out),
                _ => {}
            }
            false
        });
    }
}

/// A record with another value in the field that a path leads to.
fn with_field(whole: &Known<Value>, path: &Expr, known: &Known<Value>) -> Known<Value> {
    let mut names = Vec::new();
    let mut at = path;
    while let Expr::Field(of, name) = at {
        names.push(name.as_str());
        at = of;
    }
    let Known::Value(whole) = whole else { return whole.clone() };
    Known::Value(with_fields(whole, &names, known))
}

fn with_fields(whole: &Value, names: &[&str], known: &Known<Value>) -> Value {
    let (Value::Record(fields), Some((name, rest))) = (whole, names.split_last()) else { return whole.clone() };
    let before = fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let value = match (rest, before, known) {
        ([], _, Known::Value(value)) => Some(value.clone()),
        ([], _, Known::Absent | Known::Unknown) => None,
        (rest, before, known) => before.map(|before| with_fields(before, rest, known)),
    };
    let others = fields.iter().filter(|(known, _)| known != name).cloned();
    Value::record(others.chain(value.map(|value| ((*name).to_owned(), value))).collect())
}
