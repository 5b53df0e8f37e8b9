//! Documents from files: JSON and YAML into one kind of value.
//!
//! Both are read alike and strictly: a key that stands twice is an error, and so is what nests too deeply or unfolds to
//! too much. Integers stay exact up to 64 bits, and maps keep their order.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Number, Value};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::load::{self, MAX_FILE};
use crate::yaml;

/// Reads a document from a file, or from stdin where the path is `-`.
pub(crate) fn read(path: &Path) -> Result<Value, Error> {
    // Any document may hold credentials.
    let bytes = Zeroizing::new(if path == Path::new("-") { stdin()? } else { load::read(path)? });
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| Error::document(path, format!("isn't UTF-8 from byte {} on", error.valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed = match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => parse_json(text).map_err(|problem| problem.to_string()),
        Some("yaml" | "yml") => parse_yaml(text).map_err(|problem| problem.to_string()),
        _ => parse(text),
    };
    parsed.map_err(|problem| Error::document(path, problem))
}

/// A problem of a document, and its position. It never repeats the text there, which may be secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    what: &'static str,
    /// The line and the column, from 1.
    place: Option<(u64, u64)>,
}

impl Problem {
    pub(crate) fn new(what: &'static str, place: Option<(u64, u64)>) -> Self {
        Self { what, place }
    }

    /// For a document that is one line, whose number the caller knows.
    pub(crate) fn in_one_line(&self) -> String {
        match self.place {
            Some((_, column)) => format!("{}, at column {column}", self.what),
            None => self.what.to_owned(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        match self.place {
            Some((line, column)) => write!(f, ", at line {line}, column {column}"),
            None => Ok(()),
        }
    }
}

/// Reads JSON or YAML. Nearly all JSON is YAML, but not all, and JSON reads much faster as such.
fn parse(text: &str) -> Result<Value, String> {
    if !text.trim_start().starts_with('{') {
        return parse_yaml(text).map_err(|problem| problem.to_string());
    }
    parse_json(text).or_else(|json| parse_yaml(text).map_err(|yaml| format!("as JSON: {json}\nas YAML: {yaml}")))
}

/// Reads JSON.
pub(crate) fn parse_json(text: &str) -> Result<Value, Problem> {
    let state = State::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { state: &state }.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
        let what = match error.classify() {
            Category::Eof if text.trim().is_empty() => "is empty",
            Category::Eof => "isn't JSON: ends too early",
            // Kinds aren't told apart but by words.
            _ if error.to_string().starts_with("recursion limit") => "nests too deeply",
            _ => "isn't JSON",
        };
        // What a visitor said itself, serde places behind the value.
        let place = Some((error.line() as u64, error.column() as u64)).filter(|(line, _)| *line > 0);
        Problem::new(state.problem.get().unwrap_or(what), place)
    })
}

/// Reads YAML.
pub(crate) fn parse_yaml(text: &str) -> Result<Value, Problem> {
    let state = State::default();
    yaml::parse(text, Strict { state: &state })
        .map_err(|Problem { what, place }| Problem::new(state.problem.get().unwrap_or(what), place))
}

/// All of stdin, up to [`MAX_FILE`].
pub(crate) fn stdin() -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Read { path: "-".into(), source })?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= MAX_FILE => Ok(bytes),
        _ => Err(Error::TooLarge { path: "-".into(), limit: MAX_FILE }),
    }
}

/// The most bytes of strings that one document may unfold to.
const MAX_UNFOLDED: usize = 64 << 20;

/// The counts of one document's reader, and the problem that it has found itself.
struct State {
    left: Cell<usize>,
    problem: Cell<Option<&'static str>>,
}

impl Default for State {
    fn default() -> Self {
        Self { left: Cell::new(MAX_UNFOLDED), problem: Cell::new(None) }
    }
}

/// Reads any value; counts what it takes.
#[derive(Clone, Copy)]
struct Strict<'a> {
    state: &'a State,
}

impl Strict<'_> {
    fn take<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let left = self.state.left.get().checked_sub(text.len());
        self.state.left.set(left.ok_or_else(|| self.fail("unfolds to more than 64 MiB"))?);
        Ok(())
    }

    fn fail<E: serde::de::Error>(self, problem: &'static str) -> E {
        self.state.problem.set(Some(problem));
        E::custom(problem)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.fail("a number must be finite"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.take(value)?;
        Ok(value.into())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        self.take(&value)?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = access.next_element_seed(self)? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            self.take(&key)?;
            if map.contains_key(&key) {
                return Err(self.fail("a key stands twice"));
            }
            let value = access.next_value_seed(self)?;
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_is_read_as_1_2() {
        let check = |text: &str, value: Value| assert_eq!(parse_yaml(text).unwrap(), value, "{text}");
        check("no", json!("no"));
        check("on: yes", json!({ "on": "yes" }));
        check("true", json!(true));
        check("2026-11-23T10:00:00Z", json!("2026-11-23T10:00:00Z"));
        check("2026-11-23", json!("2026-11-23"));
        check("12:30:45", json!("12:30:45"));
        check("1_000", json!("1_000"));
        check("0755", json!("0755"));
        check("18446744073709551615", json!(u64::MAX));
        check("-9223372036854775808", json!(i64::MIN));
        check("1.5", json!(1.5));
        check("~", json!(null));
        check("", json!(null));
        check("{ a: &x [1], b: *x }", json!({ "a": [1], "b": [1] }));
        check("404: a\ntrue: b", json!({ "404": "a", "true": "b" }));
        check("! no", json!("no"));
    }

    #[test]
    fn maps_keep_their_order() {
        for value in [parse_yaml("z: 1\na: 2\nm: 3").unwrap(), parse_json(r#"{"z":1,"a":2,"m":3}"#).unwrap()] {
            assert_eq!(value.to_string(), r#"{"z":1,"a":2,"m":3}"#);
        }
    }

    #[test]
    fn hazards_are_errors() {
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned()
            + &["b", "c", "d", "e", "f", "g", "h", "i"]
                .iter()
                .zip(["a", "b", "c", "d", "e", "f", "g", "h"])
                .map(|(name, of)| format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(",")))
                .collect::<String>();
        let large = format!("a: &a {}\nb: [{}]", "x".repeat(1 << 20), vec!["*a"; 90].join(", "));
        for yaml in [
            bomb.as_str(),
            large.as_str(),
            &"[".repeat(100_000),
            &format!("{}x", "- ".repeat(100_000)),
            &(0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>(),
            "a: 1\nb: 2\na: 3",
            "{ a: 1, a: 2 }",
            "&a [*a]",
            "a: 1\n---\nb: 2",
            ".inf",
            "!custom x",
            "a: [1",
            "*missing",
        ] {
            let error = parse_yaml(yaml).unwrap_err();
            assert!(error.to_string().len() < 200, "{error}");
        }
        for json in [r#"{"a":1,"a":2}"#, r#"{"a":{"b":1,"b":1}}"#, &"[".repeat(100_000), "{} {}", "1e999"] {
            assert!(parse_json(json).is_err(), "{json:.40}");
        }
    }

    #[test]
    fn problems_repeat_nothing() {
        let check = |text: &str, problem: &str| {
            let error = parse(text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
            assert!(!error.contains("HUSH") && !error.contains('@'), "{text}: {error}");
        };
        check("a: !HUSH x", "quote text that begins with `!`, at line 1");
        check("{ text: !HUSH x }", "quote text that begins with `!`");
        check("!HUSH { a: b }", "quote text that begins with `!`");
        check("a: *HUSH", "quote text that begins with `*`, at line 1, column 4");
        check("{ HUSH, HUSH }", "a key stands twice");
        check("HUSH: 1\nHUSH: 2", "a key stands twice, at line 2, column 1");
        check("{\"HUSH\":1,\"HUSH\":2}", "as JSON: a key stands twice, at line 1");
        check("a: HUSH: b", "has a colon too many");
        check("a: @HUSH", "quote it, at line 1, column 4");
        check("a: 'HUSH", "a quote isn't closed");
        check("a: \"\\qHUSH\"", "an escape that YAML doesn't know");
        check("a: [HUSH", "a bracket isn't closed");
        check("a: !!int HUSH", "isn't YAML");
        check("? [HUSH]\n: x", "where a key belongs");
        check("a: HUSH\n---\nb: HUSH", "more than one document");
        check("%HUSH\n---\n- [", "a bracket");
        check("a: HUSH\n b: HUSH", "at line 2");
        check("{\"a\": @HUSH }", "as JSON: isn't JSON, at line 1, column 7");
        check("{\"a\": \"HUSH", "as JSON: isn't JSON: ends too early");
    }

    #[test]
    fn either_is_told_by_its_beginning() {
        assert_eq!(parse(r#" {"a": "\/"}"#).unwrap(), json!({ "a": "/" }));
        assert_eq!(parse("{ a: 1 }").unwrap(), json!({ "a": 1 }));
        assert_eq!(parse("a: 1").unwrap(), json!({ "a": 1 }));
        assert!(parse("{ a: 1").unwrap_err().contains("as YAML"));
    }
}
