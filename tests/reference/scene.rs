//! Scenes: a request or a permission check with all its facts. Tests and reports write them as JSON.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use portcullis::User;
use portcullis::facts::Record;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scene {
    /// A permission, or `METHOD PATH`, with a query where there is one.
    pub(crate) ask: String,
    /// The user, in the format of request documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<Record>,
    /// A token of the request, instead of `user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Token>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<Record>,
    /// The resource of a permission check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<Record>,
    /// The resources of a request, by `NAME/ID`; `null` for one that doesn't exist.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) resources: BTreeMap<String, Option<Record>>,
    /// The body of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ip: Option<IpAddr>,
    #[serde(default = "now")]
    now: String,
}

/// A token of a kind that the policy declares, signed with the right key, with these claims of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    pub(crate) kind: String,
    pub(crate) claims: Record,
}

fn now() -> String {
    "2026-11-23T10:00:00Z".to_owned()
}

impl Scene {
    pub(crate) fn read(json: serde_json::Value) -> Self {
        serde_json::from_value(json).unwrap()
    }

    pub(crate) fn user(&self) -> Option<User> {
        let user = self.user.clone()?;
        Some(serde_json::from_value(serde_json::Value::Object(user)).unwrap())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now.parse().unwrap()
    }

    /// The method and the path of a request.
    pub(crate) fn door(&self) -> Option<(&str, &str)> {
        self.ask.split_once(' ')
    }
}

/// The outcome of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Allow,
    /// The permission is denied.
    Deny,
    /// The request is denied with this status.
    Status(u16),
}
