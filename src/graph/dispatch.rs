//! From a path to its endpoint. Of several that match, the more specific wins, segment by segment: literal,
//! typed parameter, parameter, rest.

use std::collections::HashMap;

use crate::check::typed::{ParameterType, PathSegment};
use crate::model::path::is_uuid;
use crate::model::table::{Id, Table};

use super::Endpoint;

/// A trie over path segments.
#[derive(Debug)]
pub(crate) struct Dispatch {
    branches: Table<Branch>,
    root: Id<Branch>,
}

/// What can follow a segment.
#[derive(Debug, Default)]
struct Branch {
    literals: HashMap<String, Id<Branch>>,
    int: Option<Id<Branch>>,
    uuid: Option<Id<Branch>>,
    any: Option<Id<Branch>>,
    rest: Option<Id<Endpoint>>,
    end: Option<Id<Endpoint>>,
}

impl Dispatch {
    pub(super) fn new() -> Self {
        let mut branches = Table::new();
        let root = branches.push(Branch::default());
        Self { branches, root }
    }

    /// The endpoint of a path, made by `endpoint` where the path is new.
    pub(super) fn insert(&mut self, path: &[PathSegment], endpoint: impl FnOnce() -> Id<Endpoint>) -> Id<Endpoint> {
        let mut at = self.root;
        for segment in path {
            if let PathSegment::Rest(_) = segment {
                return *self.end_of(at, |branch| &mut branch.rest).get_or_insert_with(endpoint);
            }
            at = self.step(at, segment);
        }
        *self.end_of(at, |branch| &mut branch.end).get_or_insert_with(endpoint)
    }

    fn step(&mut self, at: Id<Branch>, segment: &PathSegment) -> Id<Branch> {
        let branch = &self.branches[at];
        let known = match segment {
            PathSegment::Literal(literal) => branch.literals.get(literal).copied(),
            PathSegment::Parameter { ty: ParameterType::Int, .. } => branch.int,
            PathSegment::Parameter { ty: ParameterType::Uuid, .. } => branch.uuid,
            PathSegment::Parameter { ty: ParameterType::Any, .. } | PathSegment::Rest(_) => branch.any,
        };
        if let Some(known) = known {
            return known;
        }
        let next = self.branches.push(Branch::default());
        let branch = self.branches.row_mut(at);
        match segment {
            PathSegment::Literal(literal) => {
                branch.literals.insert(literal.clone(), next);
            }
            PathSegment::Parameter { ty: ParameterType::Int, .. } => branch.int = Some(next),
            PathSegment::Parameter { ty: ParameterType::Uuid, .. } => branch.uuid = Some(next),
            PathSegment::Parameter { ty: ParameterType::Any, .. } | PathSegment::Rest(_) => branch.any = Some(next),
        }
        next
    }

    fn end_of(
        &mut self,
        at: Id<Branch>,
        end: fn(&mut Branch) -> &mut Option<Id<Endpoint>>,
    ) -> &mut Option<Id<Endpoint>> {
        end(self.branches.row_mut(at))
    }

    /// The endpoint that a path's decoded segments lead to. No branch is entered twice, so the time is bounded
    /// by the number of routes whatever the path.
    pub(crate) fn find(&self, segments: &[String]) -> Option<Id<Endpoint>> {
        // Only the root path ends in a slash: `/admin/` mustn't slip past `/admin` into a route that takes any rest.
        if segments.last().is_some_and(String::is_empty) {
            return None;
        }
        self.find_from(self.root, segments)
    }

    /// Recursion is as deep as the deepest route's path, which the checker bounds.
    fn find_from(&self, at: Id<Branch>, segments: &[String]) -> Option<Id<Endpoint>> {
        let branch = &self.branches[at];
        let Some((first, rest)) = segments.split_first() else { return branch.end };
        let follow = |next: Option<Id<Branch>>| next.and_then(|next| self.find_from(next, rest));
        let typed = |ty, next| if accepts(ty, first) { follow(next) } else { None };
        follow(branch.literals.get(first).copied())
            .or_else(|| typed(ParameterType::Int, branch.int))
            .or_else(|| typed(ParameterType::Uuid, branch.uuid))
            .or_else(|| typed(ParameterType::Any, branch.any))
            .or(branch.rest)
    }
}

/// Whether a parameter takes a segment. An empty segment is no value.
fn accepts(ty: ParameterType, segment: &str) -> bool {
    match ty {
        ParameterType::Int => is_int(segment),
        ParameterType::Uuid => is_uuid(segment),
        ParameterType::Any => !segment.is_empty(),
    }
}

/// A canonical `int`: no plus sign, no leading zeros, so that one id has one spelling.
fn is_int(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|value| value.to_string() == text)
}
