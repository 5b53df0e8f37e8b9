//! The state of a limit's bucket, as hosts keep it between decisions.

use serde::{Deserialize, Serialize};

/// What a limit remembers of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketState {
    /// Rises by one with every admitted charge, so that a host can write it back by compare-and-swap.
    pub version: u64,
    /// What was admitted, oldest first.
    pub log: Vec<Admission>,
}

/// Admissions at one moment: when, in microseconds since 1970, and how much they cost together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Admission(pub i64, pub u64);
