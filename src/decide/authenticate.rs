//! Who is calling: the credential in the headers, the token it holds, and the caller that it makes.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use smallvec::SmallVec;

use super::keys::BoundKeys;
use crate::check::typed::{Attribute, Mapping, Proof, Role, Scope, Token, TokenCarrier, TypedPolicy};
use crate::model::reason::{Code, Stage};
use crate::model::request::{Record, Request, User};
use crate::model::table::Id;
use crate::model::value::{Known, Value};

use super::Denial;
use super::cookie::{self, Unclear};
use super::datum::{Datum, Items};
use super::evaluate::{Circumstances, Thing, evaluate};
use super::fact;
use super::jwt;
use super::read::Attributes;

/// An authenticated caller.
#[derive(Debug)]
pub(super) struct Identity<'r> {
    pub(super) id: Cow<'r, str>,
    /// The roles that came with them and that the policy knows. What is granted to the roles that these extend is
    /// granted to these.
    pub(super) roles: SmallVec<[Id<Role>; 8]>,
    pub(super) role_names: Cow<'r, [String]>,
    /// A tier that the policy knows.
    pub(super) tier: Option<Cow<'r, str>>,
    /// What caps the roles, where something does.
    pub(super) scopes: Option<Cow<'r, [String]>>,
    /// Those of them that the policy knows.
    pub(super) known_scopes: SmallVec<[Id<Scope>; 8]>,
    pub(super) attributes: Claimed<'r>,
    pub(super) token: Option<Id<Token>>,
}

/// The attributes of a caller.
#[derive(Debug)]
pub(super) enum Claimed<'r> {
    /// On the host's word, to be looked at when they are read.
    Given(&'r Record),
    /// In the order of the policy's attributes.
    Slots(Vec<Known<Value>>),
}

impl Identity<'_> {
    /// The attributes that the caller has, by name.
    pub(super) fn values<'p>(&self, policy: &'p TypedPolicy) -> Vec<(&'p str, Value)> {
        let value = |id: Id<Attribute>| match &self.attributes {
            Claimed::Given(record) => {
                let declared = &policy.attributes[id];
                fact::made(record.get(&declared.name), declared, &policy.shapes)
            }
            Claimed::Slots(slots) => slots.get(id.row()).cloned().unwrap_or(Known::Unknown),
        };
        let named = |id: Id<Attribute>| Some((policy.attributes[id].name.as_str(), value(id).value()?));
        policy.attributes.ids().filter_map(named).collect()
    }

    pub(super) fn attributes(&self) -> Option<Attributes<'_>> {
        Some(match &self.attributes {
            Claimed::Given(record) => Attributes::Given(record),
            Claimed::Slots(slots) => Attributes::Slots(slots),
        })
    }
}

/// What came of authenticating.
pub(super) enum Caller<'r> {
    Known(Identity<'r>),
    /// No credential, or one that doesn't hold; the denial says which.
    Nobody(Denial),
    /// A credential that can't even be read.
    Malformed(Denial),
}

/// Finds out who is calling.
pub(super) fn authenticate<'r>(policy: &TypedPolicy, keys: &BoundKeys, request: &Request<'r>) -> Caller<'r> {
    let credential = match credential(policy, request.headers) {
        Ok(credential) => credential,
        Err(denial) => return Caller::Malformed(denial),
    };
    if let Some(user) = request.user.filter(|user| !user.id.is_empty()) {
        return Caller::Known(vouched_for(policy, user));
    }
    let Some(credential) = credential else { return Caller::Nobody(missing()) };
    match identified(policy, keys, request, &credential) {
        Ok(identity) => Caller::Known(identity),
        Err(why) => Caller::Nobody(invalid_token(why)),
    }
}

/// What a request brings to prove who sends it.
struct Credential<'r> {
    carrier: &'r TokenCarrier,
    text: Cow<'r, str>,
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
            TokenCarrier::Cookie(name) => cookie::find(name, headers).map_err(unclear)?.map(Cow::Owned),
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
    let Ok(text) = line.to_str() else { return Err(unreadable("the `Authorization` header isn't ASCII")) };
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
    if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
        return Err(unreadable("the `Authorization` header holds more than one token"));
    }
    Ok(Some(token))
}

/// RFC 9110 §5.6.2, `tchar`.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn identified(
    policy: &TypedPolicy,
    keys: &BoundKeys,
    request: &Request<'_>,
    credential: &Credential<'_>,
) -> Result<Identity<'static>, &'static str> {
    let alike = policy.tokens.enumerate().filter(|(_, token)| token.carrier == *credential.carrier);
    let alike: Vec<(Id<Token>, &Token)> = alike.collect();
    if let [(_, only)] = alike.as_slice()
        && let Some(why) = only.proof.unverifiable()
    {
        return Err(why);
    }
    let compact = jwt::parse(&credential.text)?;
    let (kind, _) = compact.kind(&alike).ok_or("the token is of no declared kind")?;
    let claims = verified(policy, keys, request, kind, &compact)?;
    let mapping = policy.mappings.iter().find(|mapping| mapping.token == kind);
    let mapping = mapping.ok_or("no user is made from this kind of token")?;
    mapped(policy, mapping, kind, &claims)
}

/// The claims of a token that is genuine, of the kind that it was taken for, and in force.
pub(super) fn verified(
    policy: &TypedPolicy,
    keys: &BoundKeys,
    request: &Request<'_>,
    kind: Id<Token>,
    compact: &jwt::Compact<'_>,
) -> Result<Vec<Known<Value>>, &'static str> {
    let token = &policy.tokens[kind];
    let Proof::Hmac(algorithm, _) = token.proof else {
        return Err(token.proof.unverifiable().unwrap_or("the token can't be verified"));
    };
    let key = keys.token(kind).ok_or("the token's key isn't bound")?;
    compact.verify(token, (algorithm, key), request.now, &policy.shapes)
}

fn mapped(
    policy: &TypedPolicy,
    mapping: &Mapping,
    token: Id<Token>,
    claims: &[Known<Value>],
) -> Result<Identity<'static>, &'static str> {
    let environment = &Circumstances { claims, ..Circumstances::empty(policy) }.about(Thing::None);
    let id = match evaluate(&mapping.id, environment) {
        Known::Value(Datum::Text(id)) if !id.is_empty() => id.into_owned(),
        _ => return Err("the token doesn't say who the user is"),
    };
    let role_names = match mapping.roles.as_ref().map(|roles| evaluate(roles, environment)) {
        Some(Known::Value(Datum::List(names))) => texts(names),
        Some(_) | None => Vec::new(),
    };
    let tier = match mapping.tier.as_ref().map(|tier| evaluate(tier, environment)) {
        Some(Known::Value(Datum::Text(tier))) => Some(tier.into_owned()),
        Some(_) | None => None,
    };
    // A mapping with scopes caps its callers, also those that come with none.
    let scopes = mapping.scopes.as_ref().map(|scopes| evaluate(scopes, environment)).map(|scopes| match scopes {
        Known::Value(Datum::Text(text)) => text.split_ascii_whitespace().map(ToOwned::to_owned).collect(),
        Known::Value(Datum::List(names)) => texts(names),
        Known::Value(_) | Known::Absent | Known::Unknown => Vec::new(),
    });
    let attribute = |expr| match evaluate(expr, environment) {
        Known::Value(value) => Known::Value(value.into_value()),
        Known::Absent => Known::Absent,
        Known::Unknown => Known::Unknown,
    };
    Ok(identity(
        policy,
        Identity {
            id: id.into(),
            roles: SmallVec::new(),
            role_names: role_names.into(),
            tier: tier.map(Cow::Owned),
            scopes: scopes.map(Cow::Owned),
            known_scopes: SmallVec::new(),
            attributes: Claimed::Slots(mapping.attributes.iter().map(attribute).collect()),
            token: Some(token),
        },
    ))
}

/// A caller of the host's own word. Attributes follow the rulings on facts: what is missing is absent where it
/// is optional, else unknown, and so is what has the wrong type.
pub(super) fn vouched_for<'r>(policy: &TypedPolicy, user: &'r User) -> Identity<'r> {
    identity(
        policy,
        Identity {
            id: Cow::Borrowed(&user.id),
            roles: SmallVec::new(),
            role_names: Cow::Borrowed(user.roles.as_deref().unwrap_or_default()),
            tier: user.tier.as_deref().map(Cow::Borrowed),
            scopes: user.scopes.as_deref().map(Cow::Borrowed),
            known_scopes: SmallVec::new(),
            attributes: Claimed::Given(&user.attributes),
            token: None,
        },
    )
}

/// Finds out which of a caller's roles, scopes and tiers the policy knows.
fn identity<'r>(policy: &TypedPolicy, claimed: Identity<'r>) -> Identity<'r> {
    let Identity { role_names, scopes, .. } = &claimed;
    let roles = role_names.iter().filter_map(|name| policy.role_names.find(name)).collect();
    let scopes = scopes.iter().flat_map(|scopes| scopes.iter());
    let known_scopes = scopes.filter_map(|name| policy.scope_names.find(name)).collect();
    let known_tier = |name: &Cow<'_, str>| policy.tiers.iter().any(|tier| tier.name == *name);
    Identity { roles, known_scopes, tier: claimed.tier.filter(known_tier), ..claimed }
}

fn texts(items: Items<'_>) -> Vec<String> {
    items
        .into_list()
        .iter()
        .filter_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

const CHALLENGE: HeaderName = header::WWW_AUTHENTICATE;

/// RFC 6750 §3: without credentials, a bare challenge.
pub(super) fn missing() -> Denial {
    Denial::new(Code::CredentialMissing, Stage::Authenticate, "the request has no credential")
        .with_header(CHALLENGE, HeaderValue::from_static("Bearer"))
}

/// RFC 6750 §3.1, `invalid_token`.
pub(super) fn invalid_token(why: &'static str) -> Denial {
    let challenge = if why == EXPIRED {
        "Bearer error=\"invalid_token\", error_description=\"the token has expired\""
    } else {
        "Bearer error=\"invalid_token\""
    };
    Denial::new(Code::InvalidToken, Stage::Authenticate, why)
        .with_header(CHALLENGE, HeaderValue::from_static(challenge))
}

/// The one thing about a bad token that its owner must know, and that an attacker can read off it anyway.
const EXPIRED: &str = "the token has expired";

/// RFC 6750 §3.1, `invalid_request`.
fn unreadable(why: &'static str) -> Denial {
    Denial::new(Code::InvalidRequest, Stage::Authenticate, why)
        .with_header(CHALLENGE, HeaderValue::from_static("Bearer error=\"invalid_request\""))
}
