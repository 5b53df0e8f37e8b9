//! Tokens for test cases: good ones by default, and bad ones in every way that an attacker might try.

use std::iter;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use portcullis::TokenInfo;
use serde_json::{Map, Value, json};

use crate::fields::{Fields, is_name};
use crate::keys::Ring;

/// The token of a case.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// The declaration in the policy that it follows.
    pub(crate) kind: String,
    /// Claims beside the ones that the declaration pins, or in their place; `null` takes one away.
    claims: Map<String, Value>,
    /// Another secret of the ring to sign with.
    key: Option<String>,
    /// Another `alg` for the header. `none` leaves the signature empty.
    algorithm: Option<String>,
    /// Header fields beside `alg` and `typ`, or in their place; `null` takes one away.
    header: Map<String, Value>,
    /// Whether to flip a bit of the signature.
    tamper: bool,
}

impl Token {
    /// From the `token` of a case.
    pub(crate) fn new(value: Value) -> Result<Self, String> {
        let Value::Object(map) = value else {
            return Err(
                "`token` must be a map with at least `kind`: a token of that kind is signed for the case".into()
            );
        };
        let known = ["kind", "claims", "key", "algorithm", "header", "tamper"];
        let mut fields = Fields::new(map, "`token`", "token.", &known)?;
        Ok(Self {
            kind: fields.string("kind")?.ok_or("`token` lacks `kind`")?,
            claims: fields.map("claims")?,
            key: fields.string("key")?,
            algorithm: fields.string("algorithm")?,
            header: fields.map("header")?,
            tamper: fields.flag("tamper")?,
        })
    }

    /// Signs the token as the policy declares it, but for what the case says otherwise.
    pub(crate) fn sign(&self, declared: &TokenInfo<'_>, ring: &Ring, now: Timestamp) -> Result<String, String> {
        let by_hmac = declared.algorithms.first().filter(|name| name.starts_with("HS"));
        let own = declared.secret.filter(|_| by_hmac.is_some());
        let name = self.key.as_deref().or(own).ok_or_else(|| {
            format!(
                "`token`: this version makes no good tokens of the kind `{}`: say who calls with `as`, or sign a bad one \
                 with `token.key`",
                declared.name
            )
        })?;
        let secret = ring.secret(name).ok_or_else(|| match is_name(name) {
            true => format!("`token`: the key ring has no secret `{name}`"),
            false => "`token.key` must be the name of a secret on the key ring".to_owned(),
        })?;
        let algorithm = self.algorithm.as_deref().or(declared.algorithms.first().copied()).unwrap_or("HS256");
        let header = json!({ "alg": algorithm, "typ": declared.typ.unwrap_or("JWT") });
        self.signed(header, pinned(declared, now), algorithm, secret)
    }

    fn signed(&self, header: Value, claims: Value, algorithm: &str, secret: &[u8]) -> Result<String, String> {
        let message = format!("{}.{}", part(header, &self.header), part(claims, &self.claims));
        let signature = match algorithm {
            none if none.eq_ignore_ascii_case("none") => String::new(),
            "HS384" => hmac(&message, secret, Algorithm::HS384)?,
            "HS512" => hmac(&message, secret, Algorithm::HS512)?,
            // With the name of another algorithm it is still an HMAC: the classic confusion of keys.
            _ => hmac(&message, secret, Algorithm::HS256)?,
        };
        let signature = if self.tamper { tampered(&signature)? } else { signature };
        Ok(format!("{message}.{signature}"))
    }
}

/// The claims that a declaration pins.
fn pinned(declared: &TokenInfo<'_>, now: Timestamp) -> Value {
    let mut claims = Map::new();
    if let Some(issuer) = declared.issuer {
        claims.insert("iss".to_owned(), issuer.into());
    }
    match declared.audiences {
        [] => {}
        [audience] => drop(claims.insert("aud".to_owned(), audience.as_str().into())),
        audiences => drop(claims.insert("aud".to_owned(), audiences.into())),
    }
    claims.insert("iat".to_owned(), now.as_second().into());
    if let Some(lifetime) = declared.lifetime {
        let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        claims.insert("exp".to_owned(), now.as_second().saturating_add(lifetime).into());
    }
    claims.into()
}

/// One part of a token, with the changes that the case makes.
fn part(mut fields: Value, changes: &Map<String, Value>) -> String {
    if let Some(fields) = fields.as_object_mut() {
        for (name, value) in changes {
            match value {
                Value::Null => drop(fields.shift_remove(name)),
                value => drop(fields.insert(name.clone(), value.clone())),
            }
        }
    }
    URL_SAFE_NO_PAD.encode(fields.to_string())
}

fn hmac(message: &str, secret: &[u8], algorithm: Algorithm) -> Result<String, String> {
    crypto::sign(message.as_bytes(), &EncodingKey::from_secret(secret), algorithm)
        .map_err(|error| format!("`token`: can't be signed: {error}"))
}

fn tampered(signature: &str) -> Result<String, String> {
    let bytes = URL_SAFE_NO_PAD.decode(signature).map_err(|error| format!("`token`: {error}"))?;
    match bytes.split_first() {
        Some((first, rest)) => {
            Ok(URL_SAFE_NO_PAD.encode(iter::once(first ^ 1).chain(rest.iter().copied()).collect::<Vec<_>>()))
        }
        None => Err("`token`: there is no signature to tamper with".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};

    use super::*;

    const SECRET: &[u8] = b"a secret of thirty-two bytes, at least";

    fn signed(token: Value) -> Result<String, String> {
        let token = Token::new(token).unwrap();
        let algorithm = token.algorithm.clone().unwrap_or("HS256".to_owned());
        let header = json!({ "alg": algorithm, "typ": "JWT" });
        token.signed(header, json!({ "iss": "me", "iat": 1_000, "exp": 1_900 }), &algorithm, SECRET)
    }

    /// The claims, if the signature holds.
    fn verified(token: &str, algorithm: Algorithm) -> Option<Value> {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        decode(token, &DecodingKey::from_secret(SECRET), &validation).ok().map(|token| token.claims)
    }

    #[test]
    fn claims_are_filled_in_replaced_and_removed() {
        let token = signed(json!({ "kind": "access", "claims": { "sub": "u1", "iss": "you", "iat": null } })).unwrap();
        assert_eq!(verified(&token, Algorithm::HS256), Some(json!({ "iss": "you", "exp": 1_900, "sub": "u1" })));
    }

    #[test]
    fn headers_are_filled_in_replaced_and_removed() {
        let token = signed(json!({ "kind": "access", "header": { "kid": "1", "typ": "at+jwt" } })).unwrap();
        let header = decode_header(&token).unwrap();
        assert_eq!((header.kid.as_deref(), header.typ.as_deref()), (Some("1"), Some("at+jwt")));
        let token = signed(json!({ "kind": "access", "header": { "typ": null } })).unwrap();
        assert_eq!(decode_header(&token).unwrap().typ, None);
    }

    #[test]
    fn attacks() {
        let tampered = signed(json!({ "kind": "access", "tamper": true })).unwrap();
        assert_eq!(verified(&tampered, Algorithm::HS256), None);
        let other = signed(json!({ "kind": "access", "algorithm": "HS512" })).unwrap();
        assert!(verified(&other, Algorithm::HS512).is_some() && verified(&other, Algorithm::HS256).is_none());
        let unsigned = signed(json!({ "kind": "access", "algorithm": "none" })).unwrap();
        assert!(unsigned.ends_with('.'), "{unsigned}");
        let confused = signed(json!({ "kind": "access", "algorithm": "RS256" })).unwrap();
        assert_eq!(decode_header(&confused).unwrap().alg, Algorithm::RS256);
        assert!(signed(json!({ "kind": "access", "algorithm": "none", "tamper": true })).is_err());
        assert!(Token::new(json!({ "kind": "access", "claim": {} })).is_err());
    }
}
