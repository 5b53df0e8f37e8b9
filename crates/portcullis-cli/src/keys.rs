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
use crate::fields::is_legible;

/// The algorithms that a symmetric JWK can be for (RFC 7518 §3.2).
const ALGORITHMS: [&str; 3] = ["HS256", "HS384", "HS512"];
/// The two kinds of use that a policy has for a secret (RFC 7517 §4.3).
const OPERATIONS: [&str; 2] = ["sign", "verify"];

/// Secrets by name.
#[derive(Default)]
pub(crate) struct Ring {
    secrets: BTreeMap<String, Secret>,
}

/// The bytes of a secret, wiped when dropped.
struct Secret {
    bytes: Zeroizing<Vec<u8>>,
    /// The one algorithm that it may be used with.
    algorithm: Option<&'static str>,
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
        let secret = |(number, (name, value)): (usize, (String, Value))| {
            // Where a slip makes a key of a secret, the key isn't a name, or holds nothing.
            let told = if is_legible(&name, &value) { format!("`{name}`") } else { format!("number {number}") };
            secret(value).map(|secret| (name, secret)).map_err(|problem| format!("secret {told}: {problem}"))
        };
        Ok(Self { secrets: (1..).zip(entries).map(secret).collect::<Result<_, _>>()? })
    }

    /// The ring that a policy is bound with.
    pub(crate) fn keys(&self) -> Keys {
        self.secrets.iter().fold(Keys::new(), |keys, (name, Secret { bytes, algorithm })| match algorithm {
            Some(algorithm) => keys.with_secret_for(name, bytes.to_vec(), algorithm),
            None => keys.with_secret(name, bytes.to_vec()),
        })
    }

    /// The bytes of a secret.
    pub(crate) fn secret(&self, name: &str) -> Option<&[u8]> {
        self.secrets.get(name).map(|secret| secret.bytes.as_slice())
    }
}

fn secret(value: Value) -> Result<Secret, String> {
    let Value::Object(entries) = value else {
        return Err("must be a map with one of `text`, `base64`, `hex`, `jwk` and `env`".into());
    };
    let mut entries = entries.into_iter();
    let (Some((kind, value)), None) = (entries.next(), entries.next()) else {
        return Err("must have exactly one of `text`, `base64`, `hex`, `jwk` and `env`".into());
    };
    let bytes = match (kind.as_str(), value) {
        ("text", Value::String(text)) => Zeroizing::new(text.into_bytes()),
        ("base64", Value::String(text)) => decode(&STANDARD, text, "`base64` isn't base64 with its padding")?,
        ("hex", Value::String(text)) => hex(text)?,
        ("jwk", Value::Object(jwk)) => return oct(jwk),
        ("env", Value::String(name)) => match env::var(name) {
            Ok(text) => Zeroizing::new(text.into_bytes()),
            Err(env::VarError::NotPresent) => {
                return Err("`env` must name a variable of the environment; there is none of that name".into());
            }
            Err(env::VarError::NotUnicode(_)) => {
                return Err("the environment variable that `env` names isn't UTF-8".into());
            }
        },
        ("pem", _) => return Err("`pem` is for key pairs: this version has symmetric secrets only".into()),
        ("jwk", _) => return Err("`jwk` must be a map".into()),
        ("text" | "base64" | "hex" | "env", _) => return Err(format!("`{kind}` must be a string; quote numbers")),
        _ => {
            return Err("is of an unknown kind: there are `text`, `base64`, `hex`, `jwk` and `env`; is a space \
                        missing after the colon?"
                .into());
        }
    };
    Ok(Secret { bytes, algorithm: None })
}

/// A symmetric JWK (RFC 7518 §6.4), if it is for what policies do with secrets.
fn oct(mut jwk: Map<String, Value>) -> Result<Secret, String> {
    match jwk.get("kty").and_then(Value::as_str) {
        Some("oct") => {}
        Some(_) => return Err("`jwk` must have `kty: oct`: this version has symmetric secrets only".into()),
        None => return Err("`jwk` lacks `kty`".into()),
    }
    if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err("`use` of the `jwk` must be `sig`: a policy's secrets sign and verify".into());
    }
    let is_operation = |operation: &Value| operation.as_str().is_some_and(|name| OPERATIONS.contains(&name));
    let fits = |operations: &Value| operations.as_array().is_some_and(|all| all.iter().any(is_operation));
    if !jwk.get("key_ops").is_none_or(fits) {
        return Err("`key_ops` of the `jwk` must be a list with `sign` or `verify`".into());
    }
    let algorithm = jwk.get("alg").map(|named| {
        let known = ALGORITHMS.into_iter().find(|known| named == known);
        known.ok_or("`alg` of the `jwk` must be `HS256`, `HS384` or `HS512`")
    });
    let algorithm = algorithm.transpose()?;
    let bytes = match jwk.remove("k") {
        Some(Value::String(text)) => {
            decode(&URL_SAFE_NO_PAD, text, "`k` of the `jwk` isn't base64url without padding")?
        }
        _ => return Err("`jwk` lacks `k`".into()),
    };
    Ok(Secret { bytes, algorithm })
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
    fn keys_say_what_they_are_for() {
        let check = |more: Value, algorithm: Option<&str>| {
            let mut jwk = json!({ "kty": "oct", "k": "-_8" });
            jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let ring = Ring::new(json!({ "A": { "jwk": jwk } })).unwrap();
            assert_eq!(ring.secrets.get("A").unwrap().algorithm, algorithm, "{more}");
            assert_eq!(format!("{:?}", ring.keys()), format!("{{\"A\": {algorithm:?}}}"));
        };
        check(json!({}), None);
        check(json!({ "use": "sig", "key_ops": ["verify"], "kid": "1" }), None);
        check(json!({ "key_ops": ["sign", "verify"], "alg": "HS256" }), Some("HS256"));
        check(json!({ "alg": "HS512" }), Some("HS512"));
    }

    #[test]
    fn keys_that_are_no_names_are_never_told() {
        let check = |ring: Value| {
            let error = Ring::new(ring).err().unwrap();
            assert!(error.starts_with("secret number 2: must be a map") && !error.contains("hush"), "{error}");
        };
        let good = json!({ "text": "good" });
        check(json!({ "A": good, "JWT_SECRET:hush": null }));
        check(json!({ "A": good, "hush": null }));
        check(json!({ "A": good, "hush hush": "hush" }));
        check(json!({ "A": good, "hush!": ["hush"] }));
    }

    #[test]
    fn mistakes_name_the_secret_and_never_tell_it() {
        let check = |value: Value, problem: &str| {
            let error = Ring::new(json!({ "A": value })).err().unwrap();
            assert!(error.starts_with("secret `A`: ") && error.contains(problem), "{error}");
            assert!(!error.contains("hush"), "{error}");
        };
        check(json!("hush"), "must be a map");
        check(json!({}), "exactly one");
        check(json!({ "text": "hush", "hex": "00" }), "exactly one");
        check(json!({ "text": 5 }), "must be a string");
        check(json!({ "txt": "hush" }), "unknown kind: there are `text`");
        check(json!({ "text:hush": null }), "is a space missing after the colon?");
        check(json!({ "hush": null }), "unknown kind");
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
        check(json!({ "jwk": { "kty": "oct", "k": "-_8", "use": "hush" } }), "`use` of the `jwk` must be `sig`");
        check(json!({ "jwk": { "kty": "oct", "k": "-_8", "use": null } }), "`use` of the `jwk` must be `sig`");
        check(json!({ "jwk": { "kty": "oct", "k": "-_8", "key_ops": ["hush"] } }), "`key_ops` of the `jwk`");
        check(json!({ "jwk": { "kty": "oct", "k": "-_8", "key_ops": [] } }), "with `sign` or `verify`");
        check(json!({ "jwk": { "kty": "oct", "k": "-_8", "key_ops": "verify" } }), "must be a list");
        check(json!({ "jwk": { "kty": "oct", "k": "-_8", "alg": "RS256" } }), "`alg` of the `jwk` must be");
        check(json!({ "jwk": { "kty": "oct", "k": "-_8", "alg": null } }), "`alg` of the `jwk` must be");
        check(json!({ "env": "hush" }), "there is none of that name");
        check(json!({ "env": "A=hush\0" }), "there is none of that name");
        assert!(Ring::new(json!([])).err().unwrap().contains("key ring is a map"));
    }
}
