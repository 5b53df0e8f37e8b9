//! Tokens for test cases: good ones by default, and bad ones in every way that an attacker might try.

use std::iter;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, EncodingKey};
use portcullis::token::TokenInfo;
use serde_json::{Map, Value, json};

use crate::family::Standing;
use crate::fields::{Fields, is_name};
use crate::keys::{Material, Ring};

/// The token of a case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Token {
    /// The declaration in the policy that it follows.
    pub(crate) kind: String,
    /// Claims beside the ones that the declaration pins, or in their place; `null` takes one away.
    pub(crate) claims: Map<String, Value>,
    /// The state of its family, if its kind has families.
    pub(crate) family: Option<Standing>,
    /// Another key of the ring to sign with.
    key: Option<String>,
    /// Another `alg` for the header. `none` leaves the signature empty.
    algorithm: Option<String>,
    /// Header fields beside `alg` and `typ`, or in their place; `null` takes one away.
    header: Map<String, Value>,
    /// True to flip a bit of the signature.
    tamper: bool,
}

/// A token, and what it claims.
pub(crate) struct Signed {
    pub(crate) text: String,
    pub(crate) claims: Map<String, Value>,
}

impl Signed {
    /// Its `jti`.
    pub(crate) fn id(&self) -> Option<&str> {
        self.claims.get("jti").and_then(Value::as_str)
    }
}

impl Token {
    /// From the `token` of a case.
    pub(crate) fn new(value: Value) -> Result<Self, String> {
        let Value::Object(map) = value else {
            return Err(
                "`token` must be a map with at least `kind`: a token of that kind is signed for the case".into()
            );
        };
        let known = ["kind", "claims", "family", "key", "algorithm", "header", "tamper"];
        let mut fields = Fields::new(map, "`token`", "token.", &known)?;
        Ok(Self {
            kind: fields.string("kind")?.ok_or("`token` lacks `kind`")?,
            claims: fields.map("claims")?,
            family: fields.string("family")?.map(|name| Standing::new(&name)).transpose()?,
            key: fields.string("key")?,
            algorithm: fields.string("algorithm")?,
            header: fields.map("header")?,
            tamper: fields.flag("tamper")?,
        })
    }

    /// A good one of a kind.
    pub(crate) fn of(kind: &str, claims: Map<String, Value>) -> Self {
        Self { kind: kind.to_owned(), claims, ..Self::default() }
    }

    /// True if it has members that only a signed token can have.
    pub(crate) fn is_signed_otherwise(&self) -> bool {
        self.key.is_some() || self.algorithm.is_some() || !self.header.is_empty() || self.tamper
    }

    /// Signs the token as the policy declares it, but for what the case says otherwise. `id` is its `jti`, where it has one.
    pub(crate) fn sign(
        &self,
        declared: &TokenInfo<'_>,
        ring: &Ring,
        now: Timestamp,
        id: Option<&str>,
    ) -> Result<Signed, String> {
        let name = self.key.as_deref().or(declared.secret).ok_or_else(|| {
            format!(
                "others sign `{}`: name a key pair of the key ring with `token.key`, whose public half is in the key set",
                declared.name
            )
        })?;
        let algorithm = self.algorithm.as_deref().or(declared.algorithms.first().copied()).unwrap_or("HS256");
        let mut header = json!({ "alg": algorithm, "typ": declared.typ.unwrap_or("JWT") });
        change(&mut header, &self.header);
        let mut claims = pinned(declared, now, id);
        change(&mut claims, &self.claims);
        let message = format!("{}.{}", part(&header), part(&claims));
        let mut signature = signature(ring, name, algorithm, message.as_bytes())?;
        if self.tamper {
            signature = tampered(&signature).ok_or("there is no signature to tamper with")?;
        }
        let claims = claims.as_object().cloned().unwrap_or_default();
        Ok(Signed { text: format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)), claims })
    }
}

/// The claims that a declaration pins.
fn pinned(declared: &TokenInfo<'_>, now: Timestamp, id: Option<&str>) -> Value {
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
    claims.extend(id.map(|id| ("jti".to_owned(), id.into())));
    claims.into()
}

/// The changes that the case makes to one part of a token.
fn change(fields: &mut Value, changes: &Map<String, Value>) {
    let Some(fields) = fields.as_object_mut() else { return };
    for (name, value) in changes {
        match value {
            Value::Null => drop(fields.shift_remove(name)),
            value => drop(fields.insert(name.clone(), value.clone())),
        }
    }
}

fn part(fields: &Value) -> String {
    URL_SAFE_NO_PAD.encode(fields.to_string())
}

/// The signature of a message by a key of the ring.
fn signature(ring: &Ring, name: &str, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, String> {
    if algorithm.eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    let material = ring.material(name).ok_or_else(|| match is_name(name) {
        true => format!("the key ring has no key `{name}`"),
        false => "`token.key` must be the name of a key on the key ring".to_owned(),
    })?;
    let known: Option<Algorithm> = algorithm.parse().ok();
    match (material, known) {
        // What anybody knows of a key pair makes no good MAC, and that is the classic confusion of keys.
        (
            Material::Secret(bytes) | Material::Pem(bytes) | Material::Jwk(bytes),
            Some(Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512),
        ) => by(known, EncodingKey::from_secret(bytes), message),
        // Under the name of another algorithm, it is an HMAC all the same: the same confusion the other way about.
        (Material::Secret(bytes), _) => by(Some(Algorithm::HS256), EncodingKey::from_secret(bytes), message),
        // These are never twice the same, and so the library doesn't make them.
        (Material::Pem(pem), Some(Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512)) => {
            by(known, EncodingKey::from_rsa_pem(pem), message)
        }
        _ => ring.keys().sign(name, algorithm, message),
    }
    .ok_or_else(|| unfit(name, algorithm))
}

fn by(algorithm: Option<Algorithm>, key: jsonwebtoken::errors::Result<EncodingKey>, message: &[u8]) -> Option<Vec<u8>> {
    let signer = (DEFAULT_PROVIDER.signer_factory)(&algorithm?, &key.ok()?).ok()?;
    signer.try_sign(message).ok()
}

fn unfit(name: &str, algorithm: &str) -> String {
    if algorithm.starts_with("PS") {
        return format!("the key `{name}` makes no such signature: it takes a private RSA key, written as `pem`");
    }
    format!(
        "the key `{name}` makes no such signature: it is the public half alone, of another kind, or for another algorithm; \
         name one that fits with `token.algorithm`"
    )
}

fn tampered(signature: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = signature.split_first()?;
    Some(iter::once(first ^ 1).chain(rest.iter().copied()).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jsonwebtoken::decode_header;
    use portcullis::{Facts, Policy, Source};

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_000, 0);

    /// Keys by the kinds of the library's tests.
    fn ring() -> Ring {
        let jwk = |text: &str| json!({ "jwk": serde_json::from_str::<Value>(text).unwrap() });
        let ring = Ring::new(json!({
            "SECRET": { "text": "a secret of sixty-four bytes, which is as long as HS512 needs it" },
            "P256": jwk(include_str!("../../../tests/keys/p256.jwk")),
            "P384": { "pem": include_str!("../../../tests/keys/p384.sec1.pem") },
            "ED25519": { "pem": include_str!("../../../tests/keys/ed25519.pem") },
            "RSA": { "pem": include_str!("../../../tests/keys/rsa2048.pem") },
            "RSA_AGAIN": jwk(include_str!("../../../tests/keys/rsa2048.jwk")),
            "RSA_PUBLIC": { "pem": include_str!("../../../tests/keys/rsa2048.public.pem") },
        }));
        ring.unwrap()
    }

    /// Signs a token of a policy whose tokens are signed by a key with an algorithm; the other half says whether it holds.
    fn signed(algorithm: &str, key: &str, token: Value) -> Result<(String, bool), String> {
        let text = format!(
            "policy p\nsecret {key}\ntoken t {{ algorithm {algorithm}  key {key}  issuer \"me\"  lifetime 15m  claims {{ sub: string }} }}"
        );
        let policy = Policy::compile(&[Source::new("p.gate", text)]).unwrap();
        let ring = ring();
        let declared = policy.tokens().next().unwrap();
        let signed = Token::new(token)?.sign(&declared, &ring, NOW, None)?;
        let verified = policy.bind(ring.keys()).unwrap().verify(declared.id, &signed.text, &Facts::default(), NOW);
        Ok((signed.text, verified.is_ok()))
    }

    fn good(algorithm: &str, key: &str) -> Result<(String, bool), String> {
        signed(algorithm, key, json!({ "kind": "t", "claims": { "sub": "u1" } }))
    }

    /// The claims, whoever signed them.
    fn claims(token: &str) -> Value {
        let payload = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }

    #[test]
    fn every_algorithm_has_good_tokens() {
        for (algorithm, key) in [
            ("HS256", "SECRET"),
            ("HS384", "SECRET"),
            ("HS512", "SECRET"),
            ("ES256", "P256"),
            ("ES384", "P384"),
            ("EdDSA", "ED25519"),
            ("RS256", "RSA"),
            ("RS512", "RSA_AGAIN"),
            ("PS256", "RSA"),
            ("PS512", "RSA"),
        ] {
            let (text, holds) = good(algorithm, key).unwrap();
            assert!(holds, "{algorithm}");
            assert_eq!(good(algorithm, key).unwrap().0 == text, !algorithm.starts_with("PS"), "{algorithm}");
        }
    }

    #[test]
    fn claims_are_filled_in_replaced_and_removed() {
        let (token, _) =
            signed("HS256", "SECRET", json!({ "kind": "t", "claims": { "sub": "u1", "iss": "you", "iat": null } }))
                .unwrap();
        assert_eq!(claims(&token), json!({ "iss": "you", "exp": 1_900, "sub": "u1" }));
    }

    #[test]
    fn headers_are_filled_in_replaced_and_removed() {
        let with = |header: Value| {
            let (token, _) = signed("HS256", "SECRET", json!({ "kind": "t", "header": header })).unwrap();
            decode_header(&token).unwrap()
        };
        let header = with(json!({ "kid": "1", "typ": "at+jwt" }));
        assert_eq!((header.kid.as_deref(), header.typ.as_deref()), (Some("1"), Some("at+jwt")));
        assert_eq!(with(json!({ "typ": null })).typ, None);
    }

    #[test]
    fn attacks() {
        let check = |algorithm: &str, key: &str, changes: Value| {
            let mut token = json!({ "kind": "t", "claims": { "sub": "u1" } });
            token.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            let (text, holds) = signed(algorithm, key, token).unwrap();
            assert!(!holds, "{changes}");
            text
        };
        check("HS256", "SECRET", json!({ "tamper": true }));
        check("ES256", "P256", json!({ "tamper": true }));
        check("HS256", "SECRET", json!({ "algorithm": "HS512" }));
        check("RS256", "RSA", json!({ "key": "SECRET" }));
        check("RS256", "RSA", json!({ "algorithm": "PS256" }));
        check("RS256", "RSA", json!({ "algorithm": "HS256", "key": "RSA_PUBLIC" }));
        check("HS256", "SECRET", json!({ "algorithm": "RS256", "key": "RSA" }));
        assert!(check("ES256", "P256", json!({ "algorithm": "none" })).ends_with('.'));
        let confused = check("HS256", "SECRET", json!({ "algorithm": "RS256" }));
        assert_eq!(decode_header(&confused).unwrap().alg, Algorithm::RS256);
    }

    #[test]
    fn mistakes_are_named() {
        let check = |token: Value, problem: &str| {
            let error = signed("ES256", "P256", token).unwrap_err();
            assert!(error.contains(problem) && !error.contains("HUSH"), "{error}");
        };
        check(json!({ "kind": "t", "claim": {} }), "unknown key `claim`");
        check(json!({ "kind": "t", "algorithm": "none", "tamper": true }), "no signature to tamper with");
        check(json!({ "kind": "t", "key": "NOBODYS" }), "the key ring has no key `NOBODYS`");
        check(json!({ "kind": "t", "key": "HUSH-HUSH" }), "`token.key` must be the name");
        check(json!({ "kind": "t", "key": "RSA" }), "name one that fits with `token.algorithm`");
        check(json!({ "kind": "t", "key": "RSA_PUBLIC", "algorithm": "RS256" }), "the public half alone");
        check(json!({ "kind": "t", "key": "RSA_AGAIN", "algorithm": "PS256" }), "written as `pem`");
    }
}
