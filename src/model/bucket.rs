//! The state of a limit's bucket, as hosts keep it between decisions.

use serde::{Deserialize, Serialize};

/// What a limit remembers of one key.
///
/// As JSON it is the version and one list, named for the algorithm: `{ "version": 1, "log": […] }`. All times and
/// periods are in microseconds, the times since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Document")]
pub struct BucketState {
    /// Rises by one with every state that a decision gives, so that a host can write it back by compare-and-swap.
    pub version: u64,
    /// What was used, as the limit's algorithm counts it. What another algorithm counted says nothing to a limit whose
    /// algorithm was changed: its bucket is a fresh one.
    #[serde(flatten)]
    pub usage: Usage,
}

/// What was used of a bucket. Of the windows and of the token bucket there is one entry a period: rates of one period
/// share it, so that a caller's tier or a policy's rate can change while it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Usage {
    /// `sliding_log`: what was admitted, oldest first.
    Log(Vec<Admission>),
    /// `fixed_window`
    FixedWindow(Vec<FixedWindow>),
    /// `sliding_window`
    SlidingWindow(Vec<SlidingWindow>),
    /// `token_bucket`
    TokenBucket(Vec<TokenBucket>),
}

impl Default for Usage {
    fn default() -> Self {
        Self::Log(Vec::new())
    }
}

/// Admissions at one moment: when, and how much they cost together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Admission(pub i64, pub u64);

/// A window that begins at a multiple of its period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedWindow {
    /// How long it is.
    pub period: i64,
    /// When it began.
    pub start: i64,
    /// What was admitted in it.
    pub count: u64,
}

/// A window that begins at a multiple of its period, and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlidingWindow {
    /// How long each is.
    pub period: i64,
    /// When the later one began.
    pub start: i64,
    /// What was admitted in the earlier one.
    pub previous: u64,
    /// What was admitted in the later one.
    pub current: u64,
}

/// A token bucket as one moment (GCRA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBucket {
    /// How long the rate's count takes to come back.
    pub period: i64,
    /// When the bucket is full again, if nothing else comes.
    pub full_at: i64,
    /// And so many parts of a microsecond later, each one divided by the rate's count: no token is lost to rounding.
    pub fraction: u64,
}

/// The state as it is read: exactly one list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    log: Option<Vec<Admission>>,
    fixed_window: Option<Vec<FixedWindow>>,
    sliding_window: Option<Vec<SlidingWindow>>,
    token_bucket: Option<Vec<TokenBucket>>,
}

impl TryFrom<Document> for BucketState {
    type Error = &'static str;

    fn try_from(document: Document) -> Result<Self, Self::Error> {
        let Document { version, log, fixed_window, sliding_window, token_bucket } = document;
        let usage = match (log, fixed_window, sliding_window, token_bucket) {
            (Some(log), None, None, None) => Usage::Log(log),
            (None, Some(windows), None, None) => Usage::FixedWindow(windows),
            (None, None, Some(windows), None) => Usage::SlidingWindow(windows),
            (None, None, None, Some(buckets)) => Usage::TokenBucket(buckets),
            _ => return Err("a bucket's state has exactly one list, named for its algorithm"),
        };
        Ok(Self { version, usage })
    }
}
