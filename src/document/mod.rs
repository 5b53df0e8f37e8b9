//! The documents that a request comes in as and a decision goes out as, for programs, logs and test suites.
//!
//! In comes what serde reads (JSON, YAML), out go types that borrow from it or from a decision. Nothing here reads
//! a file or a clock: what a document leaves out, the host supplies.

pub(crate) mod check;
pub(crate) mod decision;
pub(crate) mod facts;
pub(crate) mod request;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

pub use crate::document::check::{CheckDocument, RulingDocument};
pub use crate::document::decision::DecisionDocument;
pub use crate::document::facts::facts;
pub use crate::document::request::{DocumentError, RequestDocument};

/// A document that somebody asks with.
#[derive(Debug, Clone)]
pub enum Document {
    /// A request: `method` and `url`.
    Request(Box<RequestDocument>),
    /// A permission, outside any door: `permission`.
    Check(Box<CheckDocument>),
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Value::Object(map) = Value::deserialize(deserializer)? else {
            return Err(D::Error::custom(DocumentError::NotAMap));
        };
        let read = if map.contains_key("permission") {
            CheckDocument::from_map(map).map(|check| Self::Check(Box::new(check)))
        } else {
            RequestDocument::from_map(map).map(|request| Self::Request(Box::new(request)))
        };
        read.map_err(D::Error::custom)
    }
}
