//! A document that asks for a permission, outside any door, and what comes of it.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::document::decision::{PolicyDocument, ReasonDocument};
use crate::document::request::{DocumentError, address, invalid, known, text, timestamp, user};
use crate::{Policy, Reason, Record, Resource, Ruling, Scene, User};

const KEYS: &[&str] = &["permission", "user", "resource", "context", "peer", "now"];

/// A question for a permission as a document describes it.
///
/// ```
/// use portcullis::document::{CheckDocument, Document};
///
/// let document: Document = serde_json::from_str(
///     r#"{ "permission": "posts:delete", "user": { "id": "u1", "roles": ["writer"] }, "resource": { "author": "u1" } }"#,
/// )?;
/// let Document::Check(document) = document else { panic!("it asks for a permission") };
/// assert_eq!(document.permission, "posts:delete");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CheckDocument {
    /// The permission's name.
    pub permission: String,
    /// The caller; `None` for an anonymous one.
    pub user: Option<User>,
    /// The attributes of the thing, `id` among them.
    pub resource: Option<Record>,
    /// The attributes that the policy's `context` declares.
    pub context: Option<Record>,
    /// The client's address.
    pub peer: Option<IpAddr>,
    /// The time of the question, if the document says one.
    pub now: Option<Timestamp>,
}

impl CheckDocument {
    /// The scene that a policy is asked about. `now` stands in where the document itself has none.
    pub fn scene(&self, policy: &Policy, now: Timestamp) -> Scene<'_> {
        policy.scene(self.user.as_ref(), self.context.as_ref(), self.peer, self.now.unwrap_or(now))
    }

    /// The thing that is asked about.
    pub fn resource(&self) -> Option<Resource<'_>> {
        self.resource.as_ref().map(Resource::of)
    }

    pub(crate) fn from_map(mut map: Map<String, Value>) -> Result<Self, DocumentError> {
        known(&map, "a document with `permission`", KEYS)?;
        let mut take = |key: &str| map.shift_remove(key).filter(|value| !value.is_null());
        Ok(Self {
            permission: text("permission", take("permission").ok_or(DocumentError::Missing("permission"))?)?,
            user: take("user").map(user).transpose()?,
            resource: take("resource").map(|value| record("resource", value)).transpose()?,
            context: take("context").map(|value| record("context", value)).transpose()?,
            peer: take("peer").map(|value| address(&value)).transpose()?,
            now: take("now").map(|value| timestamp(&value)).transpose()?,
        })
    }
}

fn record(key: &str, value: Value) -> Result<Record, DocumentError> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(invalid(key, "must be a map of attributes")),
    }
}

/// What came of a question, ready to be serialised.
#[derive(Debug, Clone, Serialize)]
pub struct RulingDocument<'a> {
    verdict: &'static str,
    reason: Option<ReasonDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<ReasonDocument<'a>>,
    policy: PolicyDocument<'a>,
}

impl<'a> RulingDocument<'a> {
    /// `policy` is the one that was asked, and that explained its ruling with these reasons.
    pub fn new(ruling: Ruling, reasons: &'a [Reason<'_>], policy: &'a Policy) -> Self {
        let several = if reasons.len() > 1 { reasons } else { &[] };
        Self {
            verdict: ruling.verdict.as_str(),
            reason: reasons.first().map(|reason| ReasonDocument::new(reason, policy)),
            reasons: several.iter().map(|reason| ReasonDocument::new(reason, policy)).collect(),
            policy: PolicyDocument::new(policy),
        }
    }
}
