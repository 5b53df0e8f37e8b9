//! Families of refresh tokens: pure transitions from state to state (RFC 9700 §4.14.2). The host writes each state by
//! compare-and-swap, so that one of two concurrent exchanges wins.

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

/// The durations that a token's declaration gives its families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefreshPolicy {
    /// The lifetime of a family.
    lifetime: SignedDuration,
    /// The lifetime of each of its tokens.
    idle: SignedDuration,
    /// The time in which an exchange may be repeated.
    grace: SignedDuration,
}

impl RefreshPolicy {
    pub(crate) fn of(token: &Token) -> Self {
        let lifetime = token.lifetime.unwrap_or(SignedDuration::ZERO);
        let single_use = token.single_use;
        Self {
            lifetime,
            idle: single_use.and_then(|single_use| single_use.idle).unwrap_or(lifetime),
            grace: single_use.map_or(SignedDuration::ZERO, |single_use| single_use.grace),
        }
    }

    /// The end of a family that begins now.
    pub(crate) fn ends(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.lifetime).unwrap_or(Timestamp::MAX)
    }

    /// The expiry of a token that is issued now to a family.
    pub(crate) fn expires(&self, now: Timestamp, ends: Timestamp) -> Timestamp {
        now.checked_add(self.idle).unwrap_or(Timestamp::MAX).min(ends)
    }
}

/// The status of a genuine token in its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshStatus {
    Live,
    /// The same client exchanged it a moment ago, and may not have received the response.
    Repeated,
    /// It was exchanged before: two clients have it, and one of them stole it.
    Reused,
    /// It is invalid for a reason other than theft.
    Refused(&'static str),
}

pub(crate) fn status(
    text: &str,
    state: &FamilyState,
    policy: &RefreshPolicy,
    now: Timestamp,
    client: Option<&str>,
) -> RefreshStatus {
    if state.revoked {
        return RefreshStatus::Refused("the token's family was revoked");
    }
    if now >= state.ends || now >= state.expires {
        return RefreshStatus::Refused("the token's family has expired");
    }
    // A version that can't rise would let two concurrent writes succeed.
    if state.version == u64::MAX {
        return RefreshStatus::Refused("the state of the token's family can't be changed any more");
    }
    let digest = sha256(text);
    if is_same(&digest, &state.current) {
        return RefreshStatus::Live;
    }
    let Some(parent) = state.parent.as_ref().filter(|parent| is_same(&digest, &parent.digest)) else {
        return RefreshStatus::Reused;
    };
    // `abs`: a clock that goes backwards gives a thief no more time.
    let is_recent = now.duration_since(parent.at).abs() < policy.grace;
    // Two unknown clients aren't known to be the same.
    let is_same_client = client.is_some() && client == parent.client.as_deref();
    if is_recent && is_same_client && parent.successor.is_some() {
        RefreshStatus::Repeated
    } else {
        RefreshStatus::Reused
    }
}

/// The state of a new family with its first token.
pub(crate) fn start(text: &str, policy: &RefreshPolicy, now: Timestamp) -> FamilyState {
    let ends = policy.ends(now);
    FamilyState::begin(text, policy.expires(now, ends), ends)
}

/// The exchange of a token for its successor.
pub(crate) struct Exchange<'a> {
    pub(crate) presented: &'a str,
    pub(crate) successor: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) client: Option<String>,
}

/// The state of a family after an exchange. `None` only where no random bytes can be had.
pub(crate) fn rotate(
    state: &FamilyState,
    policy: &RefreshPolicy,
    exchange: Exchange<'_>,
    entropy: &Entropy<'_>,
) -> Option<FamilyState> {
    let Exchange { presented, successor, now, client } = exchange;
    let sealed = if policy.grace.is_zero() { None } else { Some(seal(presented, successor, entropy)?) };
    Some(FamilyState {
        version: state.version.saturating_add(1),
        generation: state.generation.saturating_add(1),
        current: sha256(successor),
        parent: Some(ExchangedToken { digest: state.current.clone(), at: now, client, successor: sealed }),
        expires: policy.expires(now, state.ends),
        ends: state.ends,
        revoked: false,
    })
}

/// The successor of a token that was exchanged.
pub(crate) fn successor(presented: &str, state: &FamilyState) -> Option<Zeroizing<String>> {
    unseal(presented, state.parent.as_ref()?.successor.as_deref()?)
}

/// The state of a revoked family. It has no sealed successor.
pub(crate) fn revoke(state: &FamilyState) -> FamilyState {
    let parent = state.parent.clone().map(|parent| ExchangedToken { successor: None, ..parent });
    FamilyState { version: state.version.saturating_add(1), parent, revoked: true, ..state.clone() }
}

/// Compares digests in constant time.
fn is_same(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

const PURPOSE: &[u8] = b"portcullis refresh successor 1";

/// The key that seals a successor. It comes from the exchanged token, so that a stolen store reveals no successor.
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

/// A token's id: the family's id, a dot, and random characters.
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
