//! The parts of a decision: the verdict, the body, the input and the effects.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use crate::limit::bucket::BucketState;
use crate::model::mask::Mask;
use crate::protocol::family::FamilyState;
use crate::protocol::params::Params;

/// The action that a decision asks the host to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Forward the request to its handler.
    Allow,
    /// Answer with the decision's status, headers and problem.
    Deny,
    /// Answer with the decision's status, headers and body: the policy itself has served the request.
    Answer,
}

impl Verdict {
    /// Returns the name in decision documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Answer => "answer",
        }
    }
}

/// The body of an answer.
#[derive(Clone, PartialEq)]
pub enum Body {
    /// `application/problem+json` (RFC 9457)
    Problem(Problem),
    /// `application/json`
    Json(serde_json::Value),
}

impl fmt::Debug for Body {
    /// Prints only the names of JSON members: their values may be tokens.
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
    /// The URI of the kind of problem.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name of the status.
    pub title: &'static str,
    /// The status.
    #[serde(serialize_with = "status_number")]
    pub status: StatusCode,
    /// A text for the client.
    pub detail: Cow<'static, str>,
    /// The stable code of the reason.
    pub code: &'static str,
    /// The violations of the input's schemas, at most 32.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Violation>,
    /// True if there are more violations than `errors` lists.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

fn status_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// A violation of a schema. It never contains the offending value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Violation {
    /// The position, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// A stable code, such as `too_short`.
    pub code: &'static str,
    /// A text for the client.
    pub message: String,
}

/// The validated and normalised input.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Input<'g, 'r> {
    /// Path parameters, decoded.
    pub params: Params<'g, 'r>,
    /// The query, with its schema's types and transforms; `None` if the route has no schema for it.
    pub query: Option<serde_json::Value>,
    /// The body, with its schema's transforms; `None` if the route has no schema for it.
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

    /// Returns the body for logs, with its secret fields masked.
    pub fn masked_body(&self) -> Option<serde_json::Value> {
        masked(self.body.as_ref(), &self.body_secrets)
    }

    /// Returns the query for logs, with its secret fields masked.
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

/// A change that the host must write for the decision to take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The new state of a limit's bucket. Write it if the stored version is still `read` (0 if none is stored). Otherwise
    /// another request came first: discard an `Allow`, and decide again.
    Bucket {
        /// The bucket's id.
        id: String,
        /// The version that the charge was made from.
        read: u64,
        /// The state to write.
        state: BucketState,
        /// The time from which the state has no effect and can be deleted.
        expires: Timestamp,
    },
    /// A slot of a `concurrency` limit that the request occupies, even if it is denied. Release it when the request is
    /// answered; otherwise it is free again after the limit's `timeout`.
    Slot {
        /// The bucket's id.
        bucket: String,
        /// The slot, for [`Usage::release`](crate::limit::Usage::release).
        slot: i64,
    },
    /// The new state of a family of refresh tokens. Write it before the answer is sent, if the stored version is still `read`
    /// (0 if none is stored). Otherwise another request came first: discard the decision, and decide again.
    Family {
        /// The family's id.
        id: String,
        /// The version that the decision was made from.
        read: u64,
        /// The state to write.
        state: FamilyState,
        /// The time when the family expires and its state can be deleted.
        expires: Timestamp,
    },
    /// The stored hash of a password that matched is weaker than the policy's `password` block asks for. Store a new hash
    /// ([`Policy::hash_password`](crate::Policy::hash_password)).
    Rehash {
        /// The name that the client has logged in with.
        login: String,
    },
}
