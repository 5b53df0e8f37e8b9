//! Decisions, and permission checks that go on from them.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;

use crate::decide::permissions::check;
use crate::decide::permissions::check::{PermissionId, Ruling};
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

/// A decision. It borrows from the gate that made it (`'g`) and from the request (`'r`), and depends on nothing but these.
///
/// A host that hands the request on before it has done with the decision keeps [`Decision::into_owned`].
#[derive(Clone)]
#[non_exhaustive]
pub struct Decision<'g, 'r> {
    /// The outcome.
    pub verdict: Verdict,
    /// The status to answer; 200 where the request is handed on.
    pub status: StatusCode,
    /// Why: at least one, the one that decided first.
    pub reasons: Reasons<'g>,
    /// Further findings for the log, such as a bad token on a public route.
    pub notes: Vec<Reason<'g>>,
    /// The caller, if the request has one.
    pub user: Option<Caller<'g, 'r>>,
    pub(crate) headers: AnswerHeaders<'g, 'r>,
    /// The headers to drop from the handler's answer.
    pub(crate) removed_headers: &'g [HeaderName],
    /// The body of an answer; for a denial, the problem.
    pub body: Option<Body>,
    /// The validated and normalised input.
    pub input: Input<'g, 'r>,
    /// The canonical target, the only one to forward: what was matched is what is served.
    pub target: Option<Cow<'r, str>>,
    /// True if the target's query may have secrets.
    pub(crate) secret_query: bool,
    /// The changes that the host must record.
    pub effects: Vec<Effect>,
    pub(crate) check_context: CheckContext<'g, 'r>,
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

impl<'g> Decision<'g, '_> {
    /// The same decision, which borrows nothing from the request any more: for hosts that hand the request on, and still
    /// need what was decided when the handler's answer is there.
    ///
    /// ```
    /// use portcullis::{Decision, AttributeSet, Gate, Keys, Policy, Request, Scheme, Source, Verdict};
    ///
    /// fn decide(gate: &Gate, request: http::Request<Vec<u8>>) -> (Decision<'_, 'static>, http::Request<Vec<u8>>) {
    ///     let facts = AttributeSet::default();
    ///     let decision = gate.decide(&Request {
    ///         method: request.method(),
    ///         target: request.uri().path_and_query().map_or("/", |target| target.as_str()),
    ///         scheme: Scheme::Https,
    ///         host: None,
    ///         headers: request.headers(),
    ///         peer: None,
    ///         body: Some(request.body()),
    ///         now: jiff::Timestamp::UNIX_EPOCH,
    ///         entropy: None,
    ///         user: None,
    ///         facts: &facts,
    ///     });
    ///     (decision.into_owned(), request)
    /// }
    ///
    /// let source = Source::new("p.gate", "policy p\nroutes / { GET /posts/{id} public }");
    /// let gate = Policy::compile(&[source]).expect("it is well-formed").bind(&Keys::new()).expect("it has no secrets");
    /// let request = http::Request::get("/posts/42").body(Vec::new()).expect("it is a request");
    /// let (decision, _handed_on) = decide(&gate, request);
    /// assert_eq!(decision.verdict, Verdict::Allow);
    /// assert_eq!(decision.input.params.get("id"), Some("42"));
    /// ```
    pub fn into_owned(self) -> Decision<'g, 'static> {
        Decision {
            verdict: self.verdict,
            status: self.status,
            reasons: self.reasons,
            notes: self.notes,
            user: self.user.map(Caller::into_owned),
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

    /// Checks another permission of the same caller in the same context, for resources that only the handler knows. The
    /// request itself is *unknown* to these rules.
    ///
    /// ```
    /// use portcullis::{AttributeSet, Keys, Policy, Request, Resource, Scheme, Source, User};
    ///
    /// let text = "policy p\nresource posts { actions edit  author: string }\nallow posts:edit when resource.author == user.id\n\
    ///             token t { algorithm HS256 key K }\nsecret K\nuser from t { id = claims.sub }\nroutes / { GET /mine authenticated }";
    /// # let text = text.replace("key K }", "key K  claims { sub: string } }");
    /// let policy = Policy::compile(&[Source::new("p.gate", text)]).expect("it is well-formed");
    /// let edit = policy.permission("posts:edit").expect("it is declared");
    /// let gate = policy.bind(&Keys::new().with_secret("K", *b"a key for this example: 32 bytes")).expect("it has its key");
    /// let (mia, facts) = (User { id: "mia".to_owned(), ..User::default() }, AttributeSet::default());
    /// let headers = http::HeaderMap::new();
    /// let decision = gate.decide(&Request {
    ///     method: &http::Method::GET,
    ///     target: "/mine",
    ///     scheme: Scheme::Https,
    ///     host: None,
    ///     headers: &headers,
    ///     peer: None,
    ///     body: Some(b""),
    ///     now: jiff::Timestamp::UNIX_EPOCH,
    ///     entropy: None,
    ///     user: Some(&mia),
    ///     facts: &facts,
    /// });
    /// let post = serde_json::json!({ "author": "mia" });
    /// let post = Resource::of(post.as_object().expect("it is a map"));
    /// assert!(decision.check(edit, Some(&post)).is_allowed());
    /// ```
    pub fn check(&self, permission: PermissionId, resource: Option<&Resource<'_>>) -> Ruling {
        self.check_all(&[permission], resource)
    }

    /// Checks that the same caller has one of these permissions; see [`Decision::check`].
    pub fn check_any(&self, permissions: &[PermissionId], resource: Option<&Resource<'_>>) -> Ruling {
        check::any(self.check_context.policy, self.check_context.graph, &self.scene(), permissions, resource)
    }

    /// Checks that the same caller has all of these permissions; see [`Decision::check`]. An empty list is denied.
    pub fn check_all(&self, permissions: &[PermissionId], resource: Option<&Resource<'_>>) -> Ruling {
        check::all(self.check_context.policy, self.check_context.graph, &self.scene(), permissions, resource)
    }

    /// The caller and the context, for further questions to the same policy.
    pub fn scene(&self) -> Scene<'_> {
        let CheckContext { policy, context, client, now, .. } = &self.check_context;
        Scene {
            fingerprint: policy.fingerprint,
            user: self.user.as_ref().map(|user| SceneUser::Borrowed(&user.identity)),
            context: context.clone(),
            client: *client,
            now: *now,
        }
    }

    /// The headers of the answer, whoever writes it: they go out with the handler's answer too. A header that was made
    /// for this answer replaces the policy's of the same name. `Vary` is added to the handler's, the others replace them.
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.headers.iter()
    }

    /// The target, fit for logs: without its query where the query's schema has secret fields.
    pub fn masked_target(&self) -> Option<Cow<'_, str>> {
        let target = self.target.as_deref()?;
        match target.split_once('?') {
            Some((path, _)) if self.secret_query => Some(Cow::Owned(format!("{path}?{SECRET}"))),
            _ => Some(Cow::Borrowed(target)),
        }
    }

    /// The headers to drop from a handler's answer, before those of [`Decision::headers`] are set.
    pub fn removed_headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.removed_headers.iter()
    }

    /// The problem of a denial.
    pub fn problem(&self) -> Option<&Problem> {
        match &self.body {
            Some(Body::Problem(problem)) => Some(problem),
            Some(Body::Json(_)) | None => None,
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
            .field("user", &self.user)
            .field("headers", &self.headers().collect::<Vec<_>>())
            .field("body", &self.body)
            .field("input", &self.input)
            .field("target", &self.masked_target())
            .field("effects", &self.effects)
            .finish()
    }
}

/// A caller, made from a token or vouched for by the host.
#[derive(Clone)]
pub struct Caller<'g, 'r> {
    pub(crate) policy: &'g TypedPolicy,
    pub(crate) identity: Identity<'r>,
}

impl<'g> Caller<'g, '_> {
    /// The caller's id.
    pub fn id(&self) -> &str {
        &self.identity.id
    }

    /// The role names that came with them, unknown ones included.
    pub fn roles(&self) -> &[String] {
        &self.identity.role_names
    }

    /// A tier that the policy knows.
    pub fn tier(&self) -> Option<&str> {
        self.identity.tier.as_deref()
    }

    /// The other attributes of the mapping that have a value.
    pub fn attributes(&self) -> Vec<(&'g str, Value)> {
        self.identity.values(self.policy)
    }

    /// The name of the token that made the caller; `None` where the host vouched for them.
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

impl PartialEq for Caller<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        (self.id(), self.roles(), self.tier(), self.token()) == (other.id(), other.roles(), other.tier(), other.token())
            && self.attributes() == other.attributes()
    }
}

/// Compares the public parts.
impl PartialEq for Decision<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        (self.verdict, self.status, &self.body, &self.target)
            == (other.verdict, other.status, &other.body, &other.target)
            && (&self.reasons, &self.notes, &self.effects) == (&other.reasons, &other.notes, &other.effects)
            && (&self.user, &self.input) == (&other.user, &other.input)
            && self.headers().eq(other.headers())
            && self.removed_headers().eq(other.removed_headers())
    }
}
