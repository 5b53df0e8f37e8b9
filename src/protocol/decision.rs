//! What decisions are made of: the verdict, what to answer, what to hand on, and what to record.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use crate::limit::bucket::BucketState;
use crate::model::mask::Mask;
use crate::protocol::family::FamilyState;
use crate::protocol::params::Params;

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

/// A body to answer with.
#[derive(Clone, PartialEq)]
pub enum Body {
    /// `application/problem+json` (RFC 9457)
    Problem(Problem),
    /// `application/json`
    Json(serde_json::Value),
}

impl fmt::Debug for Body {
    /// Of what the policy itself hands out, the names alone: it hands out tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => f.debug_tuple("Problem").field(problem).finish(),
            Self::Json(body) => {
                let names: Vec<&String> = body.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
                f.debug_tuple("Json").field(&names).finish()
            }
        }
    }
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
    pub(crate) fn into_owned(self) -> Input<'g, 'static> {
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
    /// The request occupies a slot of a limit of `concurrency`, whatever became of it: give the slot back when it is
    /// answered. Where that fails, it is free again after the limit's `timeout`.
    Slot {
        /// Which bucket.
        bucket: String,
        /// Which of its slots ([`Usage::release`](crate::Usage::release)).
        slot: i64,
    },
    /// The new state of a family of refresh tokens. Write it where the stored version is still `read` (0 where none is
    /// stored), before the decision is answered; where it isn't, somebody else was first: discard the decision and decide
    /// again.
    Family {
        /// Which family.
        id: String,
        /// The version that was gone by.
        read: u64,
        /// The state to write.
        state: FamilyState,
        /// When no token of the family holds any more, so that the state may be forgotten.
        expires: Timestamp,
    },
    /// The password holds, and its hash is of an older kind than the policy's `password` asks for: hash it anew, and store
    /// that ([`Policy::hash_password`](crate::Policy::hash_password)).
    Rehash {
        /// The name that was logged in by.
        login: String,
    },
}
