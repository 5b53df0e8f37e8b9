//! A policy with its keys, which decides requests.

use jiff::Timestamp;

use crate::decide::callers::entropy::Entropy;
use crate::decide::callers::keys::BoundKeys;
use crate::decide::ready::Ready;
use crate::decide::{Decision, PermissionId, Resource, Ruling, Scene, Step, decide, decide_with, inquire, issue_csrf};
use crate::model::reason::Reason;
use crate::policy::Policy;
use crate::protocol::host::{Host, answer};
use crate::protocol::request::Request;

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

    /// Returns the policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides one request by [`Request::facts`]. The decision depends on nothing but the gate and the request. There are no
    /// errors and no panics: whatever is wrong with a request is a denial with a reason.
    pub fn decide<'g, 'r>(&'g self, request: &Request<'r>) -> Decision<'g, 'r> {
        decide(self.ready(), request)
    }

    /// Decides one request, and asks the host for each fact that the decision needs and that [`Request::facts`] lacks.
    ///
    /// ```
    /// use portcullis::facts::Record;
    /// use portcullis::request::Scheme;
    /// use portcullis::{Host, Keys, Policy, Request, Source, Verdict};
    ///
    /// struct Door;
    ///
    /// impl Host for Door {
    ///     fn context(&mut self) -> Option<Record> {
    ///         Some(Record::from_iter([("open".to_owned(), true.into())]))
    ///     }
    /// }
    ///
    /// let text = "policy p\ncontext { open: bool }\nroutes / { GET /door public when context.open }";
    /// let gate = Policy::compile(&[Source::new("p.gate", text)])?.bind(&Keys::new())?;
    /// let request = Request::new(&http::Method::GET, "/door", jiff::Timestamp::UNIX_EPOCH).scheme(Scheme::Https).body(b"");
    /// assert_eq!(gate.decide_with(&mut Door, &request).verdict(), Verdict::Allow);
    /// assert_eq!(gate.decide(&request).verdict(), Verdict::Deny);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decide_with<'g, 'r>(&'g self, host: &mut (impl Host + ?Sized), request: &Request<'r>) -> Decision<'g, 'r> {
        decide_with(self.ready(), request, &mut |question| answer(host, question))
    }

    /// Begins to decide one request. Where the decision needs a fact that [`Request::facts`] lacks, it stops with an
    /// [`Inquiry`](crate::inquiry::Inquiry), which goes on with the host's answers: for hosts that must wait for them.
    pub fn inquire<'g, 'r>(&'g self, request: &Request<'r>) -> Step<'g, 'r> {
        inquire(self.ready(), request)
    }

    pub(crate) fn keys(&self) -> &BoundKeys {
        &self.keys
    }

    pub(crate) fn ready(&self) -> Ready<'_> {
        let compiled = self.policy.compiled();
        Ready { policy: &compiled.typed, graph: &compiled.graph, keys: &self.keys }
    }

    /// See [`Policy::check`].
    pub fn check(&self, scene: &Scene<'_>, permission: PermissionId, resource: Option<&Resource<'_>>) -> Ruling {
        self.policy.check(scene, permission, resource)
    }

    /// See [`Policy::check_any`].
    pub fn check_any(
        &self,
        scene: &Scene<'_>,
        permissions: &[PermissionId],
        resource: Option<&Resource<'_>>,
    ) -> Ruling {
        self.policy.check_any(scene, permissions, resource)
    }

    /// See [`Policy::check_all`].
    pub fn check_all(
        &self,
        scene: &Scene<'_>,
        permissions: &[PermissionId],
        resource: Option<&Resource<'_>>,
    ) -> Ruling {
        self.policy.check_all(scene, permissions, resource)
    }

    /// See [`Policy::explain`].
    pub fn explain(
        &self,
        scene: &Scene<'_>,
        permission: PermissionId,
        resource: Option<&Resource<'_>>,
    ) -> Vec<Reason<'_>> {
        self.policy.explain(scene, permission, resource)
    }

    /// Issues a CSRF token for a session, as a route with `issues csrf` would at `now`: for pages that a server renders with
    /// the token inside. `entropy` is 32 bytes from a cryptographic random source, used once. `None` if the policy's `csrf`
    /// has no tokens.
    pub fn csrf_token(&self, session: &str, now: Timestamp, entropy: &[u8; 32]) -> Option<CsrfToken<'_>> {
        let layer = self.policy.compiled().typed.csrf.as_ref()?.token.as_ref()?;
        let token = issue_csrf(self.keys.csrf()?, session, now, &Entropy::new(entropy))?;
        Some(CsrfToken { cookie: &layer.session.name, header: layer.header.as_str(), token })
    }
}

/// A CSRF token, with the cookie and the header that a request sends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CsrfToken<'g> {
    /// The name of the session cookie.
    pub cookie: &'g str,
    /// The name of the header that carries the token.
    pub header: &'g str,
    /// The token.
    pub token: String,
}
