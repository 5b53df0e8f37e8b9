//! JSON Web Tokens (RFC 7519), compact and signed (RFC 7515): text in, the declared claims out. What the header and the
//! claims must say is checked here, against the request's own time; nothing of a claim counts before the signature holds.

pub(crate) mod claims;
pub(crate) mod compact;
pub(crate) mod header;
pub(crate) mod raw;

use std::borrow::Cow;

use jiff::Timestamp;

use crate::collections::table::Id;
use crate::decide::callers::keys::BoundKeys;
use crate::decide::callers::token::claims::Claims;
pub(crate) use crate::decide::callers::token::compact::MAX_TOKEN;
use crate::decide::callers::token::compact::{Buffer, Compact};
use crate::decide::callers::token::header::Header;
use crate::keys::KeySet;
use crate::model::value::{Known, Value};
use crate::protocol::facts::Record;
use crate::typed::{Proof, Token, TokenCarrier, TypedPolicy};

/// A token taken apart, nothing of it checked but its form.
pub(crate) struct Unverified<'t> {
    compact: Compact<'t>,
    header: Cow<'static, Header>,
}

/// What a genuine token says.
pub(crate) struct Verified {
    /// In the order of their declarations.
    pub(crate) claims: Vec<Known<Value>>,
    /// `jti`, of a token that is good for one exchange.
    pub(crate) id: Option<String>,
    /// Why it doesn't hold any more, of one that is good for one exchange.
    pub(crate) ended: Option<&'static str>,
}

/// Takes a token apart.
pub(crate) fn parse(text: &str) -> Result<Unverified<'_>, &'static str> {
    let compact = Compact::parse(text)?;
    let header = Header::parse(compact.header)?;
    Ok(Unverified { compact, header })
}

impl Unverified<'_> {
    /// Of tokens that are carried alike, the kind that this one claims to be. It is picked once, before anything is verified:
    /// only that kind's key and rules count then.
    pub(crate) fn kind(&self, policy: &TypedPolicy, carrier: &TokenCarrier) -> Result<Id<Token>, &'static str> {
        let mut alike = policy.tokens.enumerate().filter(|(_, token)| token.carrier == *carrier);
        let (Some((first, _)), second) = (alike.next(), alike.next()) else {
            return Err("no kind of token is carried so");
        };
        if second.is_none() {
            return Ok(first);
        }
        let mut buffer = Buffer::new();
        let issuer = self.compact.payload(&mut buffer).ok().and_then(claims::issuer);
        let is_claimed = |token: &Token| {
            let issuer_fits = token.issuer.is_none() || token.issuer == issuer;
            issuer_fits && token.typ.as_deref().is_none_or(|pinned| self.header.has_typ(pinned))
        };
        let mut alike = policy.tokens.enumerate().filter(|(_, token)| token.carrier == *carrier);
        alike.find(|(_, token)| is_claimed(token)).map(|(kind, _)| kind).ok_or("the token is of no declared kind")
    }

    /// The name that the token gives its key.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header.key_id()
    }

    /// Checks everything that the declaration of the kind asks for. The set is the one that the declaration names, where it
    /// names one.
    pub(crate) fn verify(
        &self,
        policy: &TypedPolicy,
        kind: Id<Token>,
        (keys, set): (&BoundKeys, Option<&KeySet>),
        now: Timestamp,
    ) -> Result<Verified, &'static str> {
        let token = &policy.tokens[kind];
        let claims = self.genuine(policy, kind, (keys, set))?;
        claims.check(token, now)?;
        Ok(Verified { id: claims.id, claims: claims.declared, ended: None })
    }

    /// The same of a token that is to be exchanged or given up. One that has come to its end says so: it is worth a look all
    /// the same, as it tells of whoever has taken it.
    pub(crate) fn verify_member(
        &self,
        policy: &TypedPolicy,
        kind: Id<Token>,
        keys: &BoundKeys,
        now: Timestamp,
    ) -> Result<Verified, &'static str> {
        let token = &policy.tokens[kind];
        let claims = self.genuine(policy, kind, (keys, None))?;
        claims.check_beginning(token, now)?;
        let ended = claims.check(token, now).err();
        Ok(Verified { id: claims.id, claims: claims.declared, ended })
    }

    /// The claims of a token whose header and signature hold.
    fn genuine(
        &self,
        policy: &TypedPolicy,
        kind: Id<Token>,
        (keys, set): (&BoundKeys, Option<&KeySet>),
    ) -> Result<Claims, &'static str> {
        let token = &policy.tokens[kind];
        self.header.check(token)?;
        self.check_signature(token, kind, keys, set)?;
        Claims::parse(self.compact.payload(&mut Buffer::new())?, token, &policy.shapes)
    }

    /// The algorithm is one that the declaration names, and the key is one that it names for that.
    fn check_signature(
        &self,
        token: &Token,
        kind: Id<Token>,
        keys: &BoundKeys,
        set: Option<&KeySet>,
    ) -> Result<(), &'static str> {
        let mut buffer = Buffer::new();
        let signature = self.compact.signature(&mut buffer)?;
        let signed = self.compact.signed.as_bytes();
        let bound = || keys.token(kind).ok_or("the token's key isn't bound");
        let holds = match &token.proof {
            Proof::Hmac(algorithm, _) if self.header.is_signed_with(algorithm.name()) => {
                bound()?.verify_mac(*algorithm, signed, signature)
            }
            Proof::KeyPair(algorithm, _) if self.header.is_signed_with(algorithm.name()) => {
                bound()?.verify(*algorithm, signed, signature)
            }
            Proof::KeySet(algorithms, _) => {
                let algorithm = algorithms.iter().find(|algorithm| self.header.is_signed_with(algorithm.name()));
                let algorithm = *algorithm.ok_or(OTHER_ALGORITHM)?;
                let set = set.ok_or("the token's key set isn't known")?;
                set.select(self.key_id(), algorithm)?.verify(algorithm, signed, signature)
            }
            Proof::Hmac(..) | Proof::KeyPair(..) => return Err(OTHER_ALGORITHM),
            Proof::Opaque => return Err("the token is opaque"),
        };
        if holds { Ok(()) } else { Err("the token's signature doesn't verify") }
    }
}

const OTHER_ALGORITHM: &str = "the token's algorithm isn't a declared one";

/// The declared claims of a token that is to be issued, as whoever is shown it will read them.
pub(crate) fn issued(policy: &TypedPolicy, token: &Token, payload: &Record) -> Result<Vec<Known<Value>>, &'static str> {
    let text = serde_json::to_vec(payload).map_err(|_| "the token's claims can't be written")?;
    Ok(Claims::parse(&text, token, &policy.shapes)?.declared)
}

/// The declared claims of an opaque token, as the host knows them.
pub(crate) fn claims_of(
    policy: &TypedPolicy,
    token: &Token,
    known: &Record,
    now: Timestamp,
) -> Result<Vec<Known<Value>>, &'static str> {
    let text = serde_json::to_vec(known).map_err(|_| "the token's claims can't be read")?;
    let claims = Claims::parse(&text, token, &policy.shapes)?;
    claims.check_times(token, now)?;
    Ok(claims.declared)
}
