//! How a store is reached.

use std::time::Duration;

/// Whose clock charges go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// The server's: one clock for all machines. In a cluster, each shard has its own.
    #[default]
    Server,
    /// The host's, as each call brings it. A machine that is ahead, by up to a minute, makes time stand still for the others; where
    /// one that is behind charges first, up to one rate more is admitted.
    Host,
}

/// How a store is reached.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// How long a call may take, connecting included; 250 ms where nothing is said. After that, the limit's `on_failure` holds.
    pub timeout: Duration,
    /// How long the store isn't asked after it failed: at first, and doubled with each failure up to `longest_pause`. 50 ms,
    /// and 1 s.
    pub first_pause: Duration,
    /// The longest time until the store is asked again: 1 s where nothing is said.
    pub longest_pause: Duration,
    /// Whose clock charges go by.
    pub clock: Clock,
    /// What every key begins with: `portcullis` where nothing is said. Buckets have the policy's name behind it.
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
    /// The same, with another timeout.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The same, by another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The same, with other keys.
    pub fn with_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// The same, with other pauses after failures.
    pub fn with_pauses(self, first: Duration, longest: Duration) -> Self {
        Self { first_pause: first, longest_pause: longest, ..self }
    }
}

/// Why there can't be a connection, now or later. It repeats nothing of the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL can't be read.
    #[error(
        "the URL isn't one of a Redis server: write `redis://HOST:PORT`, or with the feature `tls` `rediss://HOST:PORT`"
    )]
    Url,
    /// There is no runtime to connect with.
    #[error("a connection needs tokio's runtime: connect inside of it")]
    Runtime,
}
