//! JSON Web Tokens (RFC 7519), compact and signed (RFC 7515). The `jsonwebtoken` crate checks signatures; what
//! the header and the claims must say is checked here, against the request's own time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Number, Value as Json};

use crate::check::typed::{Claim, HmacAlgorithm, Token, Type, bare_typ};
use crate::model::table::{Id, Table};
use crate::model::value::{Known, Value};
use crate::shape::Shape;

use super::fact::{By, typed};
use super::json;

/// The longest token in bytes. A token of a browser has to fit into a header of 8 KiB with other things.
const MAX_TOKEN: usize = 8 * 1024;
/// How deeply a token's arrays and objects may nest.
const MAX_DEPTH: usize = 32;
const NANOSECONDS: i128 = 1_000_000_000;

type Object = Map<String, Json>;

/// A compact token taken apart, nothing about it checked but its form.
pub(super) struct Compact<'t> {
    /// What is signed: header, dot, payload.
    signed: &'t str,
    signature: Vec<u8>,
    header: Object,
    payload: Vec<u8>,
}

/// Takes a token apart (RFC 7515 §5.2), strictly: three parts of canonical base64url, a header that is an object.
pub(super) fn parse(token: &str) -> Result<Compact<'_>, &'static str> {
    if token.len() > MAX_TOKEN {
        return Err("the token is longer than 8 KiB");
    }
    let parts =
        token.rsplit_once('.').and_then(|(signed, signature)| Some((signed, signed.split_once('.')?, signature)));
    let Some((signed, (header, payload), signature)) = parts.filter(|(_, (_, payload), _)| !payload.contains('.'))
    else {
        return Err("the token doesn't have three parts");
    };
    let decode = |part| URL_SAFE_NO_PAD.decode::<&str>(part);
    let (Ok(header), Ok(payload), Ok(signature)) = (decode(header), decode(payload), decode(signature)) else {
        return Err("a part of the token isn't canonical base64url");
    };
    let Ok(Json::Object(header)) = json::parse(&header, MAX_DEPTH) else {
        return Err("the token's header isn't a JSON object");
    };
    Ok(Compact { signed, signature, header, payload })
}

impl Compact<'_> {
    /// Of tokens that are carried alike, the kind that this one claims to be. It is picked once, before anything
    /// is verified: only that kind's key and rules count then.
    pub(super) fn kind<'p>(&self, kinds: &[(Id<Token>, &'p Token)]) -> Option<(Id<Token>, &'p Token)> {
        if let [only] = kinds {
            return Some(*only);
        }
        let payload = json::parse(&self.payload, MAX_DEPTH).ok()?;
        let issuer = payload.get("iss").and_then(Json::as_str);
        let typ = self.header.get("typ").and_then(Json::as_str);
        let matches = |token: &Token| {
            let issuer_fits = token.issuer.as_deref().is_none_or(|pinned| issuer == Some(pinned));
            let typ_fits = token.typ.as_deref().is_none_or(|pinned| typ.is_some_and(|typ| same_typ(typ, pinned)));
            issuer_fits && typ_fits
        };
        kinds.iter().copied().find(|(_, token)| matches(token))
    }

    /// Checks everything that the declaration asks for; what comes out are the declared claims, in its order.
    pub(super) fn verify(
        &self,
        token: &Token,
        (algorithm, key): (HmacAlgorithm, &DecodingKey),
        now: Timestamp,
        shapes: &Table<Shape>,
    ) -> Result<Vec<Known<Value>>, &'static str> {
        self.check_header(token, algorithm)?;
        self.check_signature(algorithm, key)?;
        let Ok(Json::Object(claims)) = json::parse(&self.payload, MAX_DEPTH) else {
            return Err("the token's claims aren't a JSON object without duplicate keys");
        };
        check_names(&claims, token)?;
        check_times(&claims, token, now)?;
        token.claims.iter().map(|claim| read_claim(&claims, claim, shapes)).collect()
    }

    fn check_header(&self, token: &Token, algorithm: HmacAlgorithm) -> Result<(), &'static str> {
        if self.header.get("alg").and_then(Json::as_str) != Some(algorithm.name()) {
            return Err("the token's algorithm isn't the declared one");
        }
        // RFC 7515 §4.1.11: what isn't understood must not be ignored; RFC 7797 §7: `b64` has no place in a JWT.
        if self.header.contains_key("crit") || self.header.contains_key("b64") {
            return Err("the token's header has critical extensions");
        }
        // RFC 7519 §5.2: a nested token says so; none is asked for here.
        if let Some(cty) = self.header.get("cty")
            && cty.as_str().is_none_or(|cty| same_typ(cty, "JWT"))
        {
            return Err("the token holds another token");
        }
        if let Some(pinned) = &token.typ {
            let typ = self.header.get("typ").and_then(Json::as_str);
            if !typ.is_some_and(|typ| same_typ(typ, pinned)) {
                return Err("the token isn't of the declared `typ`");
            }
        }
        Ok(())
    }

    fn check_signature(&self, algorithm: HmacAlgorithm, key: &DecodingKey) -> Result<(), &'static str> {
        const FAILED: &str = "the token's signature doesn't verify";
        let algorithm = match algorithm {
            HmacAlgorithm::Hs256 => Algorithm::HS256,
            HmacAlgorithm::Hs384 => Algorithm::HS384,
            HmacAlgorithm::Hs512 => Algorithm::HS512,
        };
        // The crate's own entry asks a process-wide setting which provider to use, and panics where another
        // dependency has switched a second one on.
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&algorithm, key).map_err(|_| FAILED)?;
        verifier.verify(self.signed.as_bytes(), &self.signature).map_err(|_| FAILED)
    }
}

fn same_typ(written: &str, pinned: &str) -> bool {
    bare_typ(written) == bare_typ(pinned)
}

fn check_names(claims: &Object, token: &Token) -> Result<(), &'static str> {
    if let Some(pinned) = &token.issuer
        && claims.get("iss").and_then(Json::as_str) != Some(pinned)
    {
        return Err("the token is from another issuer");
    }
    if !token.audiences.is_empty() {
        let ours = |audience: &Json| {
            audience.as_str().is_some_and(|audience| token.audiences.iter().any(|pinned| pinned == audience))
        };
        let meant = match claims.get("aud") {
            // RFC 7519 §4.1.3: one string, or a list of nothing but strings.
            Some(Json::Array(audiences)) => audiences.iter().all(Json::is_string) && audiences.iter().any(ours),
            Some(one) => ours(one),
            None => false,
        };
        if !meant {
            return Err("the token is for another audience");
        }
    }
    Ok(())
}

/// RFC 7519 §4.1.4 to §4.1.6, all in nanoseconds, which no number of seconds overflows.
fn check_times(claims: &Object, token: &Token, now: Timestamp) -> Result<(), &'static str> {
    let now = now.as_nanosecond();
    let leeway = token.leeway.as_nanos();
    let expires = time(claims, "exp")?.ok_or("the token has no `exp`")?;
    if now >= expires.saturating_add(leeway) {
        return Err("the token has expired");
    }
    if time(claims, "nbf")?.is_some_and(|not_before| not_before > now.saturating_add(leeway)) {
        return Err("the token isn't valid yet");
    }
    let issued = time(claims, "iat")?;
    if issued.is_some_and(|issued| issued > now.saturating_add(leeway)) {
        return Err("the token was issued in the future");
    }
    // Without `iat`, it was issued now at the latest.
    let lives = expires.saturating_sub(issued.unwrap_or(now));
    if token.lifetime.is_some_and(|lifetime| lives > lifetime.as_nanos().saturating_add(leeway)) {
        return Err("the token claims to live longer than the declared lifetime");
    }
    Ok(())
}

/// A NumericDate: a number of seconds, not negative (RFC 7519 §2).
fn time(claims: &Object, name: &str) -> Result<Option<i128>, &'static str> {
    const WRONG: &str = "a time in the token isn't a number of seconds";
    let Some(value) = claims.get(name) else { return Ok(None) };
    let Json::Number(number) = value else { return Err(WRONG) };
    match nanoseconds(number) {
        Some(time) if time >= 0 => Ok(Some(time)),
        _ => Err(WRONG),
    }
}

fn nanoseconds(number: &Number) -> Option<i128> {
    if let Some(seconds) = number.as_i64() {
        return Some(i128::from(seconds) * NANOSECONDS);
    }
    if let Some(seconds) = number.as_u64() {
        return Some(i128::from(seconds) * NANOSECONDS);
    }
    let seconds = number.as_f64().filter(|seconds| seconds.is_finite())?;
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and so far a token never lives")]
    Some((seconds * 1e9) as i128)
}

fn read_claim(claims: &Object, claim: &Claim, shapes: &Table<Shape>) -> Result<Known<Value>, &'static str> {
    match claims.get(&claim.name) {
        None | Some(Json::Null) if claim.optional => Ok(Known::Absent),
        None => Err("the token lacks a required claim"),
        // Where it is a time of the token itself, it is a number (RFC 7519 §4.1).
        Some(_) if claim.ty == Type::Timestamp && ["exp", "nbf", "iat"].contains(&claim.name.as_str()) => {
            let time = time(claims, &claim.name)?.and_then(|time| Timestamp::from_nanosecond(time).ok());
            time.map(|time| Known::Value(Value::Timestamp(time))).ok_or("a time in the token is out of range")
        }
        Some(json) => typed(json, &claim.ty, shapes, By::Host)
            .map(Known::Value)
            .ok_or("a claim of the token is of the wrong type"),
    }
}
