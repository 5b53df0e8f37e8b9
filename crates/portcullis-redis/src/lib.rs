//! Portcullis's limits and families of refresh tokens in Redis 7 or Valkey, shared by any number of machines.
//!
//! A stage's charges are one script on the server: the transitions of [`portcullis::limit`], to the last integer, with nothing
//! in between. Charges that wait while others are on their way go out together in the next call. In a cluster, charges are
//! atomic in each hash slot; where they lie in several and one is refused, the others are given back.
//!
//! ```no_run
//! use portcullis_redis::{Config, Redis};
//! use portcullis_store::Leased;
//!
//! # async fn example() -> Result<(), portcullis_redis::ConnectError> {
//! let store = Redis::connect("redis://127.0.0.1:6379", Config::default())?;
//! let store = Leased::new(store); // where limits have a `lease`
//! // For each question of a decision: portcullis_store::answer(&store, question, now).await
//! # Ok(())
//! # }
//! ```
//!
//! **Durability.** A charge is answered when the server has made it. What a server forgets, by a crash without
//! `appendonly yes` and `appendfsync always` or by a failover to a replica that lags, may be admitted once more. Run it with
//! `maxmemory-policy noeviction`, or it forgets when it is full; then it refuses, and the limit's `on_failure` holds.
#![forbid(unsafe_code)]

mod batch;
mod breaker;
mod config;
mod key;
mod link;
mod redis;
mod spread;
mod wire;

pub use config::{Clock, Config, ConnectError};
pub use redis::{Metrics, Redis};
