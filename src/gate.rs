//! A policy with its keys: what a host keeps and asks.

use jiff::Timestamp;

use crate::decide::callers::entropy::Entropy;
use crate::decide::callers::keys::BoundKeys;
use crate::decide::{Decision, PermissionId, Ready, Resource, Ruling, Scene, Step, decide, inquire, issue_csrf};
use crate::policy::Policy;
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

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides one request. Pure: the decision depends on nothing but the gate and the request. It has no
    /// errors and never panics; whatever is wrong with a request is a denial with a reason.
    pub fn decide<'g, 'r>(&'g self, request: &Request<'r>) -> Decision<'g, 'r> {
        decide(self.ready(), request)
    }

    /// Decides one request, and asks the host on the way for what `request.facts` doesn't say and the decision needs: the
    /// same evaluation as [`Gate::decide`], which takes what isn't there for unknown. What was worked out before a question
    /// isn't worked out again after it.
    ///
    /// ```
    /// use portcullis::{Answer, Facts, Keys, Policy, Question, Request, Scheme, Source, Step, Verdict};
    ///
    /// let text = "policy p\ncontext { open: bool }\nroutes / { GET /door public when context.open }";
    /// let gate = Policy::compile(&[Source::new("p.gate", text)]).expect("it is well-formed").bind(&Keys::new())?;
    /// let (headers, facts) = (http::HeaderMap::new(), Facts::default());
    /// let mut step = gate.inquire(&Request {
    ///     method: &http::Method::GET,
    ///     target: "/door",
    ///     scheme: Scheme::Https,
    ///     host: None,
    ///     headers: &headers,
    ///     peer: None,
    ///     body: None,
    ///     now: jiff::Timestamp::UNIX_EPOCH,
    ///     entropy: None,
    ///     user: None,
    ///     facts: &facts,
    /// });
    /// let decision = loop {
    ///     step = match step {
    ///         Step::Decided(decision) => break decision,
    ///         Step::Ask(inquiry) => {
    ///             let answer = |question: &Question| match question {
    ///                 Question::Context => serde_json::json!({ "open": true }).as_object().cloned().map(Answer::Context),
    ///                 Question::Body { .. } => Some(Answer::Body(Vec::new())),
    ///                 _ => None,
    ///             };
    ///             let asked = inquiry.questions().iter();
    ///             let answers: Vec<_> = asked.filter_map(|asked| Some((asked.id, answer(&asked.question)?))).collect();
    ///             inquiry.answer(answers)
    ///         }
    ///     };
    /// };
    /// assert_eq!(decision.verdict, Verdict::Allow);
    /// # Ok::<(), portcullis::BindError>(())
    /// ```
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
