//! Key rings: the secrets that policies only name. Errors name the secret, and never say a byte of it.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use portcullis::Keys;
use portcullis::keys::KeySet;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::documents;
use crate::error::{Error, tell};
use crate::fields::is_legible;

/// The algorithms that a symmetric JWK can be for (RFC 7518 §3.2).
const ALGORITHMS: [&str; 3] = ["HS256", "HS384", "HS512"];
/// The algorithms that a JWK of a key pair can be for (RFC 7518 §3.1, RFC 8037, RFC 9864).
const PAIR_ALGORITHMS: [&str; 10] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"];
/// The two kinds of use that a policy has for a secret (RFC 7517 §4.3).
const OPERATIONS: [&str; 2] = ["sign", "verify"];

/// Keys by name.
#[derive(Default)]
pub(crate) struct Ring {
    secrets: BTreeMap<String, Secret>,
    keys: Keys,
    /// The skipped keys of its sets, with reasons.
    skipped: Vec<String>,
}

/// The bytes of a secret, or the text of a key pair, wiped when dropped.
struct Secret {
    bytes: Zeroizing<Vec<u8>>,
    /// The one algorithm that it may be used with.
    algorithm: Option<&'static str>,
    form: Form,
}

/// The kind of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A secret's.
    Bytes,
    Pem,
    /// The JSON of a JWK that is for a key pair.
    Jwk,
}

/// The material of a key. Never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Material<'r> {
    Secret(&'r [u8]),
    Pem(&'r [u8]),
    Jwk(&'r [u8]),
}

/// The entry of a name.
enum Entry {
    Secret(Secret),
    Set(KeySet),
}

impl Ring {
    /// From a file. What of its key sets can't be used is told, and the rest is.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let ring = Self::new(documents::read(path)?).map_err(|problem| Error::document(path, problem))?;
        for skipped in &ring.skipped {
            tell("warning", &format!("{}: {skipped}", path.display()));
        }
        Ok(ring)
    }

    /// From a map of names to `{ text | base64 | hex | pem | jwk | jwks | env }`.
    pub(crate) fn new(value: Value) -> Result<Self, String> {
        let Value::Object(entries) = value else {
            return Err(format!("a key ring is a map of names, each to a map with one of {KINDS}"));
        };
        let mut ring = Self::default();
        for (number, (name, value)) in (1..).zip(entries) {
            // Where a slip makes a key of a secret, the key isn't a name, or holds nothing.
            let told = if is_legible(&name, &value) { format!("`{name}`") } else { format!("number {number}") };
            match entry(value).map_err(|problem| format!("secret {told}: {problem}"))? {
                Entry::Secret(secret) => ring.add(name, secret),
                Entry::Set(set) => {
                    let skipped = set.skipped().iter().map(|key| format!("key set {told}: skipped {key}"));
                    ring.skipped.extend(skipped);
                    ring.keys = std::mem::take(&mut ring.keys).with_key_set(name, set);
                }
            }
        }
        Ok(ring)
    }

    fn add(&mut self, name: String, secret: Secret) {
        let keys = std::mem::take(&mut self.keys);
        let bytes = secret.bytes.to_vec();
        self.keys = match (secret.form, secret.algorithm) {
            (Form::Pem, _) => keys.with_pem(&name, bytes),
            (Form::Jwk, _) => keys.with_jwk(&name, bytes),
            (Form::Bytes, Some(algorithm)) => keys.with_secret_for(&name, bytes, algorithm),
            (Form::Bytes, None) => keys.with_secret(&name, bytes),
        };
        self.secrets.insert(name, secret);
    }

    /// The ring that a policy is bound with.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The material of a secret or key pair.
    pub(crate) fn material(&self, name: &str) -> Option<Material<'_>> {
        self.secrets.get(name).map(|Secret { bytes, form, .. }| match form {
            Form::Bytes => Material::Secret(bytes),
            Form::Pem => Material::Pem(bytes),
            Form::Jwk => Material::Jwk(bytes),
        })
    }
}

/// The kinds of entries.
const KINDS: &str = "`text`, `base64`, `hex`, `pem`, `jwk`, `jwks` and `env`";

fn entry(value: Value) -> Result<Entry, String> {
    let Value::Object(entries) = value else {
        return Err(format!("must be a map with one of {KINDS}"));
    };
    let mut entries = entries.into_iter();
    let (Some((kind, value)), None) = (entries.next(), entries.next()) else {
        return Err(format!("must have exactly one of {KINDS}"));
    };
    let bytes = match (kind.as_str(), value) {
        ("text", Value::String(text)) => Zeroizing::new(text.into_bytes()),
        ("base64", Value::String(text)) => decode(&STANDARD, text, "`base64` isn't base64 with its padding")?,
        ("hex", Value::String(text)) => hex(text)?,
        ("jwk", Value::Object(jwk)) => return key(jwk).map(Entry::Secret),
        ("jwks", Value::Object(set)) => {
            let set = KeySet::parse(Value::Object(set).to_string().as_bytes());
            return set.map(Entry::Set).map_err(|error| format!("`jwks`: {error}"));
        }
        ("pem", Value::String(text)) => return pem(text).map(Entry::Secret),
        ("env", Value::String(name)) => match env::var(name) {
            Ok(text) => Zeroizing::new(text.into_bytes()),
            Err(env::VarError::NotPresent) => {
                return Err("`env` must name a variable of the environment; there is none of that name".into());
            }
            Err(env::VarError::NotUnicode(_)) => {
                return Err("the environment variable that `env` names isn't UTF-8".into());
            }
        },
        ("jwk" | "jwks", _) => return Err(format!("`{kind}` must be a map")),
        ("text" | "base64" | "hex" | "pem" | "env", _) => {
            return Err(format!("`{kind}` must be a string; quote numbers"));
        }
        _ => {
            return Err(format!("is of an unknown kind: there are {KINDS}; is a space missing after the colon?"));
        }
    };
    Ok(Entry::Secret(Secret { bytes, algorithm: None, form: Form::Bytes }))
}

/// A symmetric JWK (RFC 7518 §6.4), if it is for what policies do with secrets.
fn oct(mut jwk: Map<String, Value>) -> Result<Secret, String> {
    let algorithm = purpose(&jwk, &ALGORITHMS)
        .map_err(|alg| alg.unwrap_or("`alg` of the `jwk` must be `HS256`, `HS384` or `HS512`"))?;
    let bytes = match jwk.remove("k") {
        Some(Value::String(text)) => {
            decode(&URL_SAFE_NO_PAD, text, "`k` of the `jwk` isn't base64url without padding")?
        }
        _ => return Err("`jwk` lacks `k`".into()),
    };
    Ok(Secret { bytes, algorithm, form: Form::Bytes })
}

/// The text of a key pair, or of one half of it (RFC 7468). Its inside is read by whoever uses it.
fn pem(text: String) -> Result<Secret, String> {
    let bytes = Zeroizing::new(text.into_bytes());
    let begins = String::from_utf8_lossy(&bytes).trim_start().starts_with("-----BEGIN ");
    if !begins {
        return Err("`pem` must begin with `-----BEGIN`; write it as a block: `pem: |`".into());
    }
    Ok(Secret { bytes, algorithm: None, form: Form::Pem })
}

/// The only algorithm that a JWK may be used with, if it has one. The error is that of `alg` if it is `None`.
fn purpose(jwk: &Map<String, Value>, known: &[&'static str]) -> Result<Option<&'static str>, Option<&'static str>> {
    if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err(Some("`use` of the `jwk` must be `sig`: a policy's secrets sign and verify"));
    }
    let is_operation = |operation: &Value| operation.as_str().is_some_and(|name| OPERATIONS.contains(&name));
    let fits = |operations: &Value| operations.as_array().is_some_and(|all| all.iter().any(is_operation));
    if !jwk.get("key_ops").is_none_or(fits) {
        return Err(Some("`key_ops` of the `jwk` must be a list with `sign` or `verify`"));
    }
    let algorithm = jwk.get("alg").map(|named| known.iter().copied().find(|known| named == known).ok_or(None));
    algorithm.transpose()
}

/// A JWK: bytes of a secret, or a key pair, or one half of it.
fn key(jwk: Map<String, Value>) -> Result<Secret, String> {
    let parts: &[&str] = match jwk.get("kty").and_then(Value::as_str) {
        Some("oct") => return oct(jwk),
        Some("RSA") => &["n", "e"],
        Some("EC") => &["crv", "x", "y"],
        Some("OKP") => &["crv", "x"],
        Some(_) => return Err("`kty` of the `jwk` must be `oct`, `RSA`, `EC` or `OKP`".into()),
        None => return Err("`jwk` lacks `kty`".into()),
    };
    if let Some(part) = parts.iter().find(|part| !jwk.get(**part).is_some_and(Value::is_string)) {
        return Err(format!("`jwk` lacks `{part}`"));
    }
    let algorithm = purpose(&jwk, &PAIR_ALGORITHMS)
        .map_err(|alg| alg.unwrap_or("`alg` of the `jwk` must be one of key pairs, such as `ES256` or `EdDSA`"))?;
    let bytes = Zeroizing::new(Value::Object(jwk).to_string().into_bytes());
    Ok(Secret { bytes, algorithm, form: Form::Jwk })
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
            let ring = Ring::new(json!({ "A": value })).unwrap();
            assert!(ring.material("A") == Some(Material::Secret(bytes)), "{bytes:?}");
        };
        check(json!({ "text": "häsh" }), "häsh".as_bytes());
        check(json!({ "base64": "+/8=" }), &[0xfb, 0xff]);
        check(json!({ "hex": "00fF" }), &[0, 0xff]);
        check(json!({ "jwk": { "kty": "oct", "k": "-_8", "alg": "HS256" } }), &[0xfb, 0xff]);
        check(json!({ "env": "CARGO_PKG_NAME" }), env!("CARGO_PKG_NAME").as_bytes());
        assert!(Ring::new(json!({})).unwrap().material("A").is_none());
    }

    #[test]
    fn keys_say_what_they_are_for() {
        let check = |more: Value, algorithm: Option<&str>| {
            let mut jwk = json!({ "kty": "oct", "k": "-_8" });
            jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let ring = Ring::new(json!({ "A": { "jwk": jwk } })).unwrap();
            assert_eq!(ring.secrets.get("A").unwrap().algorithm, algorithm, "{more}");
        };
        check(json!({}), None);
        check(json!({ "use": "sig", "key_ops": ["verify"], "kid": "1" }), None);
        check(json!({ "key_ops": ["sign", "verify"], "alg": "HS256" }), Some("HS256"));
        check(json!({ "alg": "HS512" }), Some("HS512"));
    }

    #[test]
    fn key_pairs_are_no_secrets() {
        let check = |value: Value| {
            let ring = Ring::new(json!({ "A": value })).unwrap();
            assert!(!matches!(ring.material("A"), None | Some(Material::Secret(_))), "{value}");
            assert_eq!(format!("{:?}", ring.keys()), r#"["A"]"#);
        };
        check(json!({ "pem": "-----BEGIN PRIVATE KEY-----\nhush" }));
        check(json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": "a", "d": "hush", "alg": "EdDSA" } }));
        check(json!({ "jwk": { "kty": "EC", "crv": "P-256", "x": "a", "y": "b" } }));
        check(json!({ "jwk": { "kty": "RSA", "n": "a", "e": "AQAB", "use": "sig" } }));
    }

    #[test]
    fn key_sets_are_neither() {
        let ring = Ring::new(json!({ "A": { "jwks": { "keys": [{ "kty": "oct", "k": "hush" }] } } })).unwrap();
        assert!(ring.material("A").is_none());
        assert_eq!(format!("{:?}", ring.keys()), r#"["A"]"#);
        let skipped = "key set `A`: skipped key 1: it is a secret, which nobody publishes: it verifies nothing";
        assert_eq!(ring.skipped, [skipped]);
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
        check(json!({ "pem": "hush" }), "must begin with `-----BEGIN`");
        check(json!({ "hex": "0" }), "isn't pairs");
        check(json!({ "hex": "hush" }), "isn't pairs");
        check(json!({ "base64": "hush!" }), "isn't base64");
        check(json!({ "base64": "+/8" }), "isn't base64");
        check(json!({ "base64": "+/9=" }), "isn't base64");
        check(json!({ "jwks": "hush" }), "`jwks` must be a map");
        check(json!({ "jwks": { "hush": [] } }), "`jwks`: ");
        check(json!({ "jwk": { "kty": "RSA", "d": "hush" } }), "lacks `n`");
        check(json!({ "jwk": { "kty": "EC", "crv": "P-256", "x": "hush" } }), "lacks `y`");
        check(json!({ "jwk": { "kty": "hush" } }), "`kty` of the `jwk` must be");
        check(json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": "hush", "alg": "HS256" } }), "one of key pairs");
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
