//! Whether there are values under which questions come out in given ways. Values are tried, one place after the other, by
//! the evaluation itself; that there are none is said only where enough were tried.

use std::collections::HashMap;
use std::rc::Rc;

use crate::analyze::solver::candidates::Candidates;
use crate::analyze::solver::ranges::Ranges;
use crate::analyze::solver::space::{About, Key, Place, Space, root};
use crate::analyze::synthetic_request::SyntheticRequest;
use crate::graph::Question;
use crate::model::operator::Precedence;
use crate::model::value::{Known, Value};
use crate::typed::{Expr, Read, Type};

/// What came of looking for values.
#[derive(Debug, Clone)]
pub(crate) enum Solved {
    /// These, by what is read.
    Values(Rc<[(Place, Known<Value>)]>),
    Impossible,
    /// None was found, and there may be some.
    Open,
}

/// How much may still be tried.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) steps: usize,
}

impl Budget {
    /// What takes longer counts for several.
    pub(crate) fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_sub(steps);
    }

    /// Whether there was one more.
    pub(crate) fn take(&mut self) -> bool {
        let left = self.steps.checked_sub(1);
        self.steps = left.unwrap_or(0);
        left.is_some()
    }
}

/// More places than this aren't looked at together.
const MOST_CELLS: usize = 100;

/// Looks for values for questions that depend on the same places.
pub(crate) fn solve(
    space: &mut Space<'_>,
    trial: &mut SyntheticRequest<'_>,
    asked: &[(Key, Ranges)],
    budget: &mut Budget,
) -> Solved {
    budget.spend(asked.len());
    let mut cells = Vec::new();
    for (key, _) in asked {
        if let About::Cells(of) = &space.asked(*key).about {
            cells.extend(of.iter().copied());
        }
    }
    cells.sort_unstable();
    cells.dedup();
    if cells.len() > MOST_CELLS {
        return Solved::Open;
    }
    // What a list has to hold is known once everything else is.
    cells.sort_by_key(|cell| (is_list(space, *cell), *cell));
    let mut due: Vec<Vec<usize>> = vec![Vec::new(); cells.len() + 1];
    for (row, (key, _)) in asked.iter().enumerate() {
        let last = match &space.asked(*key).about {
            About::Cells(of) => of.iter().filter_map(|cell| cells.iter().position(|known| known == cell)).max(),
            About::Roles(_) => None,
        };
        due.iter_mut().skip(last.map_or(0, |last| last + 1)).take(1).for_each(|due| due.push(row));
    }
    let candidates = Candidates::of(space, &cells, asked);
    let complete = candidates.complete;
    let mut solver = Solver { space, trial, asked, cells, due, candidates, roots: HashMap::new(), complete, budget };
    if solver.holds(0) && solver.fill(0) {
        let found = solver.roots.into_iter();
        let mut found: Vec<_> =
            found.map(|((thing, read), known)| (Place { thing, path: Expr::Read(read) }, known)).collect();
        found.sort_by_key(|(place, _)| solver.space.cells.get_index_of(place));
        return Solved::Values(found.into());
    }
    if solver.complete { Solved::Impossible } else { Solved::Open }
}

fn is_list(space: &Space<'_>, cell: usize) -> bool {
    let ty = space.cells.get_index(cell).and_then(|(_, cell)| cell.room.ty.as_ref());
    let bare = ty.map(|ty| if let Type::Nullable(inner) = ty { inner } else { ty });
    matches!(bare, Some(Type::List(_)))
}

struct Solver<'s, 'p, 't> {
    space: &'s mut Space<'p>,
    trial: &'s mut SyntheticRequest<'t>,
    asked: &'s [(Key, Ranges)],
    cells: Vec<usize>,
    /// By how many places are filled, the questions that can then be asked.
    due: Vec<Vec<usize>>,
    candidates: Candidates<'p>,
    /// What stands in the places that are filled; records with the fields so far.
    roots: HashMap<(usize, Read), Known<Value>>,
    /// Whether enough is tried.
    complete: bool,
    budget: &'s mut Budget,
}

impl Solver<'_, '_, '_> {
    /// Whether the questions that can be asked now come out as they should.
    fn holds(&self, filled: usize) -> bool {
        let due = self.due.get(filled).map(Vec::as_slice).unwrap_or_default();
        due.iter().all(|row| {
            let Some(((thing, variable), allowed)) = self.asked.get(*row) else { return true };
            let question = self.space.question(*variable);
            question.is_some_and(|question| allowed.has(self.trial.answer(*thing, question)))
        })
    }

    fn fill(&mut self, filled: usize) -> bool {
        let Some(cell) = self.cells.get(filled).copied() else { return true };
        let Some((place, _)) = self.space.cells.get_index(cell) else { return false };
        let place = place.clone();
        let Some(read) = root(&place.path).cloned() else { return false };
        let key = (place.thing, read);
        let before = self.roots.get(&key).cloned();
        let tried = match self.inherited(cell) {
            Some(inherited) => vec![inherited],
            None => {
                let listed = self.listed(cell);
                self.budget.spend(listed.len());
                let (values, cut) = self.candidates.values(self.space, cell, &listed);
                self.complete &= !cut;
                values
            }
        };
        for known in tried {
            if !self.budget.take() {
                self.complete = false;
                return false;
            }
            let whole = match (&place.path, &before) {
                (Expr::Field(..), Some(whole)) => with_field(whole, &place.path, &known),
                _ => known.clone(),
            };
            if !self.trial.set(key.0, &key.1, &whole) {
                continue;
            }
            self.roots.insert(key.clone(), whole);
            // Whatever isn't read as it was written proves nothing.
            if let Known::Value(value) = &known {
                self.complete &= self.trial.value(place.thing, &place.path).as_ref() == Some(value);
            }
            if self.holds(filled + 1) && self.fill(filled + 1) {
                return true;
            }
        }
        match before {
            Some(before) => {
                self.trial.set(key.0, &key.1, &before);
                self.roots.insert(key, before);
            }
            None => {
                self.trial.set(key.0, &key.1, &Known::Unknown);
                self.roots.remove(&key);
            }
        }
        false
    }

    /// What a field of something that is no record comes to.
    fn inherited(&self, cell: usize) -> Option<Known<Value>> {
        let (_, cell) = self.space.cells.get_index(cell)?;
        let (place, _) = self.space.cells.get_index(cell.parent?)?;
        match self.trial.value(place.thing, &place.path) {
            Some(Value::Record(_)) => None,
            _ => Some(Known::Absent),
        }
    }

    /// What the conditions compare now: elements that lists may have to hold, and texts that are put together.
    fn listed(&self, cell: usize) -> Vec<Value> {
        let mut values = Vec::new();
        if !is_list(self.space, cell) && self.candidates.complete {
            return values;
        }
        for ((thing, variable), _) in self.asked {
            if let Some(Question::Opaque(expr)) = self.space.question(*variable) {
                self.compared(*thing, expr, &mut values);
            }
        }
        values
    }

    fn compared(&self, thing: usize, expr: &Expr, out: &mut Vec<Value>) {
        let policy = self.space.scenario.policy;
        expr.any(&mut |part| {
            match part {
                Expr::Binary(operator, left, right) if operator.precedence() == Precedence::Comparison => {
                    for (side, value) in
                        [left, right].into_iter().filter_map(|side| Some((side, self.trial.value(thing, side)?)))
                    {
                        match value {
                            // What a list that is read holds now was made of the rest.
                            Value::List(_) if root(side).is_some() => {}
                            Value::List(items) => out.extend(items.iter().cloned()),
                            other => out.push(other),
                        }
                    }
                }
                Expr::Condition(id) => self.compared(thing, &policy.conditions[*id].expr, out),
                _ => {}
            }
            false
        });
    }
}

/// A record, but for one field of it or of a record in it.
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
