//! Maps whose keys mean something, taken apart key by key. Messages say what belongs where, and never repeat a value,
//! nor a key that a slip may have made of one.

use serde_json::{Map, Value};

/// A map of which every key is known.
#[derive(Debug)]
pub(crate) struct Fields {
    map: Map<String, Value>,
    /// The prefix of keys in messages: `defaults.`
    prefix: &'static str,
}

impl Fields {
    /// `what` says what the map is, as in "a case".
    pub(crate) fn new(
        map: Map<String, Value>,
        what: &str,
        prefix: &'static str,
        known: &[&str],
    ) -> Result<Self, String> {
        match map.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            None => Ok(Self { map, prefix }),
            Some(found) => Err(unknown(found, what, known)),
        }
    }

    /// Any value; `null` counts as absent.
    pub(crate) fn value(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key).filter(|value| !value.is_null())
    }

    pub(crate) fn string(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "must be a string")),
        }
    }

    /// A map, empty where there is none.
    pub(crate) fn map(&mut self, key: &str) -> Result<Map<String, Value>, String> {
        match self.value(key) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(_) => Err(self.wrong(key, "must be a map")),
        }
    }

    /// `true` or `false`, which it is where there is none.
    pub(crate) fn flag(&mut self, key: &str) -> Result<bool, String> {
        match self.value(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(self.wrong(key, "must be `true` or `false`")),
        }
    }

    pub(crate) fn wrong(&self, key: &str, problem: &str) -> String {
        format!("`{}{key}` {problem}", self.prefix)
    }
}

/// The message for a key that means nothing where it stands.
pub(crate) fn unknown((key, value): (&String, &Value), what: &str, known: &[&str]) -> String {
    let known = known.join("`, `");
    match is_legible(key, value) {
        true => format!("unknown key `{key}`: {what} may have `{known}`"),
        false => format!("unknown key (is a space missing after the colon?): {what} may have `{known}`"),
    }
}

/// True if an entry looks like one with a name. `{text:hush}` and `{hush}` are maps too, with secrets for their keys.
pub(crate) fn is_legible(key: &str, value: &Value) -> bool {
    !value.is_null() && is_name(key)
}

/// True if a text is a name of the policy language.
pub(crate) fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.starts_with(|first: char| !first.is_ascii_digit())
}
