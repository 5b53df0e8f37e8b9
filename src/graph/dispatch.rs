//! From a path to its endpoint. Of several that match, the more specific wins, segment by segment: literal,
//! typed parameter, parameter, rest.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::check::typed::{ParameterType, PathSegment};
use crate::model::path::is_uuid;
use crate::model::table::{Id, Table};

use super::Endpoint;

/// A trie over path segments, whose literals are all in one hash table.
#[derive(Debug)]
pub(crate) struct Dispatch {
    branches: Table<Branch>,
    root: Id<Branch>,
    literals: HashTable<Literal>,
    /// The literals' texts, one after the other.
    text: String,
    hasher: DefaultHashBuilder,
}

/// What can follow a segment, beside literals.
#[derive(Debug, Default)]
struct Branch {
    has_literals: bool,
    int: Option<Id<Branch>>,
    uuid: Option<Id<Branch>>,
    any: Option<Id<Branch>>,
    rest: Option<Id<Endpoint>>,
    end: Option<Id<Endpoint>>,
}

impl Branch {
    fn parameter(&mut self, ty: ParameterType) -> &mut Option<Id<Self>> {
        match ty {
            ParameterType::Int => &mut self.int,
            ParameterType::Uuid => &mut self.uuid,
            ParameterType::Any => &mut self.any,
        }
    }
}

/// A literal segment, from where and to where it leads.
#[derive(Debug)]
struct Literal {
    from: Id<Branch>,
    to: Id<Branch>,
    start: usize,
    end: usize,
}

impl Literal {
    fn is(&self, from: Id<Branch>, segment: &str, text: &str) -> bool {
        self.from == from && text.get(self.start..self.end) == Some(segment)
    }
}

impl Dispatch {
    pub(super) fn new() -> Self {
        let mut branches = Table::new();
        let root = branches.push(Branch::default());
        let (literals, hasher) = (HashTable::new(), DefaultHashBuilder::default());
        Self { branches, root, literals, text: String::new(), hasher }
    }

    /// The endpoint of a path, made by `endpoint` where the path is new.
    pub(super) fn insert(&mut self, path: &[PathSegment], endpoint: impl FnOnce() -> Id<Endpoint>) -> Id<Endpoint> {
        let mut at = self.root;
        for segment in path {
            at = match segment {
                PathSegment::Literal(literal) => self.literal_or_new(at, literal),
                PathSegment::Parameter { ty, .. } => self.parameter_or_new(at, *ty),
                PathSegment::Rest(_) => {
                    return *self.branches.row_mut(at).rest.get_or_insert_with(endpoint);
                }
            };
        }
        *self.branches.row_mut(at).end.get_or_insert_with(endpoint)
    }

    fn parameter_or_new(&mut self, at: Id<Branch>, ty: ParameterType) -> Id<Branch> {
        if let Some(known) = *self.branches.row_mut(at).parameter(ty) {
            return known;
        }
        let next = self.branches.push(Branch::default());
        *self.branches.row_mut(at).parameter(ty) = Some(next);
        next
    }

    fn literal_or_new(&mut self, from: Id<Branch>, segment: &str) -> Id<Branch> {
        if let Some(known) = self.literal(from, segment) {
            return known;
        }
        let to = self.branches.push(Branch::default());
        self.branches.row_mut(from).has_literals = true;
        let start = self.text.len();
        self.text.push_str(segment);
        let literal = Literal { from, to, start, end: self.text.len() };
        let Self { literals, text, hasher, .. } = self;
        let hash = |literal: &Literal| {
            hasher.hash_one((literal.from, text.get(literal.start..literal.end).unwrap_or_default()))
        };
        literals.insert_unique(hash(&literal), literal, hash);
        to
    }

    fn literal(&self, from: Id<Branch>, segment: &str) -> Option<Id<Branch>> {
        let hash = self.hasher.hash_one((from, segment));
        self.literals.find(hash, |literal| literal.is(from, segment, &self.text)).map(|literal| literal.to)
    }

    /// The endpoint that a path leads to, whose segments are decoded and hold no slash. No branch is entered twice, so the
    /// time is bounded by the number of routes whatever the path.
    pub(crate) fn find(&self, path: &str) -> Option<Id<Endpoint>> {
        let segments = path.strip_prefix('/')?;
        // Only the root path ends in a slash: `/admin/` mustn't slip past `/admin` into a route that takes any rest.
        match segments {
            "" => self.find_from(self.root, None),
            _ if segments.ends_with('/') => None,
            _ => self.find_from(self.root, Some(segments)),
        }
    }

    /// Recursion is as deep as the deepest route's path, which the checker bounds.
    fn find_from(&self, at: Id<Branch>, segments: Option<&str>) -> Option<Id<Endpoint>> {
        let branch = &self.branches[at];
        let Some(segments) = segments else { return branch.end };
        let (first, rest) = match segments.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (segments, None),
        };
        let literal = if branch.has_literals { self.literal(at, first) } else { None };
        let follow = |next: Option<Id<Branch>>| next.and_then(|next| self.find_from(next, rest));
        let typed = |ty, next: Option<Id<Branch>>| follow(next.filter(|_| accepts(ty, first)));
        follow(literal)
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
    let canonical = match text.strip_prefix('-').unwrap_or(text).as_bytes() {
        [b'0'] => text == "0",
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    canonical && text.parse::<i64>().is_ok()
}
