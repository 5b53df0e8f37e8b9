//! YAML, the one module that knows which crate reads and writes it.
//!
//! YAML 1.2 alone: `no` is a string, a time is a string, `0755` and `1_000` are strings. Aliases are followed, but what
//! they unfold to counts against the same budgets as if it had been written out.

use serde::Serialize;
use serde::de::DeserializeSeed;
use serde_yaml::Error;
use serde_yaml::budget::BudgetBreach;
use serde_yaml::options::DuplicateKeyPolicy;

use crate::documents::Problem;

/// The deepest that maps and lists may nest. Reading recurses, and takes about 16 KiB of stack a level at worst.
const MAX_DEPTH: usize = 64;
/// The most scalars, maps and lists of one document.
const MAX_NODES: usize = 1_000_000;

/// Reads one document.
pub(crate) fn parse<'de, T: DeserializeSeed<'de>>(text: &'de str, seed: T) -> Result<T::Value, Problem> {
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
        .map_err(|error| problem(&error))
}

/// The crate's own messages speak to programmers, and repeat tags, keys and characters that may be of a secret.
fn problem(error: &Error) -> Problem {
    let what = match error {
        Error::AliasError { error, .. } => return problem(error),
        Error::DuplicateMappingKey { .. } => "a key stands twice",
        Error::UnsupportedTag { .. } => "has a tag, which means nothing here: quote text that begins with `!`",
        Error::UnknownAnchor { .. } => "has an alias for nothing: quote text that begins with `*`",
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } | Error::MultipleDocuments { .. } => {
            "holds more than one document"
        }
        Error::Budget { .. } => "nests too deeply, or holds too much",
        Error::NonFiniteFloat { .. } => "a number must be finite",
        Error::Unexpected { .. } => "has a list or a map where a key belongs",
        Error::Eof { .. } => "ends too early",
        Error::ExternalMessage { msg, .. } => slip(msg),
        _ => NOT_YAML,
    };
    Problem::new(what, error.location().map(|at| (at.line(), at.column())))
}

const NOT_YAML: &str = "isn't YAML";

/// In a user's words, what the scanner stumbled over.
fn slip(message: &str) -> &'static str {
    let slips = [
        ("unclosed quote", "a quote isn't closed"),
        ("unclosed bracket", "a bracket isn't closed"),
        ("mapping values are not allowed", "has a colon too many: quote text that holds `: `"),
        ("unexpected character", "a value begins with a character that YAML reserves: quote it"),
        ("escape", "has an escape that YAML doesn't know: double a `\\` that is meant as such"),
    ];
    slips.iter().find(|(beginning, _)| message.contains(beginning)).map_or(NOT_YAML, |(_, slip)| slip)
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
