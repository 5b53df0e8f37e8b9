//! The headers of an answer: what the policy says of every answer is borrowed from it, and only what was made for this one
//! is owned.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, header};

/// A header and its value.
pub(crate) type Header = (HeaderName, HeaderValue);

/// What every problem's answer has.
pub(crate) static PROBLEM: [Header; 1] = [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];

static ALLOW_ORIGIN: HeaderName = header::ACCESS_CONTROL_ALLOW_ORIGIN;

/// All headers of an answer.
#[derive(Clone, PartialEq)]
pub(crate) struct AnswerHeaders<'g, 'r> {
    /// The policy's own, which go out with every answer unless `fixed` or `made` has one of the same name.
    pub(crate) policy: &'g [Header],
    /// How a limit stands.
    pub(crate) limits: Vec<Header>,
    /// What answers of this kind have.
    pub(crate) fixed: &'g [Header],
    /// What this answer alone has.
    pub(crate) made: Cow<'g, [Header]>,
    /// What CORS says, `Vary` first where there is one.
    pub(crate) cors: &'g [Header],
    /// The request's own origin, where the policy names it.
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
