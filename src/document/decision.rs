//! A decision document: a decision in, keys in a fixed order out.
//!
//! Secret fields of the input are masked on the way. What it says of buckets is what the next request document takes.

use std::borrow::Cow;

use http::HeaderName;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::Policy;
use crate::decide::{Caller, Decision};
use crate::limit::bucket::BucketState;
use crate::model::reason::Reason;
use crate::protocol::decision::{Body, Effect, Problem};
use crate::protocol::family::FamilyState;

/// A decision, ready to be serialised.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionDocument<'a> {
    verdict: &'static str,
    status: u16,
    reason: Option<ReasonDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<ReasonDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<ReasonDocument<'a>>,
    user: Option<CallerDocument<'a>>,
    headers: Vec<(&'a str, Cow<'a, str>)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remove_headers: Vec<&'a str>,
    problem: Option<&'a Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a serde_json::Value>,
    input: InputDocument<'a>,
    target: Option<Cow<'a, str>>,
    effects: Vec<EffectDocument<'a>>,
    policy: PolicyDocument<'a>,
}

impl<'a> DecisionDocument<'a> {
    /// `policy` is the one that decided: it knows its name, and where the reasons stand.
    pub fn new(decision: &'a Decision<'_, '_>, policy: &'a Policy) -> Self {
        let explained = |reasons: &'a [Reason<'_>]| -> Vec<_> {
            reasons.iter().map(|reason| ReasonDocument::new(reason, policy)).collect()
        };
        let several = if decision.reasons.len() > 1 { &*decision.reasons } else { &[] };
        Self {
            verdict: decision.verdict.as_str(),
            status: decision.status.as_u16(),
            reason: decision.reasons.first().map(|reason| ReasonDocument::new(reason, policy)),
            reasons: explained(several),
            notes: explained(&decision.notes),
            user: decision.caller().map(CallerDocument),
            headers: decision
                .headers()
                .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
                .collect(),
            remove_headers: decision.removed_headers().map(HeaderName::as_str).collect(),
            problem: decision.problem(),
            body: match &decision.body {
                Some(Body::Json(body)) => Some(body),
                Some(Body::Problem(_)) | None => None,
            },
            input: InputDocument {
                body: decision.input.masked_body(),
                query: decision.input.masked_query(),
                params: Pairs(decision.input.params.iter().collect()),
            },
            target: decision.masked_target(),
            effects: decision.effects.iter().map(EffectDocument::new).collect(),
            policy: PolicyDocument::new(policy),
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReasonDocument<'a> {
    code: &'static str,
    stage: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

impl<'a> ReasonDocument<'a> {
    pub(crate) fn new(reason: &'a Reason<'_>, policy: &Policy) -> Self {
        Self {
            code: reason.code.as_str(),
            stage: reason.stage.as_str(),
            message: &reason.message,
            at: reason.span.map(|span| policy.locate(span)),
        }
    }
}

/// The caller as one map: `id`, `roles`, `tier` and the policy's own attributes side by side, as in a request
/// document.
#[derive(Debug, Clone)]
struct CallerDocument<'a>(&'a Caller<'a, 'a>);

impl Serialize for CallerDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(caller) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", caller.id())?;
        map.serialize_entry("roles", caller.roles())?;
        if let Some(tier) = caller.tier() {
            map.serialize_entry("tier", tier)?;
        }
        for (name, value) in caller.attributes() {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

#[derive(Debug, Clone, Serialize)]
struct InputDocument<'a> {
    body: Option<serde_json::Value>,
    query: Option<serde_json::Value>,
    params: Pairs<'a>,
}

/// A map that keeps its order.
#[derive(Debug, Clone)]
struct Pairs<'a>(Vec<(&'a str, &'a str)>);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum EffectDocument<'a> {
    Bucket { id: &'a str, read: u64, state: &'a BucketState, expires: String },
    Slot { bucket: &'a str, slot: i64 },
    Family { id: &'a str, read: u64, state: &'a FamilyState, expires: String },
    Rehash { login: &'a str },
}

impl<'a> EffectDocument<'a> {
    fn new(effect: &'a Effect) -> Self {
        match effect {
            Effect::Bucket { id, read, state, expires } => {
                Self::Bucket { id, read: *read, state, expires: expires.to_string() }
            }
            Effect::Slot { bucket, slot } => Self::Slot { bucket, slot: *slot },
            Effect::Family { id, read, state, expires } => {
                Self::Family { id, read: *read, state, expires: expires.to_string() }
            }
            Effect::Rehash { login } => Self::Rehash { login },
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct PolicyDocument<'a> {
    name: &'a str,
    digest: &'a str,
}

impl<'a> PolicyDocument<'a> {
    pub(crate) fn new(policy: &'a Policy) -> Self {
        Self { name: policy.name(), digest: policy.digest() }
    }
}
