//! YAML, the one module that knows which crate reads and writes it.
//!
//! YAML 1.2 alone: `no` is a string, a time is a string, `0755` and `1_000` are strings. Aliases are followed, but what
//! they unfold to counts against the same budgets as if it had been written out.

use serde::Serialize;
use serde::de::DeserializeSeed;
use serde_yaml::Error;
use serde_yaml::options::DuplicateKeyPolicy;

/// The deepest that maps and lists may nest. Reading recurses, and takes about 16 KiB of stack a level at worst.
const MAX_DEPTH: usize = 64;
/// The most scalars, maps and lists of one document.
const MAX_NODES: usize = 1_000_000;

/// Reads one document.
pub(crate) fn parse<'de, T: DeserializeSeed<'de>>(text: &'de str, seed: T) -> Result<T::Value, String> {
    let budget = serde_yaml::budget! {
        max_depth: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
        max_nodes: MAX_NODES,
        max_events: 3 * MAX_NODES,
        max_documents: 1,
    };
    let options = serde_yaml::options! {
        budget: budget,
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        // A snippet would show lines of key rings.
        with_snippet: false,
    };
    serde_yaml::with_deserializer_from_str_with_options(text, options, |deserializer| seed.deserialize(deserializer))
        .map_err(|error| match &error {
            // Its own message speaks to whoever sets the options.
            Error::DuplicateMappingKey { key, location } => {
                let key = key.as_deref().unwrap_or("null");
                format!("the key `{key}` stands twice at line {}, column {}", location.line(), location.column())
            }
            error => error.to_string(),
        })
}

/// Writes one document.
pub(crate) fn to_string(value: &impl Serialize) -> Result<String, String> {
    serde_yaml::to_string(value).map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::to_string;
    use crate::documents::parse_yaml;

    #[test]
    fn what_is_written_is_read() {
        for value in [
            json!({ "a": ["no", "yes", "true", "null", "~", "", " ", "1", "0755", "1_000", "0x1f", "1e3", ".inf"] }),
            json!(["2026-11-23T10:00:00Z", "- a", "a: b", "a #b", "*", "&a", "!t", "%", "@", "`", "'", "\"", "\\"]),
            json!(["a\nb", "a\n", "\n", "\t", "\r", "\u{1b}", "\u{85}", "é", "{", "[", "<<", "---", "..."]),
            json!([u64::MAX, i64::MIN, 1.5, 1e300, true, null, {}, [], { "": {} }, { "no": [[]] }]),
            json!({ "true": 1, "404": 2, "x-y": "a".repeat(5_000), "words": "many words ".repeat(500) }),
        ] {
            let text = to_string(&value).unwrap();
            assert_eq!(parse_yaml(&text).unwrap(), value, "{text}");
        }
    }
}
