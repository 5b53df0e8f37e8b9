//! The state of a limit's bucket, as hosts keep it between decisions.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

/// The state of one bucket.
///
/// Its JSON is the version and one list, named for the algorithm: `{ "version": 1, "log": […] }`. All times and periods are
/// in microseconds. Times count from 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Document")]
pub struct BucketState {
    /// One more with every state that a decision returns, so that a host can write it by compare-and-swap.
    pub version: u64,
    /// The usage as the limit's algorithm counts it. If a limit's algorithm has changed, its buckets count as empty.
    #[serde(flatten)]
    pub usage: Usage,
}

/// The usage of a bucket. Windows and token buckets have one entry for each period. Rates with the same period share it, so
/// that a change of a caller's tier or of a policy's rate keeps the count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Usage {
    /// `sliding_log`: the admissions, oldest first.
    Log(Vec<Admission>),
    /// `fixed_window`
    FixedWindow(Entries<FixedWindow>),
    /// `sliding_window`
    SlidingWindow(Entries<SlidingWindow>),
    /// `token_bucket`
    TokenBucket(Entries<TokenBucket>),
    /// `concurrency`: the time at which each running request took its slot, oldest first. No two times are equal, so a time
    /// identifies its slot.
    Slots(Vec<i64>),
}

impl Default for Usage {
    fn default() -> Self {
        Self::Log(Vec::new())
    }
}

/// The entries of a state. A single entry, as most limits have, needs no allocation.
#[derive(Clone, PartialEq, Eq)]
pub struct Entries<E>(SmallVec<[E; 1]>);

impl<E> Deref for Entries<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        &self.0
    }
}

impl<E> Entries<E> {
    /// The only entry.
    #[inline]
    pub(crate) fn only_mut(&mut self) -> Option<&mut E> {
        match self.0.as_mut_slice() {
            [entry] => Some(entry),
            _ => None,
        }
    }

    pub(crate) fn one(entry: E) -> Self {
        Self(SmallVec::from_buf([entry]))
    }
}

impl<E> FromIterator<E> for Entries<E> {
    fn from_iter<I: IntoIterator<Item = E>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<E: fmt::Debug> fmt::Debug for Entries<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Serialize> Serialize for Entries<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, E: Deserialize<'de>> Deserialize<'de> for Entries<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from_iter)
    }
}

/// The admissions of one moment: its time, and the sum of their costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Admission(pub i64, #[serde(deserialize_with = "at_most_u32")] pub u32);

/// A window that begins at a multiple of its period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedWindow {
    /// The length.
    pub period: i64,
    /// The beginning.
    pub start: i64,
    /// The admitted cost.
    #[serde(deserialize_with = "at_most_u32")]
    pub count: u32,
}

/// A window that begins at a multiple of its period, and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlidingWindow {
    /// The length of each.
    pub period: i64,
    /// The beginning of the later window.
    pub start: i64,
    /// The admitted cost of the earlier window.
    #[serde(deserialize_with = "at_most_u32")]
    pub previous: u32,
    /// The admitted cost of the later window.
    #[serde(deserialize_with = "at_most_u32")]
    pub current: u32,
}

/// A token bucket as one time (GCRA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBucket {
    /// The time in which as many tokens as the rate's count come back.
    pub period: i64,
    /// The time at which the bucket is full again without further charges.
    pub full_at: i64,
    /// A fraction of a microsecond beyond `full_at`, in parts of one divided by the rate's count. So no token is lost to
    /// rounding.
    #[serde(deserialize_with = "at_most_u32")]
    pub fraction: u32,
}

/// Larger counts are cut: they are beyond every rate.
fn at_most_u32<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    u64::deserialize(deserializer).map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// The JSON of a state. Exactly one list is allowed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    log: Option<Vec<Admission>>,
    fixed_window: Option<Entries<FixedWindow>>,
    sliding_window: Option<Entries<SlidingWindow>>,
    token_bucket: Option<Entries<TokenBucket>>,
    slots: Option<Vec<i64>>,
}

impl TryFrom<Document> for BucketState {
    type Error = &'static str;

    fn try_from(document: Document) -> Result<Self, Self::Error> {
        let Document { version, log, fixed_window, sliding_window, token_bucket, slots } = document;
        let lists = [
            log.map(Usage::Log),
            fixed_window.map(Usage::FixedWindow),
            sliding_window.map(Usage::SlidingWindow),
            token_bucket.map(Usage::TokenBucket),
            slots.map(Usage::Slots),
        ];
        let mut lists = lists.into_iter().flatten();
        match (lists.next(), lists.next()) {
            (Some(usage), None) => Ok(Self { version, usage }),
            _ => Err("a bucket's state has exactly one list, named for its algorithm"),
        }
    }
}
