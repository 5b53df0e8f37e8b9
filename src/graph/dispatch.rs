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
    use proptest::prelude::*;

    use super::*;

    fn segment() -> impl Strategy<Value = PathSegment> {
        let parameter = |ty| PathSegment::Parameter { name: "p".to_owned(), ty };
        prop_oneof![
            4 => prop::sample::select(vec!["a", "b", "7", "a b", "-7", UUID]).prop_map(|text| PathSegment::Literal(text.to_owned())),
            1 => Just(parameter(ParameterType::Int)),
            1 => Just(parameter(ParameterType::Uuid)),
            2 => Just(parameter(ParameterType::Any)),
        ]
    }

    const UUID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn route() -> impl Strategy<Value = Vec<PathSegment>> {
        let rest = prop::option::weighted(0.2, Just(PathSegment::Rest("rest".to_owned())));
        (prop::collection::vec(segment(), 0..4), rest).prop_map(|(mut path, rest)| {
            path.extend(rest);
            path
        })
    }

    fn requested() -> impl Strategy<Value = String> {
        let texts = vec!["a", "b", "7", "07", "+7", "-0", "0", "-7", "a b", "c", "", "9223372036854775808", UUID];
        let segments = prop::collection::vec(prop::sample::select(texts), 0..5);
        segments.prop_map(|segments| format!("/{}", segments.join("/")))
    }

    /// The rank of each segment's match, 0 for the most specific. `None` if the route doesn't match.
    fn ranks(route: &[PathSegment], path: &str) -> Option<Vec<u8>> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        if route.is_empty() || path == "/" {
            return (route.is_empty() && path == "/").then(Vec::new);
        }
        if path.ends_with('/') {
            return None;
        }
        let mut ranks = Vec::new();
        let mut left = segments.iter();
        for part in route {
            let segment = left.next()?;
            ranks.push(match part {
                PathSegment::Literal(literal) if literal == segment => 0,
                PathSegment::Parameter { ty: ParameterType::Int, .. }
                    if segment.parse::<i64>().is_ok_and(|value| value.to_string() == *segment) =>
                {
                    1
                }
                PathSegment::Parameter { ty: ParameterType::Uuid, .. } if *segment == UUID => 2,
                PathSegment::Parameter { ty: ParameterType::Any, .. } if !segment.is_empty() => 3,
                PathSegment::Rest(_) => {
                    ranks.push(4);
                    return Some(ranks);
                }
                _ => return None,
            });
        }
        left.next().is_none().then_some(ranks)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn finds_the_same_endpoint_as_trying_every_route(
            routes in prop::collection::vec(route(), 0..12),
            paths in prop::collection::vec(requested(), 1..12),
        ) {
            let mut dispatch = Dispatch::new();
            let endpoints: Vec<Id<Endpoint>> =
                Table::<Endpoint>::promised(routes.len()).zip(&routes).map(|(id, route)| dispatch.insert(route, || id)).collect();
            for path in &paths {
                let matching = routes.iter().zip(&endpoints).filter_map(|(route, id)| Some((ranks(route, path)?, *id)));
                let best = matching.min_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, id)| id);
                prop_assert_eq!(dispatch.find(path), best, "{}", path);
            }
        }
    }
}
