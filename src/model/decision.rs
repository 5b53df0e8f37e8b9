//! What comes out: the verdict, what to answer, what to hand on, and what to record.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::Serialize;

use super::bucket::BucketState;
use super::headers::AnswerHeaders;
use super::mask::{Mask, SECRET};
use super::params::Params;
use super::reason::{Reason, Reasons};
use super::value::Value;

/// What to do with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Hand it on.
    Allow,
    /// Answer it with the decision's status, headers and problem.
    Deny,
    /// Answer it with the decision's status, headers and body: the policy has served it.
    Answer,
}

impl Verdict {
    /// The name in decision documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Answer => "answer",
        }
    }
}

/// A decision. It borrows from the gate that made it (`'g`) and from the request (`'r`), and depends on nothing but these.
///
/// A host that hands the request on before it has done with the decision keeps [`Decision::into_owned`].
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Decision<'g, 'r> {
    /// What to do with the request.
    pub verdict: Verdict,
    /// The status to answer; 200 where the request is handed on.
    pub status: StatusCode,
    /// Why: at least one, the one that decided first.
    pub reasons: Reasons<'g>,
    /// What else is worth knowing, such as a bad token on a public route.
    pub notes: Vec<Reason<'g>>,
    /// Who is calling, where somebody is.
    pub user: Option<Caller<'g, 'r>>,
    pub(crate) headers: AnswerHeaders<'g, 'r>,
    /// What the handler's answer mustn't have.
    pub(crate) removed_headers: &'g [HeaderName],
    /// The body of an answer; for a denial, the problem.
    pub body: Option<Body>,
    /// The validated and normalised input.
    pub input: Input<'g, 'r>,
    /// The canonical target, the only one to forward: what was matched is what is served.
    pub target: Option<Cow<'r, str>>,
    /// Whether the target's query may hold secrets.
    pub(crate) secret_query: bool,
    /// What the host must record.
    pub effects: Vec<Effect>,
}

impl<'g> Decision<'g, '_> {
    /// The same decision, which borrows nothing from the request any more: for hosts that hand the request on, and still
    /// need what was decided when the handler's answer is there.
    ///
    /// ```
    /// use portcullis::{Decision, Facts, Gate, Keys, Policy, Request, Scheme, Source, Verdict};
    ///
    /// fn decide(gate: &Gate, request: http::Request<Vec<u8>>) -> (Decision<'_, 'static>, http::Request<Vec<u8>>) {
    ///     let facts = Facts::default();
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
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Caller<'g, 'r> {
    /// Who it is.
    pub id: Cow<'r, str>,
    /// The role names that came with them, unknown ones included.
    pub roles: Cow<'r, [String]>,
    /// A tier that the policy knows.
    pub tier: Option<Cow<'r, str>>,
    /// The other attributes of the mapping that have a value.
    pub attributes: Vec<(&'g str, Value)>,
    /// The name of the token that made the caller; `None` where the host vouched for them.
    pub token: Option<&'g str>,
}

impl<'g> Caller<'g, '_> {
    fn into_owned(self) -> Caller<'g, 'static> {
        Caller {
            id: Cow::Owned(self.id.into_owned()),
            roles: Cow::Owned(self.roles.into_owned()),
            tier: self.tier.map(|tier| Cow::Owned(tier.into_owned())),
            attributes: self.attributes,
            token: self.token,
        }
    }
}

/// A body to answer with.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// `application/problem+json` (RFC 9457)
    Problem(Problem),
    /// `application/json`
    Json(serde_json::Value),
}

/// A problem document (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Identifies the kind of problem.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The status in figures.
    #[serde(serialize_with = "status_number")]
    pub status: StatusCode,
    /// What went wrong, for whoever reads it.
    pub detail: Cow<'static, str>,
    /// The reason's stable code.
    pub code: &'static str,
    /// What is wrong with the input: all of it, up to a cap.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Violation>,
    /// Whether more was wrong than `errors` holds.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

fn status_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// One thing that is wrong with the input. The offending value is never echoed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Violation {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// A stable code, such as `too_short`.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

/// The validated and normalised input.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Input<'g, 'r> {
    /// Path parameters, decoded.
    pub params: Params<'g, 'r>,
    /// The query, of its schema's types and after its transforms; `None` where no schema spoke of it.
    pub query: Option<serde_json::Value>,
    /// The body after its schema's transforms; `None` where no schema spoke of it.
    pub body: Option<serde_json::Value>,
    pub(crate) query_secrets: Mask,
    pub(crate) body_secrets: Mask,
}

impl<'g> Input<'g, '_> {
    fn into_owned(self) -> Input<'g, 'static> {
        Input {
            params: self.params.into_owned(),
            query: self.query,
            body: self.body,
            query_secrets: self.query_secrets,
            body_secrets: self.body_secrets,
        }
    }

    /// The body with its secret fields masked, fit for logs.
    pub fn masked_body(&self) -> Option<serde_json::Value> {
        masked(self.body.as_ref(), &self.body_secrets)
    }

    /// The query with its secret fields masked, fit for logs.
    pub fn masked_query(&self) -> Option<serde_json::Value> {
        masked(self.query.as_ref(), &self.query_secrets)
    }
}

impl fmt::Debug for Input<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("params", &self.params)
            .field("query", &self.masked_query())
            .field("body", &self.masked_body())
            .finish_non_exhaustive()
    }
}

fn masked(value: Option<&serde_json::Value>, secrets: &Mask) -> Option<serde_json::Value> {
    let mut value = value.cloned()?;
    secrets.apply(&mut value);
    Some(value)
}

/// Something that the host must record for the decision to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The new state of a limit's bucket. Write it where the stored version is still `read` (0 where none is
    /// stored); where it isn't, another request came first: discard an `Allow` and decide again.
    Bucket {
        /// Which bucket.
        id: String,
        /// The version that the charge was made on.
        read: u64,
        /// The state to write.
        state: BucketState,
        /// When the state stops mattering and may be forgotten.
        expires: Timestamp,
    },
}
