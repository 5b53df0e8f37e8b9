//! Witnesses: requests that violate an invariant, as documents for `portcullis decide --request`, confirmed by the evaluation.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};

use crate::analyze::input::valid_value;
use crate::analyze::scenario::{Caller, Instance, NOW, Scenario};
use crate::analyze::solver::search::{Alternatives, Model};
use crate::analyze::solver::space::{Slot, Space};
use crate::collections::table::Id;
use crate::decide::callers::keys::BoundKeys;
use crate::decide::ready::Ready;
use crate::decide::{PermissionId, SceneBuilder, check_all, decide, holds_in_scene};
use crate::document::Document;
use crate::graph::Plan;
use crate::model::reason::Stage;
use crate::model::source::Span;
use crate::model::value::{Known, Value};
use crate::protocol::decision::Verdict;
use crate::typed::schemas::Shape;
use crate::typed::{BodyRule, Expr, ParameterType, PathSegment, Permission, Read, Route, TypedPolicy};

/// A confirmed request.
#[derive(Debug)]
pub(crate) struct Witness {
    /// The document for `portcullis decide --request`.
    pub(crate) document: Json,
    /// The caller's token, which a document can't contain.
    pub(crate) token: Option<String>,
    /// A stage that the confirmation stopped at, as it doesn't test permissions.
    pub(crate) untried: Option<Stage>,
    /// The rules that grant the permission.
    pub(crate) grants: Vec<Span>,
}

/// The characters to encode in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The characters to encode in the rest of a path.
const REST: &AsciiSet = &SEGMENT.remove(b'/');

impl Witness {
    /// The request of a model, if the evaluation confirms that it meets the requirements.
    pub(crate) fn of(
        space: &Space<'_>,
        model: &Model,
        requirements: &[Alternatives],
        permission: Option<Id<Permission>>,
    ) -> Option<Self> {
        let scenario = &space.scenario;
        let mut request = scenario.request();
        request.set_roles(&model.roles);
        for (slot, known) in &model.values {
            let Expr::Read(read) = &slot.path else { return None };
            if !request.set(slot.instance, read, known) {
                return None;
            }
        }
        let logic = &scenario.graph.logic;
        let holds = |any_of: &Alternatives| any_of.iter().any(|(at, plan)| request.holds(logic, *at, *plan));
        if !requirements.iter().all(holds) {
            return None;
        }
        let grants = |permission: Id<Permission>| {
            let declared = &scenario.policy.permissions[permission];
            let grants = &scenario.policy.terms(declared).grants;
            let instance =
                scenario.instances.iter().position(|instance| instance.is_of(declared.resource)).unwrap_or(0);
            let rules = grants.iter().map(|grant| &scenario.policy.rules[grant.rule]);
            let is_true = |condition: &Expr| request.is_true(instance, condition);
            rules.filter(|rule| rule.condition.as_ref().is_some_and(is_true)).map(|rule| rule.span).collect()
        };
        let token = match scenario.caller {
            Caller::Mapped(at) => {
                scenario.policy.mappings.get(at).map(|mapping| scenario.policy.tokens[mapping.token].name.clone())
            }
            Caller::Nobody | Caller::Vouched => None,
        };
        let mut witness =
            Self { document: Json::Null, token, untried: None, grants: permission.map(grants).unwrap_or_default() };
        let builder = DocumentBuilder { scenario, model };
        match scenario.route() {
            Some(route) => {
                witness.document = builder.request(route)?;
                witness.untried = witness.untried_stage(scenario)?;
            }
            None => {
                let id = permission?;
                witness.document = builder.check(id);
                let plans: Vec<Plan> = requirements.iter().flatten().map(|(_, plan)| *plan).collect();
                if witness.token.is_none() && !is_granted(scenario, &witness.document, id, &plans) {
                    return None;
                }
            }
        }
        Some(witness)
    }

    /// Decides the request. Returns the stage that denied it if that stage doesn't test permissions. Returns `None` if another
    /// stage denied it.
    fn untried_stage(&self, scenario: &Scenario<'_>) -> Option<Option<Stage>> {
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

/// True if the document is granted the permission, and the plans hold for it.
fn is_granted(scenario: &Scenario<'_>, document: &Json, id: Id<Permission>, plans: &[Plan]) -> bool {
    let Ok(Document::Check(document)) = serde_json::from_value(document.clone()) else { return false };
    let (policy, graph) = (scenario.policy, scenario.graph);
    let now = document.now.unwrap_or(NOW);
    let scene = document.complete(SceneBuilder::new(policy, graph, now));
    let resource = document.resource();
    let asked = [PermissionId { fingerprint: policy.fingerprint, id }];
    let kind = policy.permissions[id].resource;
    check_all(policy, graph, &scene, &asked, resource.as_ref()).is_allowed()
        && plans.iter().all(|plan| holds_in_scene(policy, graph, &scene, *plan, kind, resource.as_ref()))
}

/// Builds the document of a model.
struct DocumentBuilder<'m, 'p> {
    scenario: &'m Scenario<'p>,
    model: &'m Model,
}

impl DocumentBuilder<'_, '_> {
    fn value(&self, instance: usize, read: &Read) -> Option<&Known<Value>> {
        let path = Expr::Read(read.clone());
        let is_it = |slot: &Slot| slot.instance == instance && slot.path == path;
        self.model.values.iter().find(|(slot, _)| is_it(slot)).map(|(_, known)| known)
    }

    fn text(&self, instance: usize, read: &Read) -> Option<String> {
        match self.value(instance, read)? {
            Known::Value(Value::String(text)) => Some(text.clone()),
            Known::Value(Value::Int(number)) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The values of reads that have a `name` in documents.
    fn record(&self, instance: Option<usize>, name: impl Fn(&Read, &TypedPolicy) -> Option<String>) -> Option<Json> {
        let mut record = Map::new();
        let mut is_read = false;
        for (slot, known) in &self.model.values {
            let Expr::Read(read) = &slot.path else { continue };
            if instance.is_some_and(|instance| instance != slot.instance) {
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

    fn resource(&self, instance: usize) -> Option<Json> {
        self.record(Some(instance), |read, policy| match read {
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

    /// The document of a check of a permission.
    fn check(&self, id: Id<Permission>) -> Json {
        let mut document = Map::new();
        document.insert("permission".to_owned(), json!(self.scenario.policy.permission_names.get(id)));
        let parts = [
            ("user", self.user()),
            ("resource", self.resource(0)),
            ("context", self.context()),
            ("peer", self.peer()),
            ("now", Some(self.now())),
        ];
        document.extend(parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?))));
        Json::Object(document)
    }

    /// The document of a request at a door.
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
        if route.path.is_empty() {
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
        for (row, instance) in self.scenario.instances.iter().enumerate() {
            if let (Instance::Named(resource, parameter), Some(attributes)) = (instance, self.resource(row)) {
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
        for (slot, known) in &self.model.values {
            let (Expr::Read(read), Known::Value(Value::String(value))) = (&slot.path, known) else {
                if matches!((&slot.path, known), (Expr::Read(Read::Header(_) | Read::Origin), Known::Unknown)) {
                    let name = if let Expr::Read(Read::Header(name)) = &slot.path { name.as_str() } else { "origin" };
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

    /// Input with the values of the model, and examples for the other required fields.
    fn input(&self, shape: Id<Shape>, read: impl Fn(&str) -> Read) -> Option<Map<String, Json>> {
        let mut input = Map::new();
        for field in &self.scenario.policy.shapes[shape].fields {
            let value = match self.value(0, &read(&field.name)) {
                Some(Known::Value(value)) => serde_json::to_value(value).ok(),
                Some(Known::Absent | Known::Unknown) => None,
                None if field.optional || field.default.is_some() => None,
                None => Some(valid_value(self.scenario, &field.ty)?),
            };
            input.extend(value.map(|value| (field.name.clone(), value)));
        }
        Some(input)
    }
}
