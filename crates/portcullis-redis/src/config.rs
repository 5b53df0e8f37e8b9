//! The configuration of a store.

use std::time::Duration;

/// The clock of charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// The server's clock: one for all machines. In a cluster, each shard has its own.
    #[default]
    Server,
    /// The host's clock, whose time each call carries. A machine whose clock is ahead, by up to a minute, stops time for the others. If a
    /// machine whose clock is behind charges first, up to one rate more is admitted.
    Host,
}

/// The configuration of a store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The longest duration of a call, including the connection; 250 ms by default. After that, the limit's `on_failure` applies.
    pub timeout: Duration,
    /// The pause without calls after the first failure; 50 ms by default. Each further failure doubles it, up to `longest_pause`.
    pub first_pause: Duration,
    /// The longest pause without calls; 1 s by default.
    pub longest_pause: Duration,
    /// The clock of charges; the server's by default.
    pub clock: Clock,
    /// The prefix of every key; `portcullis` by default. The keys of buckets have the policy's name behind it.
    pub prefix: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(250),
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(1),
            clock: Clock::default(),
            prefix: "portcullis".to_owned(),
        }
    }
}

impl Config {
    /// Sets the timeout.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets the clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Sets the prefix of keys.
    pub fn with_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// Sets the pauses after failures.
    pub fn with_pauses(self, first: Duration, longest: Duration) -> Self {
        Self { first_pause: first, longest_pause: longest, ..self }
    }
}

/// An error that no retry can fix. Its text has no part of the URL, which may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is invalid.
    #[error(
        "the URL isn't one of a Redis server: write `redis://HOST:PORT`, or with the feature `tls` `rediss://HOST:PORT`"
    )]
    Url,
    /// There is no tokio runtime.
    #[error("a connection needs tokio's runtime: connect inside of it")]
    Runtime,
}
