//! What becomes of a family of refresh tokens when one of them is presented (RFC 9700 §4.14.2). Pure transitions from state
//! to state; whoever keeps them writes each back by compare-and-swap, so that of two exchanges at once one wins.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use crate::decide::callers::entropy::Entropy;
use crate::model::digest::sha256;
use crate::protocol::family::{ExchangedToken, FamilyState};
use crate::typed::Token;

/// What a token's declaration says of its families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// How long a family lives.
    lifetime: SignedDuration,
    /// How long each of its tokens holds.
    idle: SignedDuration,
    /// For how long an exchange may be repeated.
    grace: SignedDuration,
}

impl Terms {
    pub(crate) fn of(token: &Token) -> Self {
        let lifetime = token.lifetime.unwrap_or(SignedDuration::ZERO);
        let single_use = token.single_use;
        Self {
            lifetime,
            idle: single_use.and_then(|single_use| single_use.idle).unwrap_or(lifetime),
            grace: single_use.map_or(SignedDuration::ZERO, |single_use| single_use.grace),
        }
    }

    /// When no token of a family that begins now holds any more.
    pub(crate) fn ends(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.lifetime).unwrap_or(Timestamp::MAX)
    }

    /// When a token that is issued now to a family stops holding.
    pub(crate) fn expires(&self, now: Timestamp, ends: Timestamp) -> Timestamp {
        now.checked_add(self.idle).unwrap_or(Timestamp::MAX).min(ends)
    }
}

/// How a genuine token of a family stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It holds.
    Live,
    /// It was exchanged a moment ago by the same client, whom the answer may not have reached.
    Repeated,
    /// It was exchanged before: two have it, and one of them stole it.
    Reused,
    /// It doesn't hold, for a reason that accuses nobody.
    Refused(&'static str),
}

/// How a token stands in its family, as the host keeps that.
pub(crate) fn standing(
    text: &str,
    state: &FamilyState,
    terms: &Terms,
    now: Timestamp,
    client: Option<&str>,
) -> Standing {
    if state.revoked {
        return Standing::Refused("the token's family was revoked");
    }
    if now >= state.ends || now >= state.expires {
        return Standing::Refused("the token's family has expired");
    }
    // Of a version that can't rise, two writes would both be the next one.
    if state.version == u64::MAX {
        return Standing::Refused("the state of the token's family can't be changed any more");
    }
    let digest = sha256(text);
    if is_same(&digest, &state.current) {
        return Standing::Live;
    }
    let Some(parent) = state.parent.as_ref().filter(|parent| is_same(&digest, &parent.digest)) else {
        return Standing::Reused;
    };
    // A clock that went backwards gives a thief no more time than one that stood still.
    let is_recent = now.duration_since(parent.at).abs() < terms.grace;
    // Of two clients that nobody knows, nobody can say that they are one.
    let is_same_client = client.is_some() && client == parent.client.as_deref();
    if is_recent && is_same_client && parent.successor.is_some() { Standing::Repeated } else { Standing::Reused }
}

/// The state of a family whose first token this is.
pub(crate) fn start(text: &str, terms: &Terms, now: Timestamp) -> FamilyState {
    let ends = terms.ends(now);
    FamilyState::begin(text, terms.expires(now, ends), ends)
}

/// A token that is exchanged for another, and by whom.
pub(crate) struct Exchange<'a> {
    /// The one that holds so far.
    pub(crate) presented: &'a str,
    pub(crate) successor: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) client: Option<String>,
}

/// The state of a family after an exchange. `None` only where no random bytes can be had.
pub(crate) fn rotate(
    state: &FamilyState,
    terms: &Terms,
    exchange: Exchange<'_>,
    entropy: &Entropy<'_>,
) -> Option<FamilyState> {
    let Exchange { presented, successor, now, client } = exchange;
    let sealed = if terms.grace.is_zero() { None } else { Some(seal(presented, successor, entropy)?) };
    Some(FamilyState {
        version: state.version.saturating_add(1),
        generation: state.generation.saturating_add(1),
        current: sha256(successor),
        parent: Some(ExchangedToken { digest: state.current.clone(), at: now, client, successor: sealed }),
        expires: terms.expires(now, state.ends),
        ends: state.ends,
        revoked: false,
    })
}

/// What a token was exchanged for, if it is the one that was.
pub(crate) fn successor(presented: &str, state: &FamilyState) -> Option<Zeroizing<String>> {
    unseal(presented, state.parent.as_ref()?.successor.as_deref()?)
}

/// The state of a family that is taken out of use. What was sealed in it is of no use any more.
pub(crate) fn revoke(state: &FamilyState) -> FamilyState {
    let parent = state.parent.clone().map(|parent| ExchangedToken { successor: None, ..parent });
    FamilyState { version: state.version.saturating_add(1), parent, revoked: true, ..state.clone() }
}

/// Digests tell nothing of tokens; how long a comparison takes tells nothing of digests.
fn is_same(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// What every sealed successor is bound to.
const PURPOSE: &[u8] = b"portcullis refresh successor 1";

/// Whoever has the token that was exchanged can read what it was exchanged for, and whoever has the store alone can't.
fn sealing_key(presented: &str) -> Option<LessSafeKey> {
    let prk = Salt::new(HKDF_SHA256, PURPOSE).extract(presented.as_bytes());
    let mut bytes = Zeroizing::new([0; 32]);
    prk.expand(&[b"key"], KeyBytes).ok()?.fill(&mut *bytes).ok()?;
    UnboundKey::new(&AES_256_GCM, &*bytes).ok().map(LessSafeKey::new)
}

struct KeyBytes;

impl KeyType for KeyBytes {
    fn len(&self) -> usize {
        32
    }
}

fn seal(presented: &str, successor: &str, entropy: &Entropy<'_>) -> Option<String> {
    let nonce: [u8; NONCE_LEN] = entropy.expand("successor nonce")?;
    let mut sealed = successor.as_bytes().to_vec();
    let key = sealing_key(presented)?;
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(PURPOSE), &mut sealed).ok()?;
    Some(URL_SAFE_NO_PAD.encode([&nonce, sealed.as_slice()].concat()))
}

fn unseal(presented: &str, sealed: &str) -> Option<Zeroizing<String>> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(sealed).ok()?);
    let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>()?;
    let mut text = Zeroizing::new(text.to_vec());
    let key = sealing_key(presented)?;
    let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(PURPOSE), &mut text).ok()?;
    std::str::from_utf8(opened).ok().map(|text| Zeroizing::new(text.to_owned()))
}

/// A token's id, and before the dot its family's.
pub(crate) fn new_id(entropy: &Entropy<'_>, kind: &str, family: Option<&str>) -> Option<String> {
    let family = match family {
        Some(family) => family.to_owned(),
        None => random(entropy, &format!("family {kind}"))?,
    };
    Some(format!("{family}.{}", token_id(entropy, kind)?))
}

/// The id of a token of no family.
pub(crate) fn token_id(entropy: &Entropy<'_>, kind: &str) -> Option<String> {
    random(entropy, &format!("token {kind}"))
}

fn random(entropy: &Entropy<'_>, label: &str) -> Option<String> {
    Some(URL_SAFE_NO_PAD.encode(entropy.expand::<16>(label)?))
}

/// The family that a token's id names.
pub(crate) fn family_of(id: &str) -> Option<&str> {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    id.split_once('.').filter(|(family, token)| is_part(family) && is_part(token)).map(|(family, _)| family)
}
