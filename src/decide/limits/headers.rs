//! Rate limit headers, for the rate that has the least left.

use http::{HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use crate::limit::RateStatus;
use crate::typed::{Dialects, Limit};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const STANDARD: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A limit, and its rate that has the least left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TightestRate<'p> {
    pub(crate) limit: &'p Limit,
    pub(crate) standing: RateStatus,
}

impl<'p> TightestRate<'p> {
    /// The rate that has less left: the headers describe one rate.
    pub(crate) fn or(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.standing.remaining < self.standing.remaining => other,
            _ => self,
        }
    }
}

/// `X-RateLimit-*`, with the reset in Unix seconds, and the fields of the IETF's
/// draft-ietf-httpapi-ratelimit-headers-10, with it in seconds from now.
pub(crate) fn headers(tightest: TightestRate<'_>, now: Timestamp) -> Vec<(HeaderName, HeaderValue)> {
    let TightestRate { limit, standing: RateStatus { quota, window, remaining, full_after } } = tightest;
    let mut headers = Vec::new();
    if limit.dialects != Dialects::Standard {
        let reset = now.checked_add(SignedDuration::from_micros(full_after)).unwrap_or(Timestamp::MAX);
        let reset_second = reset.as_second() + i64::from(reset.subsec_nanosecond() > 0);
        headers.push((LIMIT, HeaderValue::from(quota)));
        headers.push((REMAINING, HeaderValue::from(remaining)));
        headers.push((RESET, HeaderValue::from(reset_second)));
    }
    if limit.dialects != Dialects::Legacy {
        // A limit's name is an identifier, which needs no escape in a structured field's string (RFC 9651 §3.3.3).
        let policy = format!("\"{}\";q={quota};w={}", limit.name, seconds(window));
        let standard = format!("\"{}\";r={remaining};t={}", limit.name, seconds(full_after));
        let fields = [(POLICY, policy), (STANDARD, standard)];
        headers.extend(fields.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::try_from(value).ok()?))));
    }
    headers
}

/// Whole seconds, rounded up, so that a client which waits so long isn't too early.
pub(crate) fn seconds(microseconds: i64) -> i64 {
    microseconds.max(0).saturating_add(999_999) / 1_000_000
}
