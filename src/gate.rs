//! A policy with its keys: what a host keeps and asks.

use jiff::Timestamp;

use crate::decide::entropy::Entropy;
use crate::decide::keys::BoundKeys;
use crate::decide::{Decision, PermissionId, Resource, Ruling, Scene, decide, issue_csrf};
use crate::model::request::Request;
use crate::policy::Policy;

/// A policy with its keys. It decides any number of requests, from any number of threads.
#[derive(Debug)]
pub struct Gate {
    policy: Policy,
    keys: BoundKeys,
}

impl Gate {
    pub(crate) fn new(policy: Policy, keys: BoundKeys) -> Self {
        Self { policy, keys }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides one request. Pure: the decision depends on nothing but the gate and the request. It has no
    /// errors and never panics; whatever is wrong with a request is a denial with a reason.
    pub fn decide<'g, 'r>(&'g self, request: &Request<'r>) -> Decision<'g, 'r> {
        let compiled = self.policy.compiled();
        decide(&compiled.typed, &compiled.graph, &self.keys, request)
    }

    /// Whether a caller has a permission, outside any door: [`Policy::check`], which needs no keys.
    pub fn check(&self, scene: &Scene<'_>, permission: PermissionId, resource: Option<&Resource<'_>>) -> Ruling {
        self.policy.check(scene, permission, resource)
    }

    /// A CSRF token for a session, as a route that `issues csrf` would hand out at `now`; for pages that a server
    /// renders with the token inside. `None` in a policy without `csrf`, or
    /// whose `csrf` has no tokens.
    pub fn csrf_token(&self, session: &str, now: Timestamp, entropy: &[u8; 32]) -> Option<CsrfToken<'_>> {
        let layer = self.policy.compiled().typed.csrf.as_ref()?.token.as_ref()?;
        let token = issue_csrf(self.keys.csrf()?, session, now, &Entropy::new(entropy))?;
        Some(CsrfToken { cookie: &layer.session.name, header: layer.header.as_str(), token })
    }
}

/// A CSRF token and how it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CsrfToken<'g> {
    /// The name of the cookie that holds the session.
    pub cookie: &'g str,
    /// The name of the header that the token comes back in.
    pub header: &'g str,
    /// The token.
    pub token: String,
}
