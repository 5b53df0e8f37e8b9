//! The facts of a request document.

use serde_json::{Map, Value};

use crate::document::request::{DocumentError, invalid, known, text};
use crate::keys::KeySet;
use crate::protocol::account::{Account, TokenFact};
use crate::protocol::facts::Facts;

/// The keys of `facts`.
const KEYS: &[&str] = &["resources", "context", "account", "buckets", "tokens", "keys"];

/// Reads facts from a map as a request document has it under `facts`.
///
/// # Errors
///
/// A key is unknown, or its value is malformed.
///
/// ```
/// let facts = portcullis::document::facts(serde_json::json!({ "resources": { "posts/42": { "author": "mia" } } }))?;
/// assert!(facts.resource("posts", "42").value().is_some_and(|post| post.contains_key("author")));
/// # Ok::<(), portcullis::document::DocumentError>(())
/// ```
pub fn facts(value: Value) -> Result<Facts, DocumentError> {
    let Value::Object(map) = value else {
        return Err(invalid("facts", "must be a map"));
    };
    known(&map, "`facts`", KEYS)?;
    map.into_iter().try_fold(Facts::new(), |facts, (key, value)| match (key.as_str(), value) {
        // `null` states that there is no account; a missing key states nothing.
        ("account", Value::Null) => Ok(facts.with_account(None)),
        (_, Value::Null) => Ok(facts),
        ("buckets", Value::Object(states)) => states.into_iter().try_fold(facts, bucket),
        ("resources", Value::Object(resources)) => resources.into_iter().try_fold(facts, resource),
        ("context", Value::Object(context)) => Ok(facts.with_context(context)),
        ("account", Value::Object(attributes)) => Ok(facts.with_account(Some(account(attributes)?))),
        ("tokens", Value::Object(tokens)) => (1..).zip(tokens).try_fold(facts, token),
        ("keys", Value::Object(sets)) => sets.into_iter().try_fold(facts, key_set),
        (key, _) => Err(invalid(format!("facts.{key}"), "must be a map or null")),
    })
}

fn resource(facts: Facts, (name, value): (String, Value)) -> Result<Facts, DocumentError> {
    let attributes = match value {
        Value::Null => None,
        Value::Object(attributes) => Some(attributes),
        _ => {
            let problem = "must be a map of attributes, or null where there is none";
            return Err(invalid(format!("facts.resources.{name}"), problem));
        }
    };
    Ok(match name.split_once('/') {
        Some((kind, id)) => facts.with_resource(kind, id, attributes),
        // It names no resource of any policy.
        None => facts,
    })
}

fn bucket(facts: Facts, (id, value): (String, Value)) -> Result<Facts, DocumentError> {
    match serde_json::from_value(value) {
        Ok(state) => Ok(facts.with_bucket(id, state)),
        Err(_) => {
            let problem = "must be the `state` that an earlier decision's effects gave";
            Err(invalid(format!("facts.buckets.{id}"), problem))
        }
    }
}

fn account(mut attributes: Map<String, Value>) -> Result<Account, DocumentError> {
    let hash = attributes.shift_remove("password_hash").filter(|hash| !hash.is_null());
    let hash = hash.map(|hash| text("facts.account.password_hash", hash)).transpose()?;
    if hash.as_deref().is_some_and(ends_early) {
        return Err(invalid("facts.account.password_hash", "ends too early: quote it, as it holds commas"));
    }
    let account = Account::new(attributes);
    Ok(match hash {
        Some(hash) => account.with_password_hash(hash),
        None => account,
    })
}

/// True if a hash in the PHC string format lacks its last parts, as it does in YAML that takes its commas as separators.
fn ends_early(hash: &str) -> bool {
    let parts = hash.split('$').count();
    hash.starts_with("$argon2") && parts < 6 || hash.starts_with("$scrypt") && parts < 5
}

/// Reads the claims of an opaque token, or the state of a `single_use` token's family. Their ids have different forms, so
/// that neither can be mistaken for the other.
fn token(facts: Facts, (number, (id, value)): (usize, (String, Value))) -> Result<Facts, DocumentError> {
    let fact = match value {
        Value::Null => None,
        Value::Object(claims) if id.starts_with("sha256:") => Some(TokenFact::Claims(claims)),
        state => Some(TokenFact::Family(serde_json::from_value(state).map_err(|_| {
            // The id isn't repeated: it may be a token in the place of its digest.
            invalid(
                "facts.tokens",
                format!(
                    "entry {number} must be the `state` that an earlier decision's effects gave of the family, or \
                     null; the claims of an opaque token stand under `sha256:` and its digest"
                ),
            )
        })?)),
    };
    Ok(facts.with_token(id, fact))
}

fn key_set(facts: Facts, (name, value): (String, Value)) -> Result<Facts, DocumentError> {
    let key = || format!("facts.keys.{name}");
    let text = serde_json::to_vec(&value).map_err(|error| invalid(key(), error.to_string()))?;
    let set = KeySet::parse(&text).map_err(|error| invalid(key(), error.to_string()))?;
    Ok(facts.with_key_set(name, set))
}
