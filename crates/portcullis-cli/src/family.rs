//! Families of `single_use` tokens, as the host of a case or of an experiment would know them.

use jiff::{SignedDuration, Timestamp};
use portcullis::Facts;
use portcullis::facts::TokenFact;
use portcullis::token::{FamilyState, TokenInfo};
use portcullis::value::Known;

/// The `jti` that a case's token has where its claims don't say another: the family, a dot, and the token's own name.
pub(crate) const OF_CASES: &str = "family.1";

/// The state of the family of a case's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The token is the one that holds.
    Live,
    /// Nobody knows.
    Unknown,
    /// There is no such family.
    None,
    /// It was taken out of use.
    Revoked,
    /// The token was exchanged before, and long ago.
    Rotated,
    /// Its time is over.
    Expired,
}

impl Standing {
    /// The names that cases may say.
    const ALL: [(&str, Self); 6] = [
        ("live", Self::Live),
        ("unknown", Self::Unknown),
        ("none", Self::None),
        ("revoked", Self::Revoked),
        ("rotated", Self::Rotated),
        ("expired", Self::Expired),
    ];

    pub(crate) fn new(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, standing)| standing);
        found.ok_or_else(|| {
            let known = Self::ALL.map(|(name, _)| name).join("`, `");
            format!("`token.family` must be one of `{known}`")
        })
    }
}

/// The family that a token's `jti` names.
pub(crate) fn of(jti: &str) -> Option<&str> {
    jti.split_once('.').map(|(family, _)| family).filter(|family| !family.is_empty())
}

/// The state of a family whose first token this is.
pub(crate) fn begin(token: &str, declared: &TokenInfo<'_>, now: Timestamp) -> FamilyState {
    let lifetime = declared.lifetime.and_then(|lifetime| SignedDuration::try_from(lifetime).ok()).unwrap_or_default();
    let ends = now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
    FamilyState::begin(token, ends, ends)
}

/// Puts into the facts how a token's family stands: as the case says, or as the facts say already, or live.
pub(crate) fn add(
    facts: &mut Facts,
    family: &str,
    token: &str,
    standing: Option<Standing>,
    (declared, now): (&TokenInfo<'_>, Timestamp),
) {
    if standing.is_none() && facts.token(family) != Known::Unknown {
        return;
    }
    let live = begin(token, declared, now);
    let state = match standing.unwrap_or(Standing::Live) {
        Standing::Unknown => {
            *facts = std::mem::take(facts).without_token(family);
            return;
        }
        Standing::None => None,
        Standing::Live => Some(live),
        Standing::Revoked => Some(FamilyState { revoked: true, ..live }),
        Standing::Expired => Some(FamilyState { expires: now, ends: now, ..live }),
        // The one that holds is another.
        Standing::Rotated => Some(FamilyState { version: 3, generation: 2, ..begin("", declared, now) }),
    };
    *facts = std::mem::take(facts).with_token(family, state.map(TokenFact::Family));
}
