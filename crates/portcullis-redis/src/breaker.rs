//! A store that has failed isn't asked for a while: whoever would wait for it in vain is told at once, and what piles up before a
//! server that has stopped is bounded.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portcullis_store::StoreError;
use tokio::time::Instant;

use crate::config::Config;
use crate::link::Failed;

/// Whether a store may be asked.
#[derive(Debug)]
pub(crate) struct Breaker {
    first: Duration,
    longest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// None while the store answers.
    failing: Option<Failing>,
    /// Whether it was told that the store refuses.
    is_refusal_told: bool,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    pause: Duration,
    until: Instant,
}

impl Breaker {
    pub(crate) fn new(config: &Config) -> Self {
        Self { first: config.first_pause, longest: config.longest_pause, state: Mutex::default() }
    }

    /// Whether the store may be asked now. Of those who come after a pause, the first is let through, to see; the others when it
    /// has seen.
    pub(crate) fn lets_through(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failing) = &mut state.failing else { return true };
        let now = Instant::now();
        if now < failing.until {
            return false;
        }
        failing.until = now + failing.pause;
        true
    }

    /// Takes note of how a call went.
    pub(crate) fn heed<T>(&self, called: Result<T, Failed>) -> Result<T, StoreError> {
        match called {
            Err(Failed { error, is_away: true }) => {
                self.failed(&error);
                Err(error)
            }
            Err(Failed { error, .. }) => {
                self.refused(&error);
                Err(error)
            }
            Ok(answer) => {
                self.succeeded();
                Ok(answer)
            }
        }
    }

    fn succeeded(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failing.is_some() || state.is_refusal_told {
            tracing::info!("the store answers again");
            *state = State::default();
        }
    }

    /// It is there, and doesn't do what it is asked to.
    fn refused(&self, error: &StoreError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failing = None;
        if !std::mem::replace(&mut state.is_refusal_told, true) {
            tracing::warn!(%error, "limits go by their `on_failure`");
        }
    }

    fn failed(&self, error: &StoreError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = match state.failing {
            None => {
                tracing::warn!(%error, "limits go by their `on_failure`");
                self.first
            }
            Some(failing) => failing.pause.saturating_mul(2).min(self.longest),
        };
        state.failing = Some(Failing { pause, until: Instant::now() + pause });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_one_looks_at_their_end() {
        let config = Config::default().with_pauses(Duration::from_millis(50), Duration::from_millis(150));
        let breaker = Breaker::new(&config);
        assert!(breaker.lets_through() && breaker.lets_through());
        for pause in [50, 100, 150, 150] {
            breaker.failed(&StoreError::Away("for the test".to_owned()));
            tokio::time::advance(Duration::from_millis(pause - 1)).await;
            assert!(!breaker.lets_through(), "{pause}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(breaker.lets_through(), "{pause}");
            assert!(!breaker.lets_through(), "one alone looks");
        }
        breaker.succeeded();
        assert!(breaker.lets_through() && breaker.lets_through());
    }
}
