//! Decisions, and permission checks that go on from them.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;

use crate::decide::permissions::check;
use crate::decide::permissions::check::{PermissionId, RoleId, Ruling};
use crate::decide::permissions::scene::{Resource, Scene, SceneUser};
use crate::eval::attributes::AttributeSet;
use crate::eval::identity::Identity;
use crate::graph::DecisionGraph;
use crate::model::headers::AnswerHeaders;
use crate::model::mask::SECRET;
use crate::model::reason::{Reason, Reasons};
use crate::model::value::Value;
use crate::protocol::decision::{Body, Effect, Input, Problem, Verdict};
use crate::typed::TypedPolicy;

/// A decision about one request. It depends on nothing but the gate and the request.
///
/// It borrows from the gate (`'g`) and from the request (`'r`). A host that still needs it after it has handed the request on
/// keeps [`Decision::into_owned`].
#[derive(Clone)]
pub struct Decision<'g, 'r> {
    pub(crate) verdict: Verdict,
    pub(crate) status: StatusCode,
    /// At least one; the first decided.
    pub(crate) reasons: Reasons<'g>,
    pub(crate) notes: Vec<Reason<'g>>,
    pub(crate) caller: Option<Caller<'g, 'r>>,
    pub(crate) headers: AnswerHeaders<'g, 'r>,
    pub(crate) removed_headers: &'g [HeaderName],
    pub(crate) body: Option<Body>,
    pub(crate) input: Input<'g, 'r>,
    pub(crate) target: Option<Cow<'r, str>>,
    /// True if the schema of the query has secret fields.
    pub(crate) secret_query: bool,
    pub(crate) effects: Vec<Effect>,
    pub(crate) check_context: CheckContext<'g, 'r>,
}

/// The parts of a decision that a host takes over by value: see [`Decision::into_parts`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DecisionParts<'g, 'r> {
    /// See [`Decision::body`].
    pub body: Option<Body>,
    /// See [`Decision::input`].
    pub input: Input<'g, 'r>,
    /// See [`Decision::target`].
    pub target: Option<Cow<'r, str>>,
    /// See [`Decision::effects`].
    pub effects: Vec<Effect>,
}

/// The context of permission checks inside a handler.
#[derive(Clone)]
pub(crate) struct CheckContext<'g, 'r> {
    pub(crate) policy: &'g TypedPolicy,
    pub(crate) graph: &'g DecisionGraph,
    pub(crate) context: Option<AttributeSet<'r>>,
    pub(crate) client: Option<IpAddr>,
    pub(crate) now: Timestamp,
}

impl<'g> CheckContext<'g, '_> {
    fn into_owned(self) -> CheckContext<'g, 'static> {
        let Self { policy, graph, context, client, now } = self;
        CheckContext { policy, graph, context: context.map(AttributeSet::into_owned), client, now }
    }
}

impl<'g, 'r> Decision<'g, 'r> {
    /// Returns what to do with the request.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Returns the status of the answer; 200 for [`Verdict::Allow`].
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the reasons: at least one, and first the one that decided.
    pub fn reasons(&self) -> &[Reason<'g>] {
        &self.reasons
    }

    /// Returns findings that didn't decide but are worth logging, such as a bad token on a public route.
    pub fn notes(&self) -> &[Reason<'g>] {
        &self.notes
    }

    /// Returns the caller; `None` for an anonymous one.
    pub fn caller(&self) -> Option<&Caller<'g, 'r>> {
        self.caller.as_ref()
    }

    /// Returns the headers of the answer, which the handler's answer gets, too. `Vary` is added to the handler's own; each
    /// other header replaces the handler's.
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.headers.iter()
    }

    /// Returns the headers to remove from the handler's answer, before those of [`Decision::headers`] are set.
    pub fn removed_headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.removed_headers.iter()
    }

    /// Returns the body of the answer, which is the problem if the request is denied.
    pub fn body(&self) -> Option<&Body> {
        self.body.as_ref()
    }

    /// Returns the problem of a denied request.
    pub fn problem(&self) -> Option<&Problem> {
        match &self.body {
            Some(Body::Problem(problem)) => Some(problem),
            Some(Body::Json(_)) | None => None,
        }
    }

    /// Returns the validated and normalised input.
    pub fn input(&self) -> &Input<'g, 'r> {
        &self.input
    }

    /// Returns the canonical target, which is the one to forward: it is the one that the policy was applied to.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// Returns the target for logs: without its query if the schema of the query has secret fields.
    pub fn masked_target(&self) -> Option<Cow<'_, str>> {
        let target = self.target.as_deref()?;
        match target.split_once('?') {
            Some((path, _)) if self.secret_query => Some(Cow::Owned(format!("{path}?{SECRET}"))),
            _ => Some(Cow::Borrowed(target)),
        }
    }

    /// Returns the changes that the host must write.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Returns the changes that the host must write, by value.
    pub fn into_effects(self) -> Vec<Effect> {
        self.effects
    }

    /// Returns the body, the input, the target and the effects by value.
    pub fn into_parts(self) -> DecisionParts<'g, 'r> {
        DecisionParts { body: self.body, input: self.input, target: self.target, effects: self.effects }
    }

    /// Converts into a decision that borrows nothing from the request.
    ///
    /// ```
    /// use portcullis::request::Scheme;
    /// use portcullis::{Decision, Gate, Keys, Policy, Request, Source, Verdict};
    ///
    /// fn decide<'g>(gate: &'g Gate, parts: http::request::Parts, body: &[u8]) -> Decision<'g, 'static> {
    ///     let request = Request::of_parts(&parts, jiff::Timestamp::UNIX_EPOCH).scheme(Scheme::Https).body(body);
    ///     gate.decide(&request).into_owned()
    /// }
    ///
    /// let source = Source::new("p.gate", "policy p\nroutes / { GET /posts/{id} public }");
    /// let gate = Policy::compile(&[source])?.bind(&Keys::new())?;
    /// let (parts, body) = http::Request::get("/posts/42").body(Vec::new())?.into_parts();
    /// let decision = decide(&gate, parts, &body);
    /// assert_eq!(decision.verdict(), Verdict::Allow);
    /// assert_eq!(decision.input().params.get("id"), Some("42"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_owned(self) -> Decision<'g, 'static> {
        Decision {
            verdict: self.verdict,
            status: self.status,
            reasons: self.reasons,
            notes: self.notes,
            caller: self.caller.map(Caller::into_owned),
            headers: self.headers.into_owned(),
            removed_headers: self.removed_headers,
            body: self.body,
            input: self.input.into_owned(),
            target: self.target.map(|target| Cow::Owned(target.into_owned())),
            secret_query: self.secret_query,
            effects: self.effects,
            check_context: self.check_context.into_owned(),
        }
    }

    /// Returns `Allow` if the same caller has another permission, at the same time and in the same context: for checks inside a
    /// handler, on resources that only the handler knows. The request and its input are *unknown* to these rules.
    ///
    /// ```
    /// use portcullis::permission::Resource;
    /// use portcullis::request::Scheme;
    /// use portcullis::{Keys, Policy, Request, Source, User};
    ///
    /// let text = r#"policy p
    /// secret K
    /// token t { algorithm HS256  key K  claims { sub: string } }
    /// user from t { id = claims.sub }
    /// resource posts { actions edit  author: string }
    /// allow posts:edit when resource.author == user.id
    /// routes / { GET /mine authenticated }"#;
    /// let policy = Policy::compile(&[Source::new("p.gate", text)])?;
    /// let edit = policy.permission("posts:edit").expect("the policy declares it");
    /// let gate = policy.bind(&Keys::new().with_secret("K", *b"a key for this example: 32 bytes"))?;
    ///
    /// let mia = User::new("mia");
    /// let request = Request::new(&http::Method::GET, "/mine", jiff::Timestamp::UNIX_EPOCH);
    /// let decision = gate.decide(&request.scheme(Scheme::Https).user(&mia).body(b""));
    /// let post = serde_json::Map::from_iter([("author".to_owned(), "mia".into())]);
    /// assert!(decision.check(edit, Some(&Resource::of(&post))).is_allowed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self, permission: PermissionId, resource: Option<&Resource<'_>>) -> Ruling {
        self.check_all(&[permission], resource)
    }

    /// Returns `Allow` if the same caller has at least one of the permissions; see [`Decision::check`].
    pub fn check_any(&self, permissions: &[PermissionId], resource: Option<&Resource<'_>>) -> Ruling {
        check::any(self.check_context.policy, self.check_context.graph, &self.scene(), permissions, resource)
    }

    /// Returns `Allow` if the same caller has each of the permissions, of which there is at least one; see
    /// [`Decision::check`].
    pub fn check_all(&self, permissions: &[PermissionId], resource: Option<&Resource<'_>>) -> Ruling {
        check::all(self.check_context.policy, self.check_context.graph, &self.scene(), permissions, resource)
    }

    /// Returns the reasons for the ruling of [`Decision::check`]; see [`Policy::explain`](crate::Policy::explain).
    pub fn explain(&self, permission: PermissionId, resource: Option<&Resource<'_>>) -> Vec<Reason<'g>> {
        check::explain(self.check_context.policy, self.check_context.graph, &self.scene(), permission, resource)
    }

    /// Returns the caller, the context and the time, for checks of the same policy.
    pub fn scene(&self) -> Scene<'_> {
        let CheckContext { policy, context, client, now, .. } = &self.check_context;
        Scene {
            fingerprint: policy.fingerprint,
            user: self.caller.as_ref().map(|caller| SceneUser::Borrowed(&caller.identity)),
            context: context.clone(),
            client: *client,
            now: *now,
        }
    }
}

impl fmt::Debug for Decision<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("verdict", &self.verdict)
            .field("status", &self.status)
            .field("reasons", &self.reasons)
            .field("notes", &self.notes)
            .field("caller", &self.caller)
            .field("headers", &self.headers().collect::<Vec<_>>())
            .field("body", &self.body)
            .field("input", &self.input)
            .field("target", &self.masked_target())
            .field("effects", &self.effects)
            .finish()
    }
}

/// A caller, from a token's claims or from [`Request::user`](crate::Request::user).
#[derive(Clone)]
pub struct Caller<'g, 'r> {
    pub(crate) policy: &'g TypedPolicy,
    pub(crate) identity: Identity<'r>,
}

impl<'g> Caller<'g, '_> {
    /// Returns the caller's id.
    pub fn id(&self) -> &str {
        &self.identity.id
    }

    /// Returns the caller's role names, including names that the policy doesn't declare.
    pub fn roles(&self) -> &[String] {
        &self.identity.role_names
    }

    /// True if the caller has this very role. A role that extends it doesn't count.
    pub fn has_role(&self, role: RoleId) -> bool {
        role.fingerprint == self.policy.fingerprint && self.identity.roles.contains(&role.id)
    }

    /// Returns the caller's tier, if the policy declares it.
    pub fn tier(&self) -> Option<&str> {
        self.identity.tier.as_deref()
    }

    /// Returns the other attributes of the mapping that have a value.
    pub fn attributes(&self) -> Vec<(&'g str, Value)> {
        self.identity.values(self.policy)
    }

    /// Returns the name of the token's kind; `None` if the host has authenticated the caller.
    pub fn token(&self) -> Option<&'g str> {
        self.identity.token.map(|token| self.policy.tokens[token].name.as_str())
    }

    fn into_owned(self) -> Caller<'g, 'static> {
        Caller { policy: self.policy, identity: self.identity.into_owned() }
    }
}

impl fmt::Debug for Caller<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("id", &self.id())
            .field("roles", &self.roles())
            .field("tier", &self.tier())
            .field("token", &self.token())
            .finish_non_exhaustive()
    }
}

/// Compares what is known of the callers.
impl PartialEq for Caller<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        (self.id(), self.roles(), self.tier(), self.token()) == (other.id(), other.roles(), other.tier(), other.token())
            && self.attributes() == other.attributes()
    }
}

/// Compares everything that a host can read.
impl PartialEq for Decision<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        (self.verdict, self.status, &self.body, &self.target)
            == (other.verdict, other.status, &other.body, &other.target)
            && (&self.reasons, &self.notes, &self.effects) == (&other.reasons, &other.notes, &other.effects)
            && (&self.caller, &self.input) == (&other.caller, &other.input)
            && self.headers().eq(other.headers())
            && self.removed_headers().eq(other.removed_headers())
    }
}
