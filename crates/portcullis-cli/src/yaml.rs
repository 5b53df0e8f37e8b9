//! YAML, the one module that knows which crate reads and writes it.
//!
//! YAML 1.2 alone: `no` is a string, a time is a string, `0755` and `1_000` are strings. Aliases are followed, but what
//! they unfold to counts against the same budgets as if it had been written out.

use serde::Serialize;
use serde::de::DeserializeSeed;
use serde_yaml::options::DuplicateKeyPolicy;

/// The deepest that maps and lists may nest; the JSON reader stops there too.
const MAX_DEPTH: usize = 128;
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
        .map_err(|error| error.to_string())
}

/// Writes one document.
pub(crate) fn to_string(value: &impl Serialize) -> Result<String, String> {
    serde_yaml::to_string(value).map_err(|error| error.to_string())
}
