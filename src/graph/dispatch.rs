//! Finds the endpoint of a path. Of several that match, the most specific wins, segment by segment: literal, typed
//! parameter, parameter, rest.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::collections::table::{Id, Table};
use crate::graph::Endpoint;
use crate::model::path::is_uuid;
use crate::typed::{ParameterType, PathSegment};

/// A trie over path segments. One hash table has the literals of all branches.
#[derive(Debug)]
pub(crate) struct Dispatch {
    branches: Table<Branch>,
    root: Id<Branch>,
    literals: HashTable<Literal>,
    /// The texts of the literals.
    text: String,
    hasher: DefaultHashBuilder,
}

/// The continuations of a path other than literals.
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

/// A literal segment between two branches.
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
    pub(crate) fn new() -> Self {
        let mut branches = Table::new();
        let root = branches.push(Branch::default());
        let (literals, hasher) = (HashTable::new(), DefaultHashBuilder::default());
        Self { branches, root, literals, text: String::new(), hasher }
    }

    /// The endpoint of a path. A new path gets one from `endpoint`.
    pub(crate) fn insert(&mut self, path: &[PathSegment], endpoint: impl FnOnce() -> Id<Endpoint>) -> Id<Endpoint> {
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

    /// The endpoint of a path with decoded segments, which contain no slash. No branch is entered twice, so the number of
    /// routes bounds the time.
    pub(crate) fn find(&self, path: &str) -> Option<Id<Endpoint>> {
        let segments = path.strip_prefix('/')?;
        // Only the root path ends in a slash: `/admin/` mustn't slip past `/admin` into a route that takes any rest.
        match segments {
            "" => self.find_from(self.root, None),
            _ if segments.ends_with('/') => None,
            _ => self.find_from(self.root, Some(segments)),
        }
    }

    /// The recursion is as deep as the deepest route's path, which the checker bounds.
    fn find_from(&self, at: Id<Branch>, segments: Option<&str>) -> Option<Id<Endpoint>> {
        let branch = &self.branches[at];
        let Some(segments) = segments else { return branch.end };
        let end = segments.bytes().position(|byte| byte == b'/').unwrap_or(segments.len());
        let (first, rest) = segments.split_at_checked(end)?;
        let rest = rest.strip_prefix('/');
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

/// True if a parameter takes a segment. An empty segment is no value.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Routes by their rows: `int`, `uuid` and `any` are parameters, `rest` is the rest of a path.
    #[test]
    fn the_most_specific_route_wins() {
        let uuid = "01890a5d-ac96-774b-bcce-b302099a8057";
        let routes = ["", "a", "int", "uuid", "any", "rest", "a/int", "any/7", "a/any/b", "7/rest", "any/any/any/rest"];
        let mut dispatch = Dispatch::new();
        for (row, route) in (0..).zip(routes) {
            let parameter = |ty| PathSegment::Parameter { name: "p".to_owned(), ty };
            let segment = |text: &str| match text {
                "int" => parameter(ParameterType::Int),
                "uuid" => parameter(ParameterType::Uuid),
                "any" => parameter(ParameterType::Any),
                "rest" => PathSegment::Rest("p".to_owned()),
                literal => PathSegment::Literal(literal.to_owned()),
            };
            let path: Vec<PathSegment> = route.split('/').filter(|text| !text.is_empty()).map(segment).collect();
            dispatch.insert(&path, || Id::numbered(row));
        }
        let check = |path: &str, route: Option<&str>| {
            let found = dispatch.find(path).and_then(|id| routes.get(id.row()).copied());
            assert_eq!(found, route, "{path}");
        };
        check("", None);
        check("/", Some(""));
        check("/a", Some("a"));
        check("/a/", None);
        check("/b", Some("any"));
        check("//", None);
        check("//b", Some("rest"));
        for (text, route) in [("7", "int"), ("-7", "int"), ("0", "int"), ("9223372036854775807", "int"), (uuid, "uuid")]
        {
            check(&format!("/{text}"), Some(route));
        }
        for text in ["07", "+7", "-0", "-", "9223372036854775808", "a b"] {
            check(&format!("/{text}"), Some("any"));
        }
        check("/a/7", Some("a/int"));
        // A route that begins more generally is found if the more specific ones end elsewhere.
        check("/a/b", Some("rest"));
        check("/b/7", Some("any/7"));
        check("/a/7/b", Some("a/any/b"));
        check("/a/7/c", Some("rest"));
        check("/7/x/y", Some("7/rest"));
        check("/7", Some("int"));
        check("/b/c/d/e", Some("any/any/any/rest"));
        check("/b/c/d", Some("rest"));
    }
}
