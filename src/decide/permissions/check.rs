//! Permission checks in a scene, by the same rules as at a route.

use crate::collections::table::Id;
use crate::decide::permissions::authorize::Findings;
use crate::decide::permissions::scene::{Resource, Scene};
use crate::decide::respond::reason as reason_of;
use crate::eval::context::{Cache, EvalContext, ResourceRef};
use crate::eval::questions;
use crate::graph::{DecisionGraph, Phase, Plan};
use crate::model::reason::{Code, Reason, Stage};
use crate::protocol::decision::Verdict;
use crate::typed;
use crate::typed::{Permission, Role, TypedPolicy};

/// A permission of one policy, resolved by its name once, at start-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermissionId {
    pub(crate) fingerprint: u64,
    pub(crate) id: Id<Permission>,
}

/// A role of one policy, resolved by its name once, at start-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RoleId {
    pub(crate) fingerprint: u64,
    pub(crate) id: Id<Role>,
}

/// The result of a check. [`Policy::explain`](crate::Policy::explain) gives the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Ruling {
    is_allowed: bool,
}

impl Ruling {
    fn of(is_allowed: bool) -> Self {
        Self { is_allowed }
    }

    /// True if the verdict is `Allow`.
    pub fn is_allowed(self) -> bool {
        self.is_allowed
    }

    /// Returns `Allow` or `Deny`.
    pub fn verdict(self) -> Verdict {
        if self.is_allowed { Verdict::Allow } else { Verdict::Deny }
    }
}

/// Checks that the caller has one of these permissions.
pub(crate) fn any(
    policy: &TypedPolicy,
    graph: &DecisionGraph,
    scene: &Scene<'_>,
    permissions: &[PermissionId],
    resource: Option<&Resource<'_>>,
) -> Ruling {
    let check = Check { policy, graph, scene, resource };
    Ruling::of(permissions.iter().any(|permission| check.granted(*permission)))
}

/// Checks that the caller has all of these permissions. An empty list is denied.
pub(crate) fn all(
    policy: &TypedPolicy,
    graph: &DecisionGraph,
    scene: &Scene<'_>,
    permissions: &[PermissionId],
    resource: Option<&Resource<'_>>,
) -> Ruling {
    let check = Check { policy, graph, scene, resource };
    Ruling::of(!permissions.is_empty() && permissions.iter().all(|permission| check.granted(*permission)))
}

/// The reasons why the caller has or lacks a permission: at least one.
pub(crate) fn explain<'p>(
    policy: &'p TypedPolicy,
    graph: &'p DecisionGraph,
    scene: &Scene<'_>,
    permission: PermissionId,
    resource: Option<&Resource<'_>>,
) -> Vec<Reason<'p>> {
    let check = Check { policy, graph, scene, resource };
    let reason = |code, message: &'static str| {
        vec![Reason { code, stage: Stage::Authorize, message: message.into(), span: None }]
    };
    if permission.fingerprint != policy.fingerprint || scene.fingerprint != policy.fingerprint {
        return reason(Code::PermissionDenied, "the permission or the scene is another policy's");
    }
    let Some(thing) = check.resource_ref(policy.permissions[permission.id].resource) else {
        return reason(Code::PermissionDenied, "the permission is one on things of another kind, or of another policy");
    };
    if check.granted(permission) {
        return reason(Code::Allowed, "the permission is granted, and nothing forbids it");
    }
    let cache = Cache::default();
    let context = EvalContext { cache: Some(&cache), ..scene.eval_context(policy) };
    let mut findings = Findings::default();
    findings.permissions(&[permission.id], None, context, |_| thing);
    findings.into_denials().into_iter().map(|denial| reason_of(denial, None)).collect()
}

/// True if a plan holds for a resource of a kind in a scene.
pub(crate) fn holds(
    policy: &TypedPolicy,
    graph: &DecisionGraph,
    scene: &Scene<'_>,
    plan: Plan,
    kind: Id<typed::Resource>,
    resource: Option<&Resource<'_>>,
) -> bool {
    let resource = Check { policy, graph, scene, resource }.resource_ref(kind);
    resource.is_some_and(|resource| questions::satisfies(&graph.logic, plan, &scene.eval_context(policy).on(resource)))
}

struct Check<'q> {
    policy: &'q TypedPolicy,
    graph: &'q DecisionGraph,
    scene: &'q Scene<'q>,
    resource: Option<&'q Resource<'q>>,
}

impl<'q> Check<'q> {
    fn granted(&self, permission: PermissionId) -> bool {
        let Self { policy, graph, scene, .. } = self;
        // Numbers of another policy would stand for other roles and permissions here.
        if permission.fingerprint != policy.fingerprint || scene.fingerprint != policy.fingerprint {
            return false;
        }
        let Some(thing) = self.resource_ref(policy.permissions[permission.id].resource) else { return false };
        let plan = graph.permission(permission.id, Phase::AfterInput);
        if let Plan::HasRole(roles) = plan {
            return scene
                .user()
                .is_some_and(|user| user.scopes.is_none() && policy.role_sets.has_any(roles, &user.roles));
        }
        let cache = Cache::default();
        let context = EvalContext { cache: Some(&cache), ..scene.eval_context(policy) };
        questions::satisfies(&graph.logic, plan, &context.on(thing))
    }

    /// The resource for a permission on a kind; `None` if the resource is of another kind.
    fn resource_ref(&self, kind: Id<typed::Resource>) -> Option<ResourceRef<'q>> {
        match self.resource {
            Some(resource) => resource.resource_ref(self.policy, kind),
            None => Some(ResourceRef::Of { resource: kind, id: None, attributes: None }),
        }
    }
}
