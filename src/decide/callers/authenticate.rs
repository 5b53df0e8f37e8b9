//! Who is calling: the credential in the headers, the token it holds, and the caller that it makes.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;

use crate::collections::table::Id;
use crate::decide::callers::identity::{mapped, vouched_for};
use crate::decide::callers::keys::BoundKeys;
use crate::decide::callers::token;
use crate::decide::lookup::Lookup;
use crate::decide::{Denial, Ready};
use crate::eval::cookies;
use crate::eval::cookies::Unclear;
use crate::eval::identity::Identity;
use crate::keys::KeySet;
use crate::model::digest::sha256;
use crate::model::headers::Header;
use crate::model::reason::{Code, Stage};
use crate::model::value::{Known, Value};
use crate::protocol::account::TokenFact;
use crate::protocol::facts::{Facts, Record};
use crate::protocol::request::Request;
use crate::typed;
use crate::typed::{Proof, Token, TokenCarrier, TypedPolicy};

/// What came of authenticating.
pub(crate) enum Authenticated<'r> {
    Known(Identity<'r>),
    /// No credential, or one that doesn't hold; the denial says which.
    Nobody(Denial),
    /// A credential that can't even be read.
    Malformed(Denial),
}

/// Finds out who is calling.
pub(crate) fn authenticate<'r>(
    policy: &TypedPolicy,
    keys: &BoundKeys,
    request: &Request<'r>,
    lookup: &Lookup<'_>,
) -> Authenticated<'r> {
    let credential = match credential(policy, request.headers) {
        Ok(credential) => credential,
        Err(denial) => return Authenticated::Malformed(denial),
    };
    if let Some(user) = request.user.filter(|user| !user.id.is_empty()) {
        let malformed = credential.as_ref().and_then(Credential::malformed);
        return malformed.map_or_else(|| Authenticated::Known(vouched_for(policy, user)), Authenticated::Malformed);
    }
    let Some(credential) = credential else { return Authenticated::Nobody(missing()) };
    match identified(policy, keys, request, lookup, &credential) {
        Ok(identity) => Authenticated::Known(identity),
        // Of a token that holds, every character has been looked at.
        Err(denial) => credential.malformed().map_or_else(|| Authenticated::Nobody(denial), Authenticated::Malformed),
    }
}

/// What a request brings to prove who sends it.
struct Credential<'r> {
    carrier: &'r TokenCarrier,
    text: Cow<'r, str>,
}

impl Credential<'_> {
    /// What is wrong with it before anybody asks what it is.
    fn malformed(&self) -> Option<Denial> {
        let is_several = *self.carrier == TokenCarrier::Bearer && !is_b64token(&self.text);
        is_several.then(|| unreadable("the `Authorization` header holds more than one token"))
    }
}

/// The one credential that came. A bearer token is one anywhere; a cookie and another header are, where a user is made
/// from what they carry. Of two, nobody could say which was meant.
fn credential<'r>(policy: &'r TypedPolicy, headers: &'r HeaderMap) -> Result<Option<Credential<'r>>, Denial> {
    let bearer = bearer(headers)?.map(Cow::Borrowed);
    let mut found = bearer.map(|text| Credential { carrier: &TokenCarrier::Bearer, text });
    for (at, mapping) in policy.mappings.iter().enumerate() {
        let carrier = &policy.tokens[mapping.token].carrier;
        let earlier = policy.mappings.iter().take(at);
        if earlier.map(|mapping| &policy.tokens[mapping.token].carrier).any(|known| known == carrier) {
            continue;
        }
        let text = match carrier {
            TokenCarrier::Cookie(name) => cookies::find(name, headers).map_err(unclear)?,
            TokenCarrier::Header(name) => alone(name, headers)?.map(Cow::Borrowed),
            TokenCarrier::Bearer | TokenCarrier::Body(_) => None,
        };
        if let Some(text) = text {
            if found.is_some() {
                return Err(unreadable("the request has credentials in two places"));
            }
            found = Some(Credential { carrier, text });
        }
    }
    Ok(found)
}

fn unclear(why: Unclear) -> Denial {
    unreadable(match why {
        Unclear::Twice => "there are two cookies of the token's name",
        Unclear::Malformed => "the token's cookie is malformed",
    })
}

/// A token in a header of its own.
fn alone<'r>(name: &str, headers: &'r HeaderMap) -> Result<Option<&'r str>, Denial> {
    let mut lines = headers.get_all(name).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(unreadable("there are two headers of the token's name"));
    }
    let text = line.to_str().map_err(|_| unreadable("the token's header isn't ASCII"))?.trim_matches(' ');
    if text.is_empty() { Err(unreadable("the token's header is empty")) } else { Ok(Some(text)) }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1). Another scheme is no credential.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Denial> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(unreadable("there are two `Authorization` headers"));
    }
    let Ok(text) = std::str::from_utf8(line.as_bytes()) else {
        return Err(unreadable("the `Authorization` header isn't ASCII"));
    };
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    if scheme.is_empty() || !scheme.bytes().all(is_token_byte) {
        return Err(unreadable("the `Authorization` header doesn't begin with a scheme"));
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    let token = rest.trim_matches(' ');
    if token.is_empty() {
        return Err(unreadable("the `Authorization` header has a scheme, but no token"));
    }
    Ok(Some(token))
}

/// RFC 6750 §2.1, `b64token`. Without a way out in between, many bytes are looked at in one step.
fn is_b64token(token: &str) -> bool {
    let is_fine = |byte: u8| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        // From `-` to `9` stand `-`, `.`, `/` and the digits.
        let digit = byte.wrapping_sub(b'-') <= b'9' - b'-';
        letter | digit | (byte == b'_') | (byte == b'~') | (byte == b'+') | (byte == b'=')
    };
    token.bytes().fold(0, |bad, byte| bad | u8::from(!is_fine(byte))) == 0
}

/// RFC 9110 §5.6.2, `tchar`.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn identified(
    policy: &TypedPolicy,
    keys: &BoundKeys,
    request: &Request<'_>,
    lookup: &Lookup<'_>,
    credential: &Credential<'_>,
) -> Result<Identity<'static>, Denial> {
    let opaque = |token: &Token| token.proof == Proof::Opaque && token.carrier == *credential.carrier;
    if let Some((kind, token)) = policy.tokens.enumerate().find(|(_, token)| opaque(token)) {
        if let Some(malformed) = credential.malformed() {
            return Err(malformed);
        }
        let claims = looked_up(policy, token, (lookup, request.now), &credential.text)?;
        return identity_of(policy, kind, &claims);
    }
    let unverified = token::parse(&credential.text).map_err(invalid_token)?;
    let kind = unverified.kind(policy, credential.carrier).map_err(invalid_token)?;
    let set = match policy.tokens[kind].proof {
        Proof::KeySet(_, set) => Some(key_set(policy, set, keys, lookup, &unverified)?),
        Proof::Hmac(..) | Proof::KeyPair(..) | Proof::Opaque => None,
    };
    let verified = unverified.verify(policy, kind, (keys, set), request.now).map_err(invalid_token)?;
    identity_of(policy, kind, &verified.claims)
}

/// The set that a token's declaration names, as the host said with the request, or else with its key ring.
fn key_set<'k>(
    policy: &TypedPolicy,
    set: Id<typed::KeySet>,
    keys: &'k BoundKeys,
    lookup: &'k Lookup<'_>,
    token: &token::Unverified<'_>,
) -> Result<&'k KeySet, Denial> {
    let declared = &policy.key_sets[set];
    let known = lookup.key_set(declared, keys.set(set), || token.key_id().map(ToOwned::to_owned));
    known.ok_or_else(|| {
        let message = format!("nothing is known of the token's key set `{}`", declared.name);
        Denial::new(Code::KeysUnknown, Stage::Authenticate, message)
    })
}

/// The declared claims of a token outside any request.
pub(crate) fn verify_token(
    Ready { policy, keys, .. }: Ready<'_>,
    kind: Id<Token>,
    text: &str,
    facts: &Facts,
    now: Timestamp,
) -> Result<Record, &'static str> {
    let token = &policy.tokens[kind];
    let claims = match &token.proof {
        Proof::Opaque => match facts.token(&known_by(text)) {
            Known::Value(TokenFact::Claims(claims)) => token::claims_of(policy, token, claims, now)?,
            Known::Value(TokenFact::Family(_)) | Known::Unknown => return Err("nothing is known of the token"),
            Known::Absent => return Err(NO_SUCH_TOKEN),
        },
        Proof::KeySet(_, set) => {
            let set = facts.key_set(&policy.key_sets[*set].name).or(keys.set(*set));
            token::parse(text)?.verify(policy, kind, (keys, set), now)?.claims
        }
        Proof::Hmac(..) | Proof::KeyPair(..) => token::parse(text)?.verify(policy, kind, (keys, None), now)?.claims,
    };
    Ok(token.claims_as_record(&claims))
}

/// What the host knows of an opaque token. It is looked up by its digest, so that how long that takes tells nothing of
/// any token, and a stolen store holds none.
fn looked_up(
    policy: &TypedPolicy,
    token: &Token,
    (lookup, now): (&Lookup<'_>, Timestamp),
    text: &str,
) -> Result<Vec<Known<Value>>, Denial> {
    let unknown =
        || Denial::new(Code::TokenUnknown, Stage::Authenticate, "nothing is known of the token").at(token.span);
    match lookup.token(&token.name, &known_by(text)) {
        Known::Value(TokenFact::Claims(claims)) => token::claims_of(policy, token, claims, now).map_err(invalid_token),
        Known::Value(TokenFact::Family(_)) | Known::Unknown => Err(unknown()),
        Known::Absent => Err(invalid_token(NO_SUCH_TOKEN)),
    }
}

const NO_SUCH_TOKEN: &str = "there is no such token";

/// What an opaque token is known by.
pub(crate) fn known_by(text: &str) -> String {
    format!("sha256:{}", sha256(text))
}

fn identity_of(policy: &TypedPolicy, kind: Id<Token>, claims: &[Known<Value>]) -> Result<Identity<'static>, Denial> {
    let mapping = policy.mappings.iter().find(|mapping| mapping.token == kind);
    let mapping = mapping.ok_or_else(|| invalid_token("no user is made from this kind of token"))?;
    mapped(policy, mapping, kind, claims).map_err(invalid_token)
}

static CHALLENGE: [Header; 1] = challenge("Bearer");
static INVALID: [Header; 1] = challenge("Bearer error=\"invalid_token\"");
static TOO_OLD: [Header; 1] = challenge("Bearer error=\"invalid_token\", error_description=\"the token has expired\"");
static UNREADABLE: [Header; 1] = challenge("Bearer error=\"invalid_request\"");

const fn challenge(value: &'static str) -> [Header; 1] {
    [(header::WWW_AUTHENTICATE, HeaderValue::from_static(value))]
}

fn challenged(code: Code, why: &'static str, challenge: &'static [Header]) -> Denial {
    Denial { headers: Cow::Borrowed(challenge), ..Denial::new(code, Stage::Authenticate, why) }
}

/// RFC 6750 §3: without credentials, a bare challenge.
pub(crate) fn missing() -> Denial {
    challenged(Code::CredentialMissing, "the request has no credential", &CHALLENGE)
}

/// RFC 6750 §3.1, `invalid_token`.
pub(crate) fn invalid_token(why: &'static str) -> Denial {
    challenged(Code::InvalidToken, why, if why == EXPIRED { &TOO_OLD } else { &INVALID })
}

/// The same, for what isn't told apart from a bad token.
pub(crate) fn challenged_as_invalid(code: Code, why: &'static str) -> Denial {
    challenged(code, why, &INVALID)
}

/// Asks for a credential, and says nothing of what is wrong with the one that came.
pub(crate) fn challenged_alone(code: Code, why: &'static str) -> Denial {
    challenged(code, why, &CHALLENGE)
}

/// The one thing about a bad token that its owner must know, and that an attacker can read off it anyway.
pub(crate) const EXPIRED: &str = "the token has expired";

/// RFC 6750 §3.1, `invalid_request`.
fn unreadable(why: &'static str) -> Denial {
    challenged(Code::InvalidRequest, why, &UNREADABLE)
}
