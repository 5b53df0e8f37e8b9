//! A circuit breaker: after a failure, calls fail at once for a while. This bounds the calls that wait for a server that has stopped.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portcullis_store::StoreError;
use tokio::time::Instant;

use crate::config::Config;
use crate::link::Failed;

#[derive(Debug)]
pub(crate) struct Breaker {
    first: Duration,
    longest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Is `None` while the store answers.
    failing: Option<Failing>,
    /// True if a refusal has been logged since the last success.
    is_refusal_logged: bool,
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

    /// True if a call may be made now. After a pause, one call is allowed as a probe.
    pub(crate) fn allows_call(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failing) = &mut state.failing else { return true };
        let now = Instant::now();
        if now < failing.until {
            return false;
        }
        failing.until = now + failing.pause;
        true
    }

    /// Records the result of a call.
    pub(crate) fn record<T>(&self, called: Result<T, Failed>) -> Result<T, StoreError> {
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
        if state.failing.is_some() || state.is_refusal_logged {
            tracing::info!("the store answers again");
            *state = State::default();
        }
    }

    /// The server answers with an error.
    fn refused(&self, error: &StoreError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failing = None;
        if !std::mem::replace(&mut state.is_refusal_logged, true) {
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
    async fn pauses_grow_and_one_call_probes_at_their_end() {
        let config = Config::default().with_pauses(Duration::from_millis(50), Duration::from_millis(150));
        let breaker = Breaker::new(&config);
        assert!(breaker.allows_call() && breaker.allows_call());
        for pause in [50, 100, 150, 150] {
            breaker.failed(&StoreError::Away("for the test".to_owned()));
            tokio::time::advance(Duration::from_millis(pause - 1)).await;
            assert!(!breaker.allows_call(), "{pause}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(breaker.allows_call(), "{pause}");
            assert!(!breaker.allows_call(), "one call alone probes");
        }
        breaker.succeeded();
        assert!(breaker.allows_call() && breaker.allows_call());
    }
}
