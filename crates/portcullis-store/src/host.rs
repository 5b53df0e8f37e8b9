//! What a host does with a store: it answers a decision's questions, records its effects, and gives back what the request held.

use jiff::Timestamp;
use portcullis::decision::Effect;
use portcullis::facts::TokenFact;
use portcullis::inquiry::{Answer, Question};
use portcullis::limit::Leasing;

use crate::store::{Store, StoreError};

/// Whether a decision holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Recorded {
    /// All is written: answer it.
    Done,
    /// Somebody else was first: discard the decision, and decide the request again.
    Stale,
}

/// Answers the questions that a store can: charges, and the families of refresh tokens. Nothing for the others, and nothing where
/// the store doesn't answer: the question stays open, and the limit's `on_failure` holds.
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

/// True if a token's id is that of an opaque token, whose claims no store has.
pub(crate) fn is_opaque(id: &str) -> bool {
    id.starts_with("sha256:")
}

/// Writes what a decision says of families, before it is answered.
///
/// # Errors
///
/// Where nobody knows whether it was written: the decision must not be answered, as somebody else may have the same.
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

/// Gives back the slots that a request held, once it is answered.
///
/// # Errors
///
/// Of the first that can't be given back. All are tried.
pub async fn finish<S: Store>(store: &S, effects: &[Effect]) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    for effect in effects {
        if let Effect::Slot { bucket, slot } = effect {
            outcome = outcome.and(store.release(bucket, *slot).await);
        }
    }
    outcome
}
