//! The headers of an answer. Headers that the policy fixes are borrowed from it.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, header};

/// A header and its value.
pub(crate) type Header = (HeaderName, HeaderValue);

/// The headers of every problem.
pub(crate) static PROBLEM: [Header; 1] = [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];

static ALLOW_ORIGIN: HeaderName = header::ACCESS_CONTROL_ALLOW_ORIGIN;

/// All headers of an answer.
#[derive(Clone, PartialEq)]
pub(crate) struct AnswerHeaders<'g, 'r> {
    /// The policy's headers of every answer. `limits`, `fixed` and `made` replace those of the same name.
    pub(crate) policy: &'g [Header],
    /// The state of a limit.
    pub(crate) limits: Vec<Header>,
    /// Headers of every answer of this kind.
    pub(crate) fixed: &'g [Header],
    /// Headers of this answer only.
    pub(crate) made: Cow<'g, [Header]>,
    /// The CORS headers; `Vary` is the first, if present.
    pub(crate) cors: &'g [Header],
    /// The request's origin, if the policy names it.
    pub(crate) origin: Option<Cow<'r, HeaderValue>>,
}

impl<'g> AnswerHeaders<'g, '_> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let own = || self.limits.iter().chain(self.fixed).chain(&*self.made);
        let policy = self.policy.iter().filter(move |(name, _)| !own().any(|(known, _)| known == name));
        let (vary, cors) = self.cors.split_at_checked(1).unwrap_or_default();
        let origin = self.origin.as_deref().map(|origin| (&ALLOW_ORIGIN, origin));
        policy.chain(own()).chain(vary).map(pair).chain(origin).chain(cors.iter().map(pair))
    }

    pub(crate) fn into_owned(self) -> AnswerHeaders<'g, 'static> {
        AnswerHeaders {
            policy: self.policy,
            limits: self.limits,
            fixed: self.fixed,
            made: self.made,
            cors: self.cors,
            origin: self.origin.map(|origin| Cow::Owned(origin.into_owned())),
        }
    }
}

fn pair((name, value): &Header) -> (&HeaderName, &HeaderValue) {
    (name, value)
}
