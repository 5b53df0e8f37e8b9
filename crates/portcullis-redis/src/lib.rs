//! Portcullis's limits and families of refresh tokens in Redis 7 or Valkey, shared by any number of machines.
//!
//! One script on the server makes all charges of a stage atomically. It computes the transitions of [`portcullis::limit`], to the last
//! integer. Charges that arrive while calls are under way share the next call. In a cluster, charges are atomic in each hash slot. If one
//! slot refuses, the charges in the others are refunded.
//!
//! ```no_run
//! use portcullis_redis::{Config, Redis};
//! use portcullis_store::Leased;
//!
//! # async fn example() -> Result<(), portcullis_redis::ConnectError> {
//! let store = Redis::connect("redis://127.0.0.1:6379", Config::default())?;
//! let store = Leased::new(store); // for limits with a `lease`
//! // For each question of a decision: portcullis_store::answer(&store, question, now).await
//! # Ok(())
//! # }
//! ```
//!
//! **Durability.** A charge is answered after the server has made it. Charges that a server loses may be admitted once more: in a crash
//! without `appendonly yes` and `appendfsync always`, or in a failover to a replica that lags. Run the server with
//! `maxmemory-policy noeviction`, or it evicts charges when it is full. With it, a full server refuses, and the limit's `on_failure` applies.
#![forbid(unsafe_code)]

mod batch;
mod breaker;
mod cluster;
mod config;
mod key;
mod link;
mod redis;
mod wire;

pub use config::{Clock, Config, ConnectError};
pub use redis::{Metrics, Redis};
