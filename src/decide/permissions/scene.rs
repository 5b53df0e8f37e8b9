//! The caller, the context and the resource of a permission check outside a request.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::collections::table::Id;
use crate::decide::callers::identity::vouched_for;
use crate::eval::attributes::AttributeSet;
use crate::eval::context::{Environment, EvalContext, ResourceRef};
use crate::eval::identity::Identity;
use crate::eval::questions::class_of;
use crate::graph::DecisionGraph;
use crate::graph::logic::variable::VariableGroup;
use crate::protocol::facts::Record;
use crate::protocol::request::User;
use crate::typed;
use crate::typed::TypedPolicy;

/// The caller, the context and the time of a check outside any route: made by [`Policy::scene`](crate::Policy::scene) for work
/// that is no HTTP request, such as a job or a test, and by [`Decision::scene`](crate::Decision::scene) inside a handler.
///
/// The request, its parameters and its input are *unknown* here, which never grants and always forbids. A scene is valid
/// for the policy that made it only.
#[derive(Clone)]
pub struct Scene<'a> {
    pub(crate) fingerprint: u64,
    pub(crate) user: Option<SceneUser<'a>>,
    pub(crate) context: Option<AttributeSet<'a>>,
    pub(crate) client: Option<IpAddr>,
    pub(crate) now: Timestamp,
}

/// The caller of a scene.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "a scene is made for each question, and a box would be an allocation")]
pub(crate) enum SceneUser<'a> {
    Owned(Identity<'a>),
    Borrowed(&'a Identity<'a>),
}

/// The most classes that are kept with a resource.
const MAX_CLASSES: usize = 1024;

fn classes(graph: &DecisionGraph, group: VariableGroup, environment: &Environment<'_>) -> Vec<u32> {
    let asked = graph.logic.variables.attributes(group).take(MAX_CLASSES);
    asked.map(|(path, partition)| class_of(path, partition, environment)).collect()
}

/// Builds a [`Scene`]: see [`Policy::scene`](crate::Policy::scene).
#[derive(Clone)]
#[must_use]
pub struct SceneBuilder<'p, 'a> {
    policy: &'p TypedPolicy,
    graph: &'p DecisionGraph,
    user: Option<&'a User>,
    context: Option<&'a Record>,
    client: Option<IpAddr>,
    now: Timestamp,
}

impl<'p, 'a> SceneBuilder<'p, 'a> {
    pub(crate) fn new(policy: &'p TypedPolicy, graph: &'p DecisionGraph, now: Timestamp) -> Self {
        Self { policy, graph, user: None, context: None, client: None, now }
    }

    /// Sets the caller; without one, or with an empty id, the caller is anonymous.
    pub fn user(self, user: impl Into<Option<&'a User>>) -> Self {
        Self { user: user.into(), ..self }
    }

    /// Sets the attributes that the policy's `context` declares.
    pub fn context(self, context: impl Into<Option<&'a Record>>) -> Self {
        Self { context: context.into(), ..self }
    }

    /// Sets the client's address.
    pub fn client(self, client: IpAddr) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Builds the scene. The caller's roles are resolved here, attributes when a rule reads them.
    pub fn build(self) -> Scene<'a> {
        let user = self.user.filter(|user| !user.id.is_empty());
        Scene {
            fingerprint: self.policy.fingerprint,
            user: user.map(|user| SceneUser::Owned(vouched_for(self.policy, user))),
            context: self.context.map(|context| AttributeSet::Json(Cow::Borrowed(context))),
            client: self.client,
            now: self.now,
        }
    }

    /// Builds the scene with every attribute resolved, for many checks in one scene.
    pub fn prepare(self) -> Scene<'a> {
        let (policy, graph) = (self.policy, self.graph);
        self.build().prepared(policy, graph)
    }
}

impl fmt::Debug for SceneBuilder<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SceneBuilder").field("user", &self.user).field("now", &self.now).finish_non_exhaustive()
    }
}

impl<'a> Scene<'a> {
    /// The scene with every attribute resolved.
    fn prepared(self, policy: &TypedPolicy, graph: &DecisionGraph) -> Self {
        let user = self.user.map(|user| {
            let mut identity = match user {
                SceneUser::Owned(identity) => identity,
                SceneUser::Borrowed(identity) => identity.clone(),
            };
            if let AttributeSet::Json(record) = &identity.attributes {
                identity.attributes = AttributeSet::slots(record, policy.attributes.iter(), policy);
            }
            SceneUser::Owned(identity)
        });
        let context = self.context.map(|context| match context {
            AttributeSet::Json(record) => AttributeSet::slots(&record, policy.context.iter(), policy),
            slots @ AttributeSet::Slots(_) => slots,
        });
        let mut prepared = Self { user, context, ..self };
        let context = prepared.eval_context(policy);
        let environment = context.on(ResourceRef::None);
        let of_user = classes(graph, VariableGroup::User, &environment);
        let of_context = classes(graph, VariableGroup::Context, &environment);
        if let Some(SceneUser::Owned(identity)) = &mut prepared.user {
            identity.attributes.set_classes(of_user);
        }
        if let Some(context) = &mut prepared.context {
            context.set_classes(of_context);
        }
        prepared
    }

    /// Converts into a scene that borrows nothing.
    pub fn into_owned(self) -> Scene<'static> {
        let Self { fingerprint, user, context, client, now } = self;
        let user = user.map(|user| match user {
            SceneUser::Owned(identity) => SceneUser::Owned(identity.into_owned()),
            SceneUser::Borrowed(identity) => SceneUser::Owned(identity.clone().into_owned()),
        });
        Scene { fingerprint, user, context: context.map(AttributeSet::into_owned), client, now }
    }

    pub(crate) fn user(&self) -> Option<&Identity<'a>> {
        self.user.as_ref().map(|user| match user {
            SceneUser::Owned(identity) => identity,
            SceneUser::Borrowed(identity) => identity,
        })
    }

    pub(crate) fn eval_context<'s>(&'s self, policy: &'s TypedPolicy) -> EvalContext<'s> {
        EvalContext {
            user: self.user(),
            client: self.client.map(|address| address.to_canonical()),
            now: Some(self.now),
            host_context: self.context.as_ref().map(AttributeSet::attributes),
            ..EvalContext::empty(policy)
        }
    }
}

impl fmt::Debug for Scene<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.user().map(|identity| &identity.id);
        f.debug_struct("Scene").field("user", &id).field("now", &self.now).finish_non_exhaustive()
    }
}

/// The resource of a check: its attributes, including its `id`.
#[derive(Clone)]
pub struct Resource<'a> {
    id: Option<Cow<'a, str>>,
    facts: AttributeSet<'a>,
    /// The policy and the kind that the slots belong to.
    of: Option<(u64, Id<typed::Resource>)>,
}

impl<'a> Resource<'a> {
    /// A resource whose attributes are resolved when a rule reads them. For many checks of one resource,
    /// [`Policy::resource`](crate::Policy::resource) resolves them once.
    pub fn of(record: &'a Record) -> Self {
        let id = record.get("id").and_then(serde_json::Value::as_str);
        Self { id: id.map(Cow::Borrowed), facts: AttributeSet::Json(Cow::Borrowed(record)), of: None }
    }

    pub(crate) fn prepared(
        policy: &TypedPolicy,
        graph: &DecisionGraph,
        kind: &str,
        record: &Record,
    ) -> Option<Resource<'static>> {
        let (id, declared) = policy.resources.enumerate().find(|(_, resource)| resource.name == kind)?;
        let named = record.get("id").and_then(serde_json::Value::as_str);
        let mut prepared = Resource {
            id: named.map(|id| Cow::Owned(id.to_owned())),
            facts: AttributeSet::slots(record, declared.attributes.values(), policy),
            of: Some((policy.fingerprint, id)),
        };
        let context = EvalContext::empty(policy);
        let found = classes(graph, VariableGroup::Resource, &context.on(prepared.resource_ref(policy, id)?));
        prepared.facts.set_classes(found);
        Some(prepared)
    }

    /// The resource for a permission on a kind; `None` if the resource is of another kind.
    pub(crate) fn resource_ref(&self, policy: &TypedPolicy, kind: Id<typed::Resource>) -> Option<ResourceRef<'_>> {
        if self.of.is_some_and(|of| of != (policy.fingerprint, kind)) {
            return None;
        }
        Some(ResourceRef::Of { resource: kind, id: self.id.as_deref(), attributes: Some(self.facts.attributes()) })
    }
}

impl fmt::Debug for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").field("id", &self.id).finish_non_exhaustive()
    }
}
