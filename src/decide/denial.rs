//! The reason to deny a request.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};

use crate::model::headers::Header;
use crate::model::reason::{Code, Stage};
use crate::model::source::Span;
use crate::schemas::violation::Violations;

/// A reason to deny a request, or a note beside a decision.
#[derive(Debug, Clone)]
pub(crate) struct Denial {
    pub(crate) code: Code,
    pub(crate) stage: Stage,
    pub(crate) message: Cow<'static, str>,
    pub(crate) span: Option<Span>,
    pub(crate) headers: Cow<'static, [Header]>,
    pub(crate) violations: Option<Box<Violations>>,
    /// The problem's detail, in place of the code's text.
    pub(crate) detail: Option<Box<str>>,
}

impl Denial {
    pub(crate) fn new(code: Code, stage: Stage, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            stage,
            message: message.into(),
            span: None,
            headers: Cow::Borrowed(&[]),
            violations: None,
            detail: None,
        }
    }

    pub(crate) fn at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }

    pub(crate) fn into_message(self) -> Cow<'static, str> {
        self.message
    }

    pub(crate) fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { headers: Cow::Owned(vec![(name, value)]), ..self }
    }
}
