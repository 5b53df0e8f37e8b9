//! Authentication: the credential in the headers, its token, and the caller that the token makes.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;

use crate::collections::table::Id;
use crate::decide::callers::identity::{mapped, vouched_for};
use crate::decide::callers::keys::BoundKeys;
use crate::decide::callers::token;
use crate::decide::callers::token::{TokenProblem, VerifyContext};
use crate::decide::denial::Denial;
use crate::decide::headers::{Repeated, at_most_one, is_token_byte};
use crate::decide::lookup::Lookup;
use crate::decide::ready::Ready;
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

/// The result of authentication.
pub(crate) enum Authenticated<'r> {
    Caller(Identity<'r>),
    /// The credential is missing or invalid; the denial says which.
    Anonymous(Denial),
    /// The credential can't be read.
    Malformed(Denial),
}

/// The sources that authentication reads.
pub(crate) struct Authenticator<'a, 'r> {
    pub(crate) policy: &'a TypedPolicy,
    pub(crate) keys: &'a BoundKeys,
    pub(crate) request: &'a Request<'r>,
    pub(crate) lookup: &'a Lookup<'r>,
}

impl<'r> Authenticator<'_, 'r> {
    pub(crate) fn authenticate(&self) -> Authenticated<'r> {
        let credential = match credential(self.policy, self.request.headers) {
            Ok(credential) => credential,
            Err(denial) => return Authenticated::Malformed(denial),
        };
        if let Some(user) = self.request.user.filter(|user| !user.id.is_empty()) {
            return match credential.as_ref().and_then(Credential::malformed) {
                Some(denial) => Authenticated::Malformed(denial),
                None => Authenticated::Caller(vouched_for(self.policy, user)),
            };
        }
        let Some(credential) = credential else { return Authenticated::Anonymous(missing()) };
        match self.identify(&credential) {
            Ok(identity) => Authenticated::Caller(identity),
            // A valid token needs no check of its characters.
            Err(denial) => credential.malformed().map_or(Authenticated::Anonymous(denial), Authenticated::Malformed),
        }
    }

    fn identify(&self, credential: &Credential<'_>) -> Result<Identity<'static>, Denial> {
        let policy = self.policy;
        let opaque = |token: &Token| token.proof == Proof::Opaque && token.carrier == *credential.carrier;
        if let Some((kind, token)) = policy.tokens.enumerate().find(|(_, token)| opaque(token)) {
            if let Some(malformed) = credential.malformed() {
                return Err(malformed);
            }
            return identity_of(policy, kind, &self.opaque_claims(token, &credential.text)?);
        }
        let unverified = token::parse(&credential.text).map_err(invalid_token)?;
        let kind = unverified.kind(policy, credential.carrier).map_err(invalid_token)?;
        let key_set = match policy.tokens[kind].proof {
            Proof::KeySet(_, set) => Some(self.key_set(set, &unverified)?),
            Proof::Hmac(..) | Proof::KeyPair(..) | Proof::Opaque => None,
        };
        let context = VerifyContext { policy, keys: self.keys, key_set, now: self.request.now };
        let verified = unverified.verify(kind, context).map_err(invalid_token)?;
        identity_of(policy, kind, &verified.claims)
    }

    /// The key set that a token's declaration names: the request's, or else the key ring's.
    fn key_set(&self, set: Id<typed::KeySet>, token: &token::Unverified<'_>) -> Result<&KeySet, Denial> {
        let declared = &self.policy.key_sets[set];
        let known = self.lookup.key_set(declared, self.keys.set(set), || token.key_id().map(ToOwned::to_owned));
        known.ok_or_else(|| {
            let message = format!("nothing is known of the token's key set `{}`", declared.name);
            Denial::new(Code::KeysUnknown, Stage::Authenticate, message)
        })
    }

    /// The claims that the host keeps of an opaque token. The token is looked up by its digest, so that the time that this
    /// takes tells nothing of any token, and a stolen store has none.
    fn opaque_claims(&self, token: &Token, text: &str) -> Result<Vec<Known<Value>>, Denial> {
        let unknown =
            || Denial::new(Code::TokenUnknown, Stage::Authenticate, "nothing is known of the token").at(token.span);
        match self.lookup.token(&token.name, &opaque_id(text)) {
            Known::Value(TokenFact::Claims(claims)) => {
                token::claims_of(self.policy, token, claims, self.request.now).map_err(invalid_token)
            }
            Known::Value(TokenFact::Family(_)) | Known::Unknown => Err(unknown()),
            Known::Absent => Err(invalid_token(NO_SUCH_TOKEN)),
        }
    }
}

/// The credential of a request.
struct Credential<'r> {
    carrier: &'r TokenCarrier,
    text: Cow<'r, str>,
}

impl Credential<'_> {
    /// The denial of a bearer token that has forbidden characters.
    fn malformed(&self) -> Option<Denial> {
        let is_several = *self.carrier == TokenCarrier::Bearer && !is_b64token(&self.text);
        is_several.then(|| unreadable("the `Authorization` header holds more than one token"))
    }
}

/// The one credential of a request. A bearer token always is one. A cookie or another header is one if a `user` block maps
/// its token. Two credentials are an error, as they may name two callers.
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
            TokenCarrier::Header(name) => header_token(name, headers)?.map(Cow::Borrowed),
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

/// The token in a header of its own.
fn header_token<'r>(name: &str, headers: &'r HeaderMap) -> Result<Option<&'r str>, Denial> {
    let line =
        at_most_one(headers, name).map_err(|Repeated| unreadable("there are two headers of the token's name"))?;
    let Some(line) = line else { return Ok(None) };
    let text = line.to_str().map_err(|_| unreadable("the token's header isn't ASCII"))?.trim_matches(' ');
    if text.is_empty() { Err(unreadable("the token's header is empty")) } else { Ok(Some(text)) }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1). Another scheme is no credential.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Denial> {
    let line = at_most_one(headers, header::AUTHORIZATION)
        .map_err(|Repeated| unreadable("there are two `Authorization` headers"))?;
    let Some(line) = line else { return Ok(None) };
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

/// RFC 6750 §2.1, `b64token`. The loop has no early exit, so that it is vectorised.
fn is_b64token(token: &str) -> bool {
    let is_fine = |byte: u8| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        // `-`, `.`, `/` and the digits.
        let digit = byte.wrapping_sub(b'-') <= b'9' - b'-';
        letter | digit | (byte == b'_') | (byte == b'~') | (byte == b'+') | (byte == b'=')
    };
    token.bytes().fold(0, |bad, byte| bad | u8::from(!is_fine(byte))) == 0
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
    let key_set = match &token.proof {
        Proof::Opaque => {
            let claims = match facts.token(&opaque_id(text)) {
                Known::Value(TokenFact::Claims(claims)) => token::claims_of(policy, token, claims, now),
                Known::Value(TokenFact::Family(_)) | Known::Unknown => return Err("nothing is known of the token"),
                Known::Absent => return Err(NO_SUCH_TOKEN),
            };
            return claims.map(|claims| token.claims_as_record(&claims)).map_err(TokenProblem::message);
        }
        Proof::KeySet(_, set) => facts.key_sets.get(&policy.key_sets[*set].name).or(keys.set(*set)),
        Proof::Hmac(..) | Proof::KeyPair(..) => None,
    };
    let verified = token::parse(text)?.verify(kind, VerifyContext { policy, keys, key_set, now });
    verified.map(|verified| token.claims_as_record(&verified.claims)).map_err(TokenProblem::message)
}

const NO_SUCH_TOKEN: &str = "there is no such token";

/// The id of an opaque token in facts and questions.
pub(crate) fn opaque_id(text: &str) -> String {
    format!("sha256:{}", sha256(text))
}

fn identity_of(policy: &TypedPolicy, kind: Id<Token>, claims: &[Known<Value>]) -> Result<Identity<'static>, Denial> {
    let mapping = policy.mappings.iter().find(|mapping| mapping.token == kind);
    let mapping = mapping.ok_or_else(|| invalid_token("no user is made from this kind of token"))?;
    mapped(policy, mapping, kind, claims).map_err(invalid_token)
}

static CHALLENGE: [Header; 1] = challenge("Bearer");
static INVALID: [Header; 1] = challenge("Bearer error=\"invalid_token\"");
static EXPIRED: [Header; 1] = challenge("Bearer error=\"invalid_token\", error_description=\"the token has expired\"");
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
pub(crate) fn invalid_token(problem: impl Into<TokenProblem>) -> Denial {
    let problem = problem.into();
    let challenge = match problem {
        TokenProblem::Expired => &EXPIRED,
        TokenProblem::Other(_) => &INVALID,
    };
    challenged(Code::InvalidToken, problem.message(), challenge)
}

/// The challenge of an invalid token, with another code.
pub(crate) fn challenged_as_invalid(code: Code, why: &'static str) -> Denial {
    challenged(code, why, &INVALID)
}

/// A bare challenge, which doesn't say what is wrong with the credential.
pub(crate) fn challenged_alone(code: Code, why: &'static str) -> Denial {
    challenged(code, why, &CHALLENGE)
}

/// RFC 6750 §3.1, `invalid_request`.
fn unreadable(why: &'static str) -> Denial {
    challenged(Code::InvalidRequest, why, &UNREADABLE)
}
