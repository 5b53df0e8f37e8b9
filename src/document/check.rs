//! The documents of a check outside any route, and of its ruling.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Policy;
use crate::decide::{Resource, Ruling, Scene, SceneBuilder};
use crate::document::decision::{PolicyDocument, ReasonDocument};
use crate::document::request::{DocumentError, address, invalid, known, text, timestamp, user};
use crate::model::reason::Reason;
use crate::protocol::facts::Record;
use crate::protocol::request::User;

const KEYS: &[&str] = &["permission", "user", "resource", "context", "peer", "now"];

/// A check of a permission as a document describes it.
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
    /// The attributes of the resource, including its `id`.
    pub resource: Option<Record>,
    /// The attributes that the policy's `context` declares.
    pub context: Option<Record>,
    /// The client's address.
    pub peer: Option<IpAddr>,
    /// The time of the check.
    pub now: Option<Timestamp>,
}

impl CheckDocument {
    /// Returns the scene of the check. `now` is used if the document has none.
    pub fn scene(&self, policy: &Policy, now: Timestamp) -> Scene<'_> {
        self.complete(policy.scene(self.now.unwrap_or(now)))
    }

    pub(crate) fn complete<'a>(&'a self, scene: SceneBuilder<'_, 'a>) -> Scene<'a> {
        let scene = scene.user(self.user.as_ref()).context(self.context.as_ref());
        match self.peer {
            Some(peer) => scene.client(peer).build(),
            None => scene.build(),
        }
    }

    /// Returns the resource of the check.
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

/// A ruling, to be serialised.
#[derive(Debug, Clone, Serialize)]
pub struct RulingDocument<'a> {
    verdict: &'static str,
    reason: Option<ReasonDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<ReasonDocument<'a>>,
    policy: PolicyDocument<'a>,
}

impl<'a> RulingDocument<'a> {
    /// `policy` is the one that made the ruling and gave these reasons.
    pub fn new(ruling: Ruling, reasons: &'a [Reason<'_>], policy: &'a Policy) -> Self {
        let several = if reasons.len() > 1 { reasons } else { &[] };
        Self {
            verdict: ruling.verdict().as_str(),
            reason: reasons.first().map(|reason| ReasonDocument::new(reason, policy)),
            reasons: several.iter().map(|reason| ReasonDocument::new(reason, policy)).collect(),
            policy: PolicyDocument::new(policy),
        }
    }
}
