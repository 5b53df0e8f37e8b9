//! The host's use of a store: answers to a decision's questions, its effects, and the release of slots.

use jiff::Timestamp;
use portcullis::decision::Effect;
use portcullis::facts::TokenFact;
use portcullis::inquiry::{Answer, Question};
use portcullis::limit::Leasing;

use crate::store::{Store, StoreError};

/// The result of recording a decision's effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Recorded {
    /// Everything is written: send the decision's answer.
    Done,
    /// Another decision was first: discard this one, and decide the request again.
    Stale,
}

/// Answers questions about charges and families of refresh tokens. Returns none for other questions, and if the store fails: the question
/// stays open, and the limit's `on_failure` applies.
pub async fn answer<S: Store>(store: &S, question: &Question, now: Timestamp) -> Option<Answer> {
    match question {
        Question::Charge(charges) => {
            let charged = store.charge(charges, now, Leasing::Off).await.ok()?;
            Some(Answer::Charge(charged.outcomes))
        }
        Question::Token { id, .. } if !is_opaque(id) => {
            let family = store.family(id, now).await.ok()?;
            Some(Answer::Token(family.map(TokenFact::Family)))
        }
        _ => None,
    }
}

/// True if the token is opaque. The claims of such tokens are not in the store.
pub(crate) fn is_opaque(id: &str) -> bool {
    id.starts_with("sha256:")
}

/// Writes a decision's changes to families. The host calls it before it sends the decision's answer.
///
/// # Errors
///
/// Fails if it isn't known whether a change was written. The answer must not be sent, as another decision may have made the same change.
pub async fn record<S: Store>(store: &S, effects: &[Effect], now: Timestamp) -> Result<Recorded, StoreError> {
    for effect in effects {
        if let Effect::Family { id, read, state, expires } = effect
            && !store.swap_family(id, *read, state, *expires, now).await?
        {
            return Ok(Recorded::Stale);
        }
    }
    Ok(Recorded::Done)
}

/// Releases the slots of a request. The host calls it after it has sent the answer.
///
/// # Errors
///
/// Returns the error of the first slot that can't be released, after all have been tried.
pub async fn finish<S: Store>(store: &S, effects: &[Effect]) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    for effect in effects {
        if let Effect::Slot { bucket, slot } = effect {
            outcome = outcome.and(store.release(bucket, *slot).await);
        }
    }
    outcome
}
