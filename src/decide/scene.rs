//! A permission in a scene: the same rules as at a door, without the door.

use crate::check::typed::{Permission, TypedPolicy};
use crate::graph::{DecisionGraph, Knowing};
use crate::model::decision::Verdict;
use crate::model::reason::{Code, Reason, Stage};
use crate::model::request::Record;
use crate::model::scene::{PermissionId, Ruling, Scene};

use super::authenticate::vouched_for;
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
    let user = scene.user.filter(|user| !user.id.is_empty()).map(|user| vouched_for(policy, user));
    let cache = Cache::default();
    let around = Circumstances {
        cache: Some(&cache),
        user: user.as_ref(),
        client: scene.client.map(|address| address.to_canonical()),
        now: Some(scene.now),
        context: scene.context.map(Attributes::Given),
        ..Circumstances::empty(policy)
    };
    let thing = |permission: &Permission| Thing::Of {
        resource: permission.resource,
        id: resource.and_then(|record| record.get("id")).and_then(serde_json::Value::as_str),
        attributes: resource.map(Attributes::Given),
    };
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

fn reason(code: Code, message: &'static str) -> Reason<'static> {
    Reason { code, stage: Stage::Authorize, message: message.into(), span: None }
}

fn denied(reasons: Vec<Reason<'_>>) -> Ruling<'_> {
    Ruling { verdict: Verdict::Deny, reasons }
}
