//! The places of a request whose values matter, and which of them each question of a diagram depends on.

use std::collections::HashMap;
use std::rc::Rc;

use indexmap::IndexMap;

use crate::analyze::scenario::Scenario;
use crate::analyze::solver::domain::Room;
use crate::collections::id_set::IdSet;
use crate::collections::table::Id;
use crate::graph::{Outcome, Question, Variable};
use crate::typed::{Condition, Expr, PathSegment, Read, Role};

/// A place: what is read, or a field of it, of one of the things.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) thing: usize,
    pub(crate) path: Expr,
}

/// A place with what can stand there.
#[derive(Debug)]
pub(crate) struct Cell<'p> {
    pub(crate) room: Room<'p>,
    /// The record that it is a field of.
    pub(crate) parent: Option<usize>,
}

/// A question about one of the things. Whoever doesn't read the thing asks of the first.
pub(crate) type Key = (usize, Variable);

/// What is known of a question.
pub(crate) struct Asked {
    /// How many outcomes it can have.
    pub(crate) outcomes: Outcome,
    pub(crate) about: About,
}

/// What a question is about.
pub(crate) enum About {
    Roles(IdSet<Role>),
    /// The values of these places.
    Cells(Rc<[usize]>),
}

/// The places and questions of a scenario, found as they are come by.
pub(crate) struct Space<'p> {
    pub(crate) scenario: Scenario<'p>,
    pub(crate) cells: IndexMap<Place, Cell<'p>>,
    asked: HashMap<Key, Rc<Asked>>,
    reads_thing: HashMap<Variable, bool>,
}

impl<'p> Space<'p> {
    pub(crate) fn new(scenario: Scenario<'p>) -> Self {
        Self { scenario, cells: IndexMap::new(), asked: HashMap::new(), reads_thing: HashMap::new() }
    }

    /// The question of a variable.
    pub(crate) fn question(&self, variable: Variable) -> Option<Question<'p>> {
        self.scenario.graph.logic.variables.question(variable)
    }

    /// The key of a variable that is asked of a thing.
    pub(crate) fn key(&mut self, thing: usize, variable: Variable) -> Key {
        if thing == 0 {
            return (0, variable);
        }
        let known = self.reads_thing.get(&variable).copied();
        let reads = known.unwrap_or_else(|| {
            let mut paths = Vec::new();
            if let Some(Question::Class(expr, _) | Question::Opaque(expr)) = self.question(variable) {
                self.paths(expr, &mut paths);
            }
            paths.iter().any(|path| matches!(root(path), Some(Read::Resource(_) | Read::ResourceId)))
        });
        self.reads_thing.insert(variable, reads);
        (if reads { thing } else { 0 }, variable)
    }

    /// What a question depends on.
    pub(crate) fn asked(&mut self, key: Key) -> Rc<Asked> {
        if let Some(known) = self.asked.get(&key) {
            return Rc::clone(known);
        }
        let (thing, variable) = key;
        let scopes = || Expr::Read(Read::UserScopes);
        let (outcomes, paths) = match self.question(variable) {
            Some(Question::Roles(roles)) => {
                let asked = Rc::new(Asked { outcomes: 2, about: About::Roles(roles) });
                self.asked.insert(key, Rc::clone(&asked));
                return asked;
            }
            Some(Question::HasUser) | None => (2, Vec::new()),
            Some(Question::Capped | Question::Scopes(_)) => (2, vec![scopes()]),
            Some(Question::Class(path, domain)) => (domain.len(), vec![path.clone()]),
            Some(Question::Opaque(expr)) => {
                let mut paths = Vec::new();
                self.paths(expr, &mut paths);
                (3, paths)
            }
        };
        let mut cells = Vec::new();
        for path in paths {
            self.cells_of(thing, path, &mut cells);
        }
        cells.sort_unstable();
        cells.dedup();
        let asked = Rc::new(Asked { outcomes, about: About::Cells(cells.into()) });
        self.asked.insert(key, Rc::clone(&asked));
        asked
    }

    /// Everything that an expression reads, conditions looked into.
    pub(crate) fn paths(&self, expr: &Expr, out: &mut Vec<Expr>) {
        let mut seen = Vec::new();
        self.paths_beside(expr, &mut seen, out);
    }

    fn paths_beside(&self, expr: &Expr, seen: &mut Vec<Id<Condition>>, out: &mut Vec<Expr>) {
        let mut conditions = Vec::new();
        expr.any(&mut |part| {
            match part {
                Expr::Condition(id) => conditions.push(*id),
                // A field of something is read with it; what it is read of follows, and is read as well.
                Expr::Read(_) | Expr::Field(..) if root(part).is_some() => out.push(part.clone()),
                _ => {}
            }
            false
        });
        for id in conditions {
            if !seen.contains(&id) {
                seen.push(id);
                self.paths_beside(&self.scenario.policy.conditions[id].expr, seen, out);
            }
        }
    }

    /// The places that a path depends on: the records that it goes through, and all fields of the one that it ends at.
    fn cells_of(&mut self, thing: usize, path: Expr, out: &mut Vec<usize>) {
        if let Expr::Read(Read::Path) = path
            && let Some(route) = self.scenario.route()
        {
            for segment in &route.path {
                if let PathSegment::Parameter { name, .. } | PathSegment::Rest(name) = segment {
                    out.extend(self.cell(0, Expr::Read(Read::Param(name.clone()))));
                }
            }
            return;
        }
        let Some(cell) = self.cell(thing, path) else { return };
        let mut at = Some(cell);
        while let Some(cell) = at {
            out.push(cell);
            at = self.cells.get_index(cell).and_then(|(_, cell)| cell.parent);
        }
    }

    /// The number of a place.
    pub(crate) fn cell(&mut self, thing: usize, path: Expr) -> Option<usize> {
        let path = match &path {
            Expr::Read(read) => self.scenario.same_as(thing, read).map_or(path, Expr::Read),
            _ => path,
        };
        let read = root(&path)?;
        let thing = if matches!(read, Read::Resource(_) | Read::ResourceId) { thing } else { 0 };
        let place = Place { thing, path };
        if let Some(known) = self.cells.get_index_of(&place) {
            return Some(known);
        }
        let (room, parent) = match &place.path {
            Expr::Read(read) => (self.scenario.room(thing, read), None),
            Expr::Field(of, name) => {
                let parent = self.cell(thing, (**of).clone())?;
                let ty = self.cells.get_index(parent).and_then(|(_, cell)| cell.room.ty.clone());
                let field = ty.and_then(|ty| self.scenario.field(&ty, name));
                (field.map_or_else(Room::unknown, |field| Room::declared(&field)), Some(parent))
            }
            _ => return None,
        };
        Some(self.cells.insert_full(place, Cell { room, parent }).0)
    }
}

/// What a path begins with.
pub(crate) fn root(path: &Expr) -> Option<&Read> {
    match path {
        Expr::Read(read) => Some(read),
        Expr::Field(of, _) => root(of),
        _ => None,
    }
}
