//! A permission in a scene: the same rules as at a door, without the door.

use crate::check::typed::{Permission, Resource, TypedPolicy};
use crate::graph::{DecisionGraph, Knowing, Plan};
use crate::model::decision::Verdict;
use crate::model::reason::{Code, Reason, Stage};
use crate::model::request::Record;
use crate::model::scene::{PermissionId, Ruling, Scene};
use crate::model::table::Id;

use super::authenticate::{Identity, vouched_for};
use super::authorize::Findings;
use super::evaluate::{Cache, Circumstances, Thing};
use super::read::Attributes;

/// Whether the caller of a scene has a permission. A resource's `id` among its attributes is the id that it is asked
/// for by.
pub(crate) fn check<'p>(
    policy: &'p TypedPolicy,
    graph: &DecisionGraph,
    scene: &Scene<'_>,
    permission: PermissionId,
    resource: Option<&Record>,
) -> Ruling<'p> {
    let Some(id) = policy.permissions.id(permission.0) else {
        return denied(vec![reason(Code::PermissionDenied, "the permission is another policy's")]);
    };
    let user = caller(policy, scene);
    let cache = Cache::default();
    let around = around(policy, scene, user.as_ref(), &cache);
    let thing = |permission: &Permission| thing(permission.resource, resource);
    let declared = &policy.permissions[id];
    if graph.logic.holds(graph.permission(id, Knowing::All), &around.about(thing(declared))) {
        return Ruling {
            verdict: Verdict::Allow,
            reasons: vec![reason(Code::Allowed, "the permission is granted, and nothing forbids it")],
        };
    }
    let mut findings = Findings::default();
    findings.permissions(&[id], None, around, thing);
    let told = findings.into_denials().into_iter();
    denied(
        told.map(|denial| Reason {
            code: denial.code,
            stage: denial.stage,
            message: denial.message,
            span: denial.span,
        })
        .collect(),
    )
}

/// Whether a plan says *yes* of a thing in a scene.
pub(crate) fn holds(
    policy: &TypedPolicy,
    graph: &DecisionGraph,
    scene: &Scene<'_>,
    plan: Plan,
    (resource, attributes): (Id<Resource>, Option<&Record>),
) -> bool {
    let user = caller(policy, scene);
    let cache = Cache::default();
    let around = around(policy, scene, user.as_ref(), &cache);
    graph.logic.holds(plan, &around.about(thing(resource, attributes)))
}

fn caller<'s>(policy: &TypedPolicy, scene: &Scene<'s>) -> Option<Identity<'s>> {
    scene.user.filter(|user| !user.id.is_empty()).map(|user| vouched_for(policy, user))
}

fn around<'a>(
    policy: &'a TypedPolicy,
    scene: &Scene<'a>,
    user: Option<&'a Identity<'a>>,
    cache: &'a Cache,
) -> Circumstances<'a> {
    Circumstances {
        cache: Some(cache),
        user,
        client: scene.client.map(|address| address.to_canonical()),
        now: Some(scene.now),
        context: scene.context.map(Attributes::Given),
        ..Circumstances::empty(policy)
    }
}

fn thing(resource: Id<Resource>, record: Option<&Record>) -> Thing<'_> {
    Thing::Of {
        resource,
        id: record.and_then(|record| record.get("id")).and_then(serde_json::Value::as_str),
        attributes: record.map(Attributes::Given),
    }
}

fn reason(code: Code, message: &'static str) -> Reason<'static> {
    Reason { code, stage: Stage::Authorize, message: message.into(), span: None }
}

fn denied(reasons: Vec<Reason<'_>>) -> Ruling<'_> {
    Ruling { verdict: Verdict::Deny, reasons }
}
