//! The route table: the route of a request, and its access.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use portcullis::syntax::tree::{Clause, ClauseKind, PathPattern, Route, Segment};

use crate::eval::{Input, Thing, View};
use crate::policy::{Permission, Reference};
use crate::scene::{Outcome, Scene};
use crate::value::Value;

/// A route with what stands at the head of its block.
struct Door<'p> {
    route: &'p Route,
    segments: Vec<&'p Segment>,
    clauses: Vec<&'p ClauseKind>,
}

impl Reference {
    /// The stages `path`, `method`, `authenticate` and `authorize`.
    pub(crate) fn enter(&self, scene: &Scene) -> Outcome {
        let (method, target) = scene.door().unwrap();
        let path = target.split('?').next().unwrap();
        let doors = self.doors();
        let parts: Vec<&str> = path.split('/').skip(1).filter(|part| !part.is_empty()).collect();
        let mut fitting: Vec<&Door<'_>> =
            doors.iter().filter(|door| parameters(&door.segments, &parts).is_some()).collect();
        fitting.sort_by(|a, b| specificity(&a.segments, &b.segments));
        let Some(best) = fitting.first() else { return Outcome::Status(404) };
        // The path is matched before the method: doors of a less specific path don't count.
        fitting.retain(|door| specificity(&door.segments, &best.segments) == Ordering::Equal);
        let of_method = |method: &str| fitting.iter().find(|door| door.route.method.node == method);
        let own = of_method(method).or_else(|| if method == "HEAD" { of_method("GET") } else { None });
        let Some(door) = own else { return Outcome::Status(405) };
        let params = parameters(&door.segments, &parts).unwrap();
        self.pass(door, scene, &params)
    }

    fn doors(&self) -> Vec<Door<'_>> {
        let mut doors = Vec::new();
        for block in self.routes() {
            for route in &block.routes {
                doors.push(Door {
                    route,
                    segments: joined(&block.prefix, &route.path),
                    clauses: clauses(&block.defaults, &route.clauses),
                });
            }
        }
        doors
    }

    fn pass(&self, door: &Door<'_>, scene: &Scene, params: &BTreeMap<String, Value>) -> Outcome {
        let caller = self.caller(scene);
        let public = door.clauses.iter().any(|clause| matches!(clause, ClauseKind::Public));
        if !public && caller.is_none() && !self.anyone_could(door) {
            return Outcome::Status(401);
        }
        let view = View {
            user: caller.as_ref(),
            request: scene.door(),
            params: Some(params),
            query: Input::ToCome,
            body: Input::ToCome,
            ..View::of_nothing(self, scene)
        };
        // "if no body could lead to a grant, the caller is denied before the body is looked at"
        if !self.authorized(door, scene, &view) {
            return denied(door, &view);
        }
        // The query came before the body.
        let Some(query) = self.query(&door.clauses, scene) else { return Outcome::Status(422) };
        let takes_body = door.clauses.iter().any(|clause| matches!(clause, ClauseKind::Body(_)));
        if takes_body != scene.body.is_some() {
            // "400 malformed (… JSON that doesn't parse, … a body on a `no body` route …)"
            return Outcome::Status(400);
        }
        let Some(body) = self.body(&door.clauses, scene) else { return Outcome::Status(422) };
        let view = View { query: Input::Read(&query), body: Input::Read(&body), ..view };
        if self.authorized(door, scene, &view) { Outcome::Allow } else { denied(door, &view) }
    }

    /// True if `allow anyone` could grant what the route requires.
    fn anyone_could(&self, door: &Door<'_>) -> bool {
        let required = self.required(door);
        !required.is_empty() && required.iter().all(|any| any.iter().any(|permission| self.anyone_covers(permission)))
    }

    /// Groups of permissions: the route requires one of each group.
    fn required(&self, door: &Door<'_>) -> Vec<Vec<Permission>> {
        let mut groups = Vec::new();
        for clause in &door.clauses {
            match clause {
                ClauseKind::Requires(patterns) => {
                    groups.extend(self.expand(patterns).into_iter().map(|permission| vec![permission]));
                }
                ClauseKind::RequiresAny(patterns) => groups.push(self.expand(patterns).into_iter().collect()),
                _ => {}
            }
        }
        groups
    }

    fn authorized(&self, door: &Door<'_>, scene: &Scene, view: &View<'_>) -> bool {
        let required = self.required(door);
        let authenticated = door.clauses.iter().any(|clause| matches!(clause, ClauseKind::Authenticated));
        let permitted =
            required.iter().all(|any| any.iter().any(|permission| self.permitted(door, scene, view, permission)));
        // A door that an authenticated caller enters without a permission.
        let shut_out = authenticated && required.is_empty() && self.shut_out(view);
        let scoped = door.clauses.iter().all(|clause| match (clause, view.user) {
            (ClauseKind::Scope(name), Some(user)) => {
                user.scopes.as_ref().is_none_or(|scopes| scopes.contains(&name.node))
            }
            _ => true,
        });
        let conditions = door.clauses.iter().all(|clause| match clause {
            // While there is input to come, it is enough that it may become true.
            ClauseKind::When(expression) => view.truths(expression).contains(&Some(true)),
            _ => true,
        });
        permitted && !shut_out && scoped && conditions
    }

    /// A permission at a door: its resource is the one that `on` names.
    fn permitted(&self, door: &Door<'_>, scene: &Scene, view: &View<'_>, permission: &Permission) -> bool {
        let resource = self.resource(&permission.0).unwrap();
        let on = door.clauses.iter().find_map(|clause| match clause {
            ClauseKind::On { resource, parameter } if resource.node == permission.0 => Some(&parameter.node),
            _ => None,
        });
        let id = on.and_then(|parameter| match &view.params?[parameter] {
            Value::Text(text) => Some(text.clone()),
            Value::Int(number) => Some(number.to_string()),
            _ => None,
        });
        let record = id.as_ref().and_then(|id| scene.resources.get(&format!("{}/{id}", permission.0))?.as_ref());
        let thing = Thing { attributes: &resource.attributes, id: id.as_deref(), record };
        self.granted(&View { thing: Some(thing), ..*view }, permission)
    }
}

fn denied(door: &Door<'_>, view: &View<'_>) -> Outcome {
    let says = |wanted: fn(&ClauseKind) -> bool| door.clauses.iter().any(|clause| wanted(clause));
    let public = says(|clause| matches!(clause, ClauseKind::Public));
    match (says(|clause| matches!(clause, ClauseKind::Conceal)), view.user.is_none() && !public) {
        (true, _) => Outcome::Status(404),
        (false, true) => Outcome::Status(401),
        (false, false) => Outcome::Status(403),
    }
}

/// A block's prefix and a route's path.
fn joined<'p>(prefix: &'p PathPattern, path: &'p PathPattern) -> Vec<&'p Segment> {
    prefix.segments.iter().chain(&path.segments).collect()
}

/// The clauses of a block and of a route. The clauses that a route replaces don't matter here.
fn clauses<'p>(defaults: &'p [Clause], own: &'p [Clause]) -> Vec<&'p ClauseKind> {
    defaults.iter().chain(own).map(|clause| &clause.kind).collect()
}

/// The parameters' values, where the path fits.
fn parameters(segments: &[&Segment], parts: &[&str]) -> Option<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    let mut parts = parts.iter();
    for segment in segments {
        match segment {
            Segment::Literal(text) => {
                if *parts.next()? != text.node {
                    return None;
                }
            }
            Segment::Parameter { name, ty } => {
                let part = *parts.next()?;
                let value = match ty.as_ref().map(|ty| ty.text.node.as_str()) {
                    Some("int") => Value::Int(part.parse().ok()?),
                    Some(_) => uuid(part)?,
                    None => Value::Text(part.to_owned()),
                };
                values.insert(name.node.clone(), value);
            }
            Segment::Rest(name) => {
                let rest: Vec<&str> = parts.by_ref().copied().collect();
                if rest.is_empty() {
                    return None;
                }
                values.insert(name.node.clone(), Value::Text(rest.join("/")));
            }
        }
    }
    parts.next().is_none().then_some(values)
}

fn uuid(part: &str) -> Option<Value> {
    let shape = regex::Regex::new("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$").unwrap();
    shape.is_match(part).then(|| Value::Text(part.to_owned()))
}

/// Segment by segment: literal, typed parameter, parameter, rest.
fn specificity(a: &[&Segment], b: &[&Segment]) -> Ordering {
    let rank = |segment: &&Segment| match segment {
        Segment::Literal(_) => 0,
        Segment::Parameter { ty: Some(_), .. } => 1,
        Segment::Parameter { ty: None, .. } => 2,
        Segment::Rest(_) => 3,
    };
    a.iter().map(rank).cmp(b.iter().map(rank))
}
