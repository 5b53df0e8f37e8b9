//! A request that shows something, as a document that `portcullis decide --request` takes; and whether it does.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};

use crate::analyze::input::valid_value;
use crate::analyze::scenario::{Caller, NOW, Scenario, Thing};
use crate::analyze::solver::search::{AnyOf, Model};
use crate::analyze::solver::space::Space;
use crate::collections::table::Id;
use crate::decide::callers::keys::BoundKeys;
use crate::decide::{PermissionId, Ready, Scene, check_all, decide, holds_in_scene};
use crate::document::Document;
use crate::graph::Plan;
use crate::model::reason::Stage;
use crate::model::source::Span;
use crate::model::value::{Known, Value};
use crate::protocol::decision::Verdict;
use crate::typed::schemas::{InputType, Shape};
use crate::typed::{BodyRule, Expr, ParameterType, PathSegment, Permission, Read, Route, TypedPolicy};

/// A request, and that it was tried.
#[derive(Debug)]
pub(crate) struct Witness {
    /// What `portcullis decide --request` takes.
    pub(crate) document: Json,
    /// The token that the caller came by, which a document can't say.
    pub(crate) token: Option<String>,
    /// The stages of the door that weren't tried, as they don't ask who may.
    pub(crate) untried: Option<Stage>,
    /// The rules that grant it.
    pub(crate) grants: Vec<Span>,
}

/// What stands for itself in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// And in the rest of a path.
const REST: &AsciiSet = &SEGMENT.remove(b'/');

impl Witness {
    /// The request that a model describes, if the evaluation agrees that one of each plan holds.
    pub(crate) fn of(
        space: &Space<'_>,
        model: &Model,
        wanted: &[AnyOf],
        permission: Option<Id<Permission>>,
    ) -> Option<Self> {
        let scenario = &space.scenario;
        let mut trial = scenario.trial();
        trial.hold(&model.roles);
        for (place, known) in &model.values {
            let Expr::Read(read) = &place.path else { return None };
            if !trial.set(place.thing, read, known) {
                return None;
            }
        }
        let logic = &scenario.graph.logic;
        let holds = |any_of: &AnyOf| any_of.iter().any(|(thing, plan)| trial.holds(logic, *thing, *plan));
        if !wanted.iter().all(holds) {
            return None;
        }
        let grants = |permission: Id<Permission>| {
            let declared = &scenario.policy.permissions[permission];
            let grants = &scenario.policy.terms(declared).grants;
            let thing = scenario.things.iter().position(|thing| thing.is_of(declared.resource)).unwrap_or(0);
            let rules = grants.iter().map(|grant| &scenario.policy.rules[grant.rule]);
            let holding = rules.filter(|rule| rule.condition.as_ref().is_some_and(|expr| trial.is_true(thing, expr)));
            holding.map(|rule| rule.span).collect()
        };
        let token = match scenario.caller {
            Caller::Mapped(at) => {
                scenario.policy.mappings.get(at).map(|mapping| scenario.policy.tokens[mapping.token].name.clone())
            }
            Caller::Nobody | Caller::Vouched => None,
        };
        let mut witness =
            Self { document: Json::Null, token, untried: None, grants: permission.map(grants).unwrap_or_default() };
        let described = Described { scenario, model };
        match scenario.route() {
            Some(route) => {
                witness.document = described.request(route)?;
                witness.untried = witness.let_through(scenario)?;
            }
            None => {
                let id = permission?;
                witness.document = described.check(id);
                let plans: Vec<Plan> = wanted.iter().flatten().map(|(_, plan)| *plan).collect();
                if witness.token.is_none() && !is_granted(scenario, &witness.document, id, &plans) {
                    return None;
                }
            }
        }
        Some(witness)
    }

    /// Which stage turned it away that doesn't ask who may, if one did; `None` where another did.
    fn let_through(&self, scenario: &Scenario<'_>) -> Option<Option<Stage>> {
        let Ok(Document::Request(document)) = serde_json::from_value(self.document.clone()) else { return None };
        if self.token.is_some() {
            return Some(Some(Stage::Authenticate));
        }
        let keys = BoundKeys::none();
        let request = document.request(NOW, None);
        let decision = decide(Ready { policy: scenario.policy, graph: scenario.graph, keys: &keys }, &request);
        if decision.verdict != Verdict::Deny {
            return Some(None);
        }
        let stage = decision.reasons.first().map(|reason| reason.stage)?;
        matches!(stage, Stage::Guard | Stage::Limit | Stage::Csrf | Stage::Login).then_some(Some(stage))
    }
}

/// Whether the document, as it stands, is one of a request that is granted the permission, and of which the plans hold.
fn is_granted(scenario: &Scenario<'_>, document: &Json, id: Id<Permission>, plans: &[Plan]) -> bool {
    let Ok(Document::Check(document)) = serde_json::from_value(document.clone()) else { return false };
    let (policy, graph) = (scenario.policy, scenario.graph);
    let now = document.now.unwrap_or(NOW);
    let scene = Scene::new(policy, document.user.as_ref(), document.context.as_ref(), document.peer, now);
    let resource = document.resource();
    let asked = [PermissionId { fingerprint: policy.fingerprint, id }];
    let kind = policy.permissions[id].resource;
    check_all(policy, graph, &scene, &asked, resource.as_ref()).is_allowed()
        && plans.iter().all(|plan| holds_in_scene(policy, graph, &scene, *plan, kind, resource.as_ref()))
}

/// A model on its way to a document.
struct Described<'m, 'p> {
    scenario: &'m Scenario<'p>,
    model: &'m Model,
}

impl Described<'_, '_> {
    fn value(&self, thing: usize, read: &Read) -> Option<&Known<Value>> {
        let is_it = |place: &crate::analyze::solver::space::Place| {
            place.thing == thing && place.path == Expr::Read(read.clone())
        };
        self.model.values.iter().find(|(place, _)| is_it(place)).map(|(_, known)| known)
    }

    fn text(&self, thing: usize, read: &Read) -> Option<String> {
        match self.value(thing, read)? {
            Known::Value(Value::String(text)) => Some(text.clone()),
            Known::Value(Value::Int(number)) => Some(number.to_string()),
            _ => None,
        }
    }

    /// What is read, by the names that documents have for it.
    fn record(&self, thing: Option<usize>, name: impl Fn(&Read, &TypedPolicy) -> Option<String>) -> Option<Json> {
        let mut record = Map::new();
        let mut is_read = false;
        for (place, known) in &self.model.values {
            let Expr::Read(read) = &place.path else { continue };
            if thing.is_some_and(|thing| thing != place.thing) {
                continue;
            }
            let Some(name) = name(read, self.scenario.policy) else { continue };
            is_read = true;
            if let Known::Value(value) = known {
                record.insert(name, serde_json::to_value(value).unwrap_or_default());
            }
        }
        is_read.then_some(Json::Object(record))
    }

    fn user(&self) -> Option<Json> {
        if !self.scenario.has_user() {
            return None;
        }
        let policy = self.scenario.policy;
        let id = self.text(0, &Read::UserId).unwrap_or_else(|| "u1".to_owned());
        let mut user = Map::from_iter([("id".to_owned(), Json::String(id))]);
        if !self.model.roles.is_empty() {
            let names = self.model.roles.iter().map(|role| policy.role_names.get(*role));
            user.insert("roles".to_owned(), names.collect());
        }
        let others = self.record(None, |read, policy| match read {
            Read::UserTier => Some("tier".to_owned()),
            Read::UserScopes => Some("scopes".to_owned()),
            Read::UserAttribute(id) => Some(policy.attributes[*id].name.clone()),
            _ => None,
        });
        if let Some(Json::Object(others)) = others {
            user.extend(others);
        }
        Some(Json::Object(user))
    }

    fn context(&self) -> Option<Json> {
        self.record(None, |read, policy| match read {
            Read::Context(id) => Some(policy.context[*id].name.clone()),
            _ => None,
        })
    }

    fn thing(&self, thing: usize) -> Option<Json> {
        self.record(Some(thing), |read, policy| match read {
            Read::ResourceId => Some("id".to_owned()),
            Read::Resource(name) => Some(policy.attribute_names[*name].clone()),
            _ => None,
        })
    }

    fn peer(&self) -> Option<Json> {
        match self.value(0, &Read::ClientIp)? {
            Known::Value(value) => serde_json::to_value(value).ok(),
            Known::Absent | Known::Unknown => None,
        }
    }

    fn now(&self) -> Json {
        match self.value(0, &Read::Now) {
            Some(Known::Value(value)) => serde_json::to_value(value).unwrap_or_default(),
            _ => json!(NOW.to_string()),
        }
    }

    /// A question for a permission.
    fn check(&self, id: Id<Permission>) -> Json {
        let mut document = Map::new();
        document.insert("permission".to_owned(), json!(self.scenario.policy.permission_names.get(id)));
        let parts = [
            ("user", self.user()),
            ("resource", self.thing(0)),
            ("context", self.context()),
            ("peer", self.peer()),
            ("now", Some(self.now())),
        ];
        document.extend(parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?))));
        Json::Object(document)
    }

    /// A request at a door.
    fn request(&self, route: &Route) -> Option<Json> {
        let policy = self.scenario.policy;
        let method = self.text(0, &Read::Method).unwrap_or_else(|| route.method.as_str().to_owned());
        let mut url = String::new();
        if let Some(host) = self.text(0, &Read::Host) {
            url = format!("https://{host}");
        }
        for segment in &route.path {
            url.push('/');
            match segment {
                PathSegment::Literal(text) => url.extend(utf8_percent_encode(text, SEGMENT)),
                PathSegment::Parameter { name, ty } => {
                    url.extend(utf8_percent_encode(&self.parameter(name, *ty), SEGMENT));
                }
                PathSegment::Rest(name) => {
                    url.extend(utf8_percent_encode(&self.parameter(name, ParameterType::Any), REST));
                }
            }
        }
        if url.is_empty() || !route.path.iter().any(|_| true) {
            url.push('/');
        }
        if let Some(shape) = route.query {
            let query = self.input(shape, |name| Read::Query(name.to_owned()))?;
            let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            let pairs = query.iter().flat_map(|(name, value)| match value {
                Json::Array(items) => items.iter().map(|item| (name, text(item))).collect(),
                value => vec![(name, text(value))],
            });
            let pairs = pairs.map(|(name, value)| {
                format!("{}={}", utf8_percent_encode(name, SEGMENT), utf8_percent_encode(&value, SEGMENT))
            });
            let pairs: Vec<String> = pairs.collect();
            if !pairs.is_empty() {
                url = format!("{url}?{}", pairs.join("&"));
            }
        }
        let mut document = Map::from_iter([("method".to_owned(), json!(method)), ("url".to_owned(), json!(url))]);
        let mut add = |name: &str, part: Option<Json>| drop(part.map(|part| document.insert(name.to_owned(), part)));
        add("now", Some(self.now()));
        add("peer", self.peer());
        add("headers", self.headers(route));
        if let BodyRule::Shape(shape) = route.body {
            add("body", Some(Json::Object(self.input(shape, |name| Read::Body(name.to_owned()))?)));
        }
        add("user", self.user());
        let mut facts = Map::new();
        let mut resources = Map::new();
        for (row, thing) in self.scenario.things.iter().enumerate() {
            if let (Thing::Named(resource, parameter), Some(attributes)) = (thing, self.thing(row)) {
                let ty = route.path.iter().find_map(|segment| match segment {
                    PathSegment::Parameter { name, ty } if name == parameter => Some(*ty),
                    _ => None,
                });
                let id = self.parameter(parameter, ty.unwrap_or(ParameterType::Any));
                resources.insert(format!("{}/{id}", policy.resources[*resource].name), attributes);
            }
        }
        if !resources.is_empty() {
            facts.insert("resources".to_owned(), Json::Object(resources));
        }
        facts.extend(self.context().map(|context| ("context".to_owned(), context)));
        if !facts.is_empty() {
            add("facts", Some(Json::Object(facts)));
        }
        Some(Json::Object(document))
    }

    fn parameter(&self, name: &str, ty: ParameterType) -> String {
        self.text(0, &Read::Param(name.to_owned())).unwrap_or_else(|| match ty {
            ParameterType::Int => "1".to_owned(),
            ParameterType::Uuid => "00000000-0000-4000-8000-000000000001".to_owned(),
            ParameterType::Any => "x1".to_owned(),
        })
    }

    fn headers(&self, route: &Route) -> Option<Json> {
        let mut headers = Map::new();
        let mut cookies = Vec::new();
        for (place, known) in &self.model.values {
            let (Expr::Read(read), Known::Value(Value::String(value))) = (&place.path, known) else {
                if matches!((&place.path, known), (Expr::Read(Read::Header(_) | Read::Origin), Known::Unknown)) {
                    let name = if let Expr::Read(Read::Header(name)) = &place.path { name.as_str() } else { "origin" };
                    headers.insert(name.to_owned(), json!(["a", "b"]));
                }
                continue;
            };
            match read {
                Read::Header(name) => drop(headers.insert(name.as_str().to_owned(), json!(value))),
                Read::Origin => drop(headers.insert("origin".to_owned(), json!(value))),
                Read::Cookie(name) => cookies.push(format!("{name}={value}")),
                _ => {}
            }
        }
        if !cookies.is_empty() {
            headers.insert("cookie".to_owned(), json!(cookies.join("; ")));
        }
        if route.csrf {
            headers.insert("sec-fetch-site".to_owned(), json!("same-origin"));
        }
        (!headers.is_empty()).then_some(Json::Object(headers))
    }

    /// Input with what was found, and whatever else it must have.
    fn input(&self, shape: Id<Shape>, read: impl Fn(&str) -> Read) -> Option<Map<String, Json>> {
        let mut input = Map::new();
        for field in &self.scenario.policy.shapes[shape].fields {
            let value = match self.value(0, &read(&field.name)) {
                Some(Known::Value(value)) => serde_json::to_value(value).ok(),
                Some(Known::Absent | Known::Unknown) => None,
                None if field.optional || field.default.is_some() => None,
                None => Some(self.valid(&field.ty)?),
            };
            input.extend(value.map(|value| (field.name.clone(), value)));
        }
        Some(input)
    }

    fn valid(&self, rules: &InputType) -> Option<Json> {
        valid_value(self.scenario, rules)
    }
}
