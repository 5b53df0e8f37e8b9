//! Key rings: the secrets that policies only name. Errors name the secret, and never say a byte of it.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use portcullis::Keys;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::documents;
use crate::error::Error;

/// The bytes of secrets by name, wiped when dropped.
#[derive(Default)]
pub(crate) struct Ring {
    secrets: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

impl Ring {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        Self::new(documents::read(path)?).map_err(|problem| Error::document(path, problem))
    }

    /// From a map of names to `{ text | base64 | hex | jwk | env }`.
    pub(crate) fn new(value: Value) -> Result<Self, String> {
        let Value::Object(entries) = value else {
            return Err("a key ring is a map of secret names to `{ text: … }`, `base64`, `hex`, `jwk` or `env`".into());
        };
        let secret = |(name, value)| match secret(value) {
            Ok(bytes) => Ok((name, bytes)),
            Err(problem) => Err(format!("secret `{name}`: {problem}")),
        };
        Ok(Self { secrets: entries.into_iter().map(secret).collect::<Result<_, _>>()? })
    }

    /// The ring that a policy is bound with.
    pub(crate) fn keys(&self) -> Keys {
        self.secrets.iter().fold(Keys::new(), |keys, (name, bytes)| keys.with_secret(name, bytes.to_vec()))
    }

    /// The bytes of a secret.
    pub(crate) fn secret(&self, name: &str) -> Option<&[u8]> {
        self.secrets.get(name).map(|bytes| bytes.as_slice())
    }
}

fn secret(value: Value) -> Result<Zeroizing<Vec<u8>>, String> {
    let Value::Object(entries) = value else {
        return Err("must be a map with one of `text`, `base64`, `hex`, `jwk` and `env`".into());
    };
    let mut entries = entries.into_iter();
    let (Some((kind, value)), None) = (entries.next(), entries.next()) else {
        return Err("must have exactly one of `text`, `base64`, `hex`, `jwk` and `env`".into());
    };
    match (kind.as_str(), value) {
        ("text", Value::String(text)) => Ok(Zeroizing::new(text.into_bytes())),
        ("base64", Value::String(text)) => decode(&STANDARD, text, "`base64` isn't base64 with its padding"),
        ("hex", Value::String(text)) => hex(text),
        ("jwk", Value::Object(jwk)) => oct(jwk),
        ("env", Value::String(name)) => match env::var(&name) {
            Ok(text) => Ok(Zeroizing::new(text.into_bytes())),
            Err(env::VarError::NotPresent) => Err(format!("the environment has no variable `{name}`")),
            Err(env::VarError::NotUnicode(_)) => Err(format!("the environment variable `{name}` isn't UTF-8")),
        },
        ("pem", _) => Err("`pem` is for key pairs: this version has symmetric secrets only".into()),
        ("jwk", _) => Err("`jwk` must be a map".into()),
        ("text" | "base64" | "hex" | "env", _) => Err(format!("`{kind}` must be a string; quote numbers")),
        _ => Err(format!("unknown kind `{kind}`: there are `text`, `base64`, `hex`, `jwk` and `env`")),
    }
}

/// The bytes of a symmetric JWK (RFC 7518 §6.4).
fn oct(mut jwk: Map<String, Value>) -> Result<Zeroizing<Vec<u8>>, String> {
    match jwk.get("kty").and_then(Value::as_str) {
        Some("oct") => {}
        Some(_) => return Err("`jwk` must have `kty: oct`: this version has symmetric secrets only".into()),
        None => return Err("`jwk` lacks `kty`".into()),
    }
    match jwk.remove("k") {
        Some(Value::String(text)) => decode(&URL_SAFE_NO_PAD, text, "`k` of the `jwk` isn't base64url without padding"),
        _ => Err("`jwk` lacks `k`".into()),
    }
}

/// Both engines refuse what isn't canonical, so that one secret has one spelling.
fn decode(engine: &impl Engine, text: String, problem: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = Zeroizing::new(text);
    engine.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| problem.to_owned())
}

fn hex(text: String) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = Zeroizing::new(text);
    let fail = || "`hex` isn't pairs of hex digits".to_owned();
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(fail());
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let byte = |[high, low]: &[u8; 2]| digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low);
    let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for pair in pairs {
        bytes.push(byte(pair).ok_or_else(fail)?);
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_read() {
        let check = |value: Value, bytes: &[u8]| {
            assert_eq!(Ring::new(json!({ "A": value })).unwrap().secret("A"), Some(bytes), "{bytes:?}");
        };
        check(json!({ "text": "häsh" }), "häsh".as_bytes());
        check(json!({ "base64": "+/8=" }), &[0xfb, 0xff]);
        check(json!({ "hex": "00fF" }), &[0, 0xff]);
        check(json!({ "jwk": { "kty": "oct", "k": "-_8", "alg": "HS256" } }), &[0xfb, 0xff]);
        check(json!({ "env": "CARGO_PKG_NAME" }), env!("CARGO_PKG_NAME").as_bytes());
        assert_eq!(Ring::new(json!({})).unwrap().secret("A"), None);
    }

    #[test]
    fn mistakes_name_the_secret_and_never_tell_it() {
        let check = |value: Value, problem: &str| {
            let error = Ring::new(json!({ "A": value })).err().unwrap();
            assert!(error.starts_with("secret `A`: ") && error.contains(problem), "{error}");
            assert!(!error.contains("hush"), "{error}");
        };
        check(json!("hush"), "must be a map");
        check(json!(null), "must be a map");
        check(json!({}), "exactly one");
        check(json!({ "text": "hush", "hex": "00" }), "exactly one");
        check(json!({ "text": 5 }), "must be a string");
        check(json!({ "txt": "hush" }), "unknown kind `txt`");
        check(json!({ "pem": "hush" }), "symmetric secrets only");
        check(json!({ "hex": "0" }), "isn't pairs");
        check(json!({ "hex": "hush" }), "isn't pairs");
        check(json!({ "base64": "hush!" }), "isn't base64");
        check(json!({ "base64": "+/8" }), "isn't base64");
        check(json!({ "base64": "+/9=" }), "isn't base64");
        check(json!({ "jwk": { "kty": "RSA", "n": "hush" } }), "symmetric secrets only");
        check(json!({ "jwk": { "k": "hush" } }), "lacks `kty`");
        check(json!({ "jwk": { "kty": "oct" } }), "lacks `k`");
        check(json!({ "jwk": { "kty": "oct", "k": "-_8=" } }), "isn't base64url");
        check(json!({ "jwk": { "kty": "oct", "k": "-_9" } }), "isn't base64url");
        check(json!({ "env": "PORTCULLIS_NO_SUCH_VARIABLE" }), "no variable");
        assert!(Ring::new(json!([])).err().unwrap().contains("key ring is a map"));
    }
}
