//! Documents from files: JSON and YAML into one kind of value.
//!
//! Both are read alike and strictly: a key that stands twice is an error, and so is what nests too deeply or unfolds to
//! too much. Integers stay exact up to 64 bits, and maps keep their order.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
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
        Some("json") => parse_json(text),
        Some("yaml" | "yml") => parse_yaml(text),
        _ => parse(text),
    };
    parsed.map_err(|problem| Error::document(path, problem))
}

/// Reads JSON or YAML. Nearly all JSON is YAML, but not all, and JSON reads much faster as such.
fn parse(text: &str) -> Result<Value, String> {
    if !text.trim_start().starts_with('{') {
        return parse_yaml(text);
    }
    parse_json(text).or_else(|json| parse_yaml(text).map_err(|yaml| format!("as JSON: {json}\nas YAML: {yaml}")))
}

/// Reads JSON.
pub(crate) fn parse_json(text: &str) -> Result<Value, String> {
    let left = Cell::new(MAX_UNFOLDED);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { left: &left }.deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())?;
    Ok(value)
}

/// Reads YAML.
pub(crate) fn parse_yaml(text: &str) -> Result<Value, String> {
    let left = Cell::new(MAX_UNFOLDED);
    yaml::parse(text, Strict { left: &left })
}

fn stdin() -> Result<Vec<u8>, Error> {
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

/// Reads any value; counts what it takes.
#[derive(Clone, Copy)]
struct Strict<'a> {
    left: &'a Cell<usize>,
}

impl Strict<'_> {
    fn take<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let left = self.left.get().checked_sub(text.len());
        self.left.set(left.ok_or_else(|| E::custom(format!("unfolds to more than {MAX_UNFOLDED} bytes")))?);
        Ok(())
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
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number must be finite"))
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
                return Err(A::Error::custom(format!("the key `{key}` stands twice")));
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
            assert!(error.len() < 500, "{error}");
        }
        for json in [r#"{"a":1,"a":2}"#, r#"{"a":{"b":1,"b":1}}"#, &"[".repeat(100_000), "{} {}", "1e999"] {
            assert!(parse_json(json).is_err(), "{json:.40}");
        }
    }

    #[test]
    fn either_is_told_by_its_beginning() {
        assert_eq!(parse(r#" {"a": "\/"}"#).unwrap(), json!({ "a": "/" }));
        assert_eq!(parse("{ a: 1 }").unwrap(), json!({ "a": 1 }));
        assert_eq!(parse("a: 1").unwrap(), json!({ "a": 1 }));
        assert!(parse("{ a: 1").unwrap_err().contains("as YAML"));
    }
}
