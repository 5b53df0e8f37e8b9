//! The data that expressions can read.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::FixedState;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::collections::table::Id;
use crate::eval::attributes::Attributes;
use crate::eval::identity::Identity;
use crate::model::truth::Truths;
use crate::model::value::{Known, Value};
use crate::protocol::facts::Record;
use crate::protocol::params::Params;
use crate::typed::schemas::Shape;
use crate::typed::{Attribute, Condition, Read, Resource, Route, TypedPolicy};

/// The data that doesn't depend on the resource.
#[derive(Clone, Copy)]
pub(crate) struct EvalContext<'a> {
    pub(crate) policy: &'a TypedPolicy,
    /// The declared claims of the token that a mapping reads.
    pub(crate) claims: &'a [Known<Value>],
    /// `None` for an anonymous caller.
    pub(crate) user: Option<&'a Identity<'a>>,
    pub(crate) client: Option<IpAddr>,
    pub(crate) now: Option<Timestamp>,
    /// The attributes of `context`.
    pub(crate) host_context: Option<Attributes<'a>>,
    /// The account that a token is issued for.
    pub(crate) account: Option<Attributes<'a>>,
    pub(crate) call: Option<RequestRef<'a>>,
    pub(crate) query: InputState<'a>,
    pub(crate) body: InputState<'a>,
    /// For a schema's `check`: the declared fields beside it, and the record with their values.
    pub(crate) siblings: Option<(&'a [Attribute], &'a Record)>,
    pub(crate) cache: Option<&'a Cache>,
    pub(crate) missing: Option<&'a dyn MissingFacts>,
}

/// Collects the facts that expressions read and that nobody supplied, so that the host can be asked for them.
pub(crate) trait MissingFacts {
    /// The attributes of `context` are missing.
    fn context(&self);
    /// The attributes of a resource are missing.
    fn resource(&self, kind: &str, id: &str);
}

/// Lists and records that were converted from JSON. Many rules may read one of them.
#[derive(Default)]
pub(crate) struct Cache(RefCell<HashMap<CacheKey, Known<Value>, FixedState>>);

/// The kind of the resource, where one is read.
type CacheKey = (Option<Id<Resource>>, Read);

impl Cache {
    pub(crate) fn get_or_insert_with(
        &self,
        resource: Option<Id<Resource>>,
        read: &Read,
        convert: impl FnOnce() -> Known<Value>,
    ) -> Known<Value> {
        let key = (resource, read.clone());
        if let Some(cached) = self.0.borrow().get(&key) {
            return cached.clone();
        }
        let converted = convert();
        self.0.borrow_mut().insert(key, converted.clone());
        converted
    }
}

/// All data that an expression can read.
pub(crate) struct Environment<'a> {
    pub(crate) context: &'a EvalContext<'a>,
    pub(crate) resource: ResourceRef<'a>,
    /// The outcomes of conditions that name conditions, so that each is evaluated once.
    pub(crate) outcomes: RefCell<HashMap<Id<Condition>, Truths, FixedState>>,
}

/// The resource that `resource` stands for.
#[derive(Clone, Copy)]
pub(crate) enum ResourceRef<'a> {
    /// The route requires no permission.
    None,
    /// The id is `None` if it isn't known, and the attributes if they aren't.
    Of { resource: Id<Resource>, id: Option<&'a str>, attributes: Option<Attributes<'a>> },
}

/// The request that `request` and `params` stand for.
#[derive(Clone, Copy)]
pub(crate) struct RequestRef<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) authority: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) route: &'a Route,
    pub(crate) params: &'a Params<'a, 'a>,
}

/// The query or the body.
#[derive(Clone, Copy)]
pub(crate) enum InputState<'a> {
    /// There is none, or it was never read.
    Unknown,
    /// It will be read later.
    Pending,
    /// It conforms to the schema.
    Json(Id<Shape>, &'a Json),
}

impl<'a> EvalContext<'a> {
    /// A context in which everything is unknown, and the caller is anonymous.
    pub(crate) fn empty(policy: &'a TypedPolicy) -> Self {
        Self {
            policy,
            claims: &[],
            user: None,
            client: None,
            now: None,
            host_context: None,
            account: None,
            call: None,
            query: InputState::Unknown,
            body: InputState::Unknown,
            siblings: None,
            cache: None,
            missing: None,
        }
    }

    pub(crate) fn on(&'a self, resource: ResourceRef<'a>) -> Environment<'a> {
        Environment { context: self, resource, outcomes: RefCell::default() }
    }
}
