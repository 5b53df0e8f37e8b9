//! Synthetic requests: made value by value, and evaluated like real ones.

use std::borrow::Cow;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use serde_json::Value as Json;
use smallvec::SmallVec;

use crate::collections::table::Id;
use crate::eval::attributes::{AttributeSet, Attributes, Slots};
use crate::eval::context::{Environment, EvalContext, InputState, RequestRef, ResourceRef};
use crate::eval::evaluate::{evaluate, truth};
use crate::eval::identity::Identity;
use crate::eval::questions;
use crate::graph::{Class, Logic, Plan, Variable, parameters};
use crate::model::truth::Truths;
use crate::model::value::{Known, Value};
use crate::protocol::facts::Record;
use crate::protocol::params::{Parameter, Params};
use crate::typed::{BodyRule, Expr, PathSegment, Read, Resource, Role, Route, Token, TypedPolicy};
use crate::values::value_ref::ValueRef;

/// A request under construction. Values that weren't set are unknown.
pub(crate) struct SyntheticRequest<'p> {
    policy: &'p TypedPolicy,
    user: Option<Identity<'static>>,
    context: Slots,
    client: Option<IpAddr>,
    now: Timestamp,
    /// The resources that conditions are about, by number.
    instances: Vec<SyntheticResource>,
    call: Option<SyntheticCall<'p>>,
}

#[derive(Debug, Clone)]
pub(crate) enum SyntheticResource {
    None,
    /// Without a record, it has no id and no attributes.
    Of(Id<Resource>, Option<SyntheticRecord>),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct SyntheticRecord {
    /// The parameter of the path that has its id.
    named: Option<String>,
    id: Option<String>,
    slots: Slots,
}

impl SyntheticRecord {
    pub(crate) fn named(parameter: &str) -> Self {
        Self { named: Some(parameter.to_owned()), ..Self::default() }
    }
}

/// The HTTP request at a door.
struct SyntheticCall<'p> {
    route: &'p Route,
    method: Method,
    path: String,
    host: Option<String>,
    headers: HeaderMap,
    cookies: Vec<(String, String)>,
    parameters: Vec<Parameter>,
    params: Vec<(&'p str, String)>,
    query: Json,
    body: Json,
}

impl<'p> SyntheticRequest<'p> {
    pub(crate) fn new(
        policy: &'p TypedPolicy,
        now: Timestamp,
        instances: Vec<SyntheticResource>,
        route: Option<&'p Route>,
    ) -> Self {
        let context = Slots::of(vec![Known::Unknown; policy.context.len()]);
        let call = route.map(|route| SyntheticCall {
            route,
            method: route.method.clone(),
            path: String::new(),
            host: None,
            headers: HeaderMap::new(),
            cookies: Vec::new(),
            parameters: parameters(&route.path),
            params: Vec::new(),
            query: Json::Object(Record::new()),
            body: Json::Object(Record::new()),
        });
        Self { policy, user: None, context, client: None, now, instances, call }
    }

    /// Adds a caller, with a token or without one.
    pub(crate) fn with_caller(mut self, token: Option<Id<Token>>) -> Self {
        self.user = Some(Identity {
            id: "u1".into(),
            roles: SmallVec::new(),
            role_names: Vec::new().into(),
            tier: None,
            scopes: None,
            known_scopes: SmallVec::new(),
            attributes: AttributeSet::Slots(Slots::of(vec![Known::Unknown; self.policy.attributes.len()])),
            token,
        });
        self
    }

    pub(crate) fn set_roles(&mut self, roles: &[Id<Role>]) {
        if let Some(user) = &mut self.user {
            user.roles = roles.iter().copied().collect();
        }
    }

    /// Sets the value of a read. Returns false if it can't have the value.
    pub(crate) fn set(&mut self, instance: usize, read: &Read, known: &Known<Value>) -> bool {
        let text = match known {
            Known::Value(Value::String(text)) => Some(text.clone()),
            Known::Value(_) | Known::Absent | Known::Unknown => None,
        };
        match read {
            Read::Context(id) => put(&mut self.context.values, id.row(), known),
            Read::ClientIp => {
                self.client = if let Known::Value(Value::Ip(address)) = known { Some(*address) } else { None };
                true
            }
            Read::Now => match known {
                Known::Value(Value::Timestamp(now)) => {
                    self.now = *now;
                    true
                }
                _ => false,
            },
            Read::Resource(name) => {
                let Some(SyntheticResource::Of(resource, Some(record))) = self.instances.get_mut(instance) else {
                    return !matches!(known, Known::Value(_));
                };
                let declared = &self.policy.resources[*resource];
                record.slots.values.resize(declared.names.len(), Known::Unknown);
                declared.slot(*name).map_or(*known == Known::Absent, |slot| put(&mut record.slots.values, slot, known))
            }
            Read::ResourceId => match self.instances.get_mut(instance) {
                Some(SyntheticResource::Of(_, Some(record))) => {
                    record.id = text;
                    true
                }
                _ => !matches!(known, Known::Value(_)),
            },
            Read::UserId | Read::UserTier | Read::UserScopes | Read::UserToken | Read::UserAttribute(_) => {
                self.set_user(read, text, known)
            }
            _ => match &mut self.call {
                Some(call) => call.set(read, text, known),
                None => *known == Known::Unknown,
            },
        }
    }

    fn set_user(&mut self, read: &Read, text: Option<String>, known: &Known<Value>) -> bool {
        let Some(user) = &mut self.user else { return *known == Known::Absent };
        match read {
            Read::UserId => match text {
                Some(id) if !id.is_empty() => user.id = id.into(),
                _ => return false,
            },
            Read::UserTier => user.tier = text.map(Into::into),
            Read::UserScopes => {
                let names = |items: &[Value]| items.iter().filter_map(as_text).collect::<Vec<String>>();
                let scopes = if let Known::Value(Value::List(items)) = known { Some(names(items)) } else { None };
                let found = scopes.iter().flatten().filter_map(|name| self.policy.scope_names.find(name));
                user.known_scopes = found.collect();
                user.scopes = scopes.map(Into::into);
            }
            Read::UserAttribute(id) => {
                return match &mut user.attributes {
                    AttributeSet::Slots(slots) => put(&mut slots.values, id.row(), known),
                    AttributeSet::Json(_) => false,
                };
            }
            _ => {}
        }
        true
    }

    fn eval_context<'t>(&'t self, params: &'t Params<'t, 't>) -> EvalContext<'t> {
        let call = self.call.as_ref();
        EvalContext {
            user: self.user.as_ref(),
            client: self.client,
            now: Some(self.now),
            host_context: Some(Attributes::Slots(&self.context)),
            call: call.map(|call| RequestRef {
                method: &call.method,
                path: &call.path,
                authority: call.host.as_deref(),
                headers: &call.headers,
                route: call.route,
                params,
            }),
            query: call
                .and_then(|call| Some(InputState::Json(call.route.query?, &call.query)))
                .unwrap_or(InputState::Unknown),
            body: match call {
                Some(SyntheticCall { route: Route { body: BodyRule::Shape(shape), .. }, body, .. }) => {
                    InputState::Json(*shape, body)
                }
                _ => InputState::Unknown,
            },
            ..EvalContext::empty(self.policy)
        }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let params = self.call.iter().flat_map(|call| &call.params);
        params.filter(|(known, _)| *known == name).map(|(_, text)| text.as_str()).next()
    }

    /// Calls `ask` with the environment for an instance.
    fn on<T>(&self, instance: usize, ask: impl FnOnce(&Environment<'_>) -> T) -> T {
        let resource = match self.instances.get(instance) {
            None | Some(SyntheticResource::None) => ResourceRef::None,
            Some(SyntheticResource::Of(resource, None)) => {
                ResourceRef::Of { resource: *resource, id: None, attributes: None }
            }
            Some(SyntheticResource::Of(resource, Some(record))) => ResourceRef::Of {
                resource: *resource,
                id: record.named.as_ref().map_or(record.id.as_deref(), |name| self.parameter(name)),
                attributes: Some(Attributes::Slots(&record.slots)),
            },
        };
        let params = match &self.call {
            Some(call) => Params::new(&call.parameters, Cow::Borrowed(&call.path)),
            None => Params::default(),
        };
        let context = self.eval_context(&params);
        ask(&context.on(resource))
    }

    pub(crate) fn class(&self, instance: usize, variable: Variable<'_>) -> Class {
        self.on(instance, |environment| questions::answer(variable, environment))
    }

    /// True if a plan says *yes* of an instance.
    pub(crate) fn holds(&self, logic: &Logic, instance: usize, plan: Plan) -> bool {
        self.on(instance, |environment| questions::satisfies(logic, plan, environment))
    }

    pub(crate) fn is_true(&self, instance: usize, condition: &Expr) -> bool {
        self.on(instance, |environment| truth(condition, environment) == Truths::TRUE)
    }

    pub(crate) fn value(&self, instance: usize, expr: &Expr) -> Option<Value> {
        self.on(instance, |environment| evaluate(expr, environment).value().map(ValueRef::into_value))
    }
}

impl SyntheticCall<'_> {
    fn set(&mut self, read: &Read, text: Option<String>, known: &Known<Value>) -> bool {
        let is_value = matches!(known, Known::Value(_));
        match read {
            Read::Method => match text.and_then(|text| text.parse().ok()) {
                Some(method) => self.method = method,
                None => return false,
            },
            Read::Host => self.host = text,
            Read::Origin => return self.set_header(header::ORIGIN, text, known),
            Read::Header(name) => return self.set_header(name.clone(), text, known),
            Read::Cookie(name) => {
                self.cookies.retain(|(known, _)| known != name);
                match (known, text) {
                    (Known::Value(_), Some(value)) => self.cookies.push((name.clone(), value)),
                    // A cookie that occurs twice is unknown.
                    (Known::Unknown, _) => {
                        self.cookies.extend(["a", "b"].map(|value| (name.clone(), value.to_owned())));
                    }
                    _ => {}
                }
                let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                return match pairs.as_slice() {
                    [] => self.set_header(header::COOKIE, None, &Known::Absent),
                    pairs => self.set_header(header::COOKIE, Some(pairs.join("; ")), &Known::Value(Value::Null)),
                };
            }
            Read::Param(name) => {
                let text = match known {
                    Known::Value(Value::Int(number)) => Some(number.to_string()),
                    _ => text,
                };
                let declared = self.route.path.iter().find_map(|segment| match segment {
                    PathSegment::Parameter { name: known, .. } | PathSegment::Rest(known) if known == name => {
                        Some(known)
                    }
                    _ => None,
                });
                let (Some(name), Some(text)) = (declared, text) else { return !is_value };
                self.params.retain(|(known, _)| known != name);
                self.params.push((name, text));
                self.path = path(&self.route.path, &self.params);
            }
            Read::Query(name) => return put_field(&mut self.query, name, known),
            Read::Body(name) => return put_field(&mut self.body, name, known),
            _ => return !is_value,
        }
        true
    }

    fn set_header(&mut self, name: HeaderName, text: Option<String>, known: &Known<Value>) -> bool {
        self.headers.remove(&name);
        match (known, text.map(|text| HeaderValue::from_str(&text))) {
            (Known::Absent, _) => true,
            (Known::Value(_), Some(Ok(value))) => {
                self.headers.insert(name, value);
                true
            }
            // A header that occurs twice is unknown.
            (Known::Unknown, _) => {
                self.headers.append(name.clone(), HeaderValue::from_static("a"));
                self.headers.append(name, HeaderValue::from_static("b"));
                true
            }
            _ => false,
        }
    }
}

fn path(segments: &[PathSegment], params: &[(&str, String)]) -> String {
    let given = |name: &str| params.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.push_str(match segment {
            PathSegment::Literal(text) => text,
            PathSegment::Parameter { name, .. } | PathSegment::Rest(name) => given(name),
        });
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

fn put(slots: &mut [Known<Value>], slot: usize, known: &Known<Value>) -> bool {
    slots.get_mut(slot).is_some_and(|slot| {
        slot.clone_from(known);
        true
    })
}

fn put_field(record: &mut Json, name: &str, known: &Known<Value>) -> bool {
    let Json::Object(fields) = record else { return false };
    match known {
        Known::Value(value) => match serde_json::to_value(value) {
            Ok(value) => {
                fields.insert(name.to_owned(), value);
                true
            }
            Err(_) => false,
        },
        Known::Absent | Known::Unknown => {
            fields.shift_remove(name);
            true
        }
    }
}

fn as_text(value: &Value) -> Option<String> {
    if let Value::String(text) = value { Some(text.clone()) } else { None }
}
