//! The state of a limit's bucket, as hosts keep it between decisions.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

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
    FixedWindow(Entries<FixedWindow>),
    /// `sliding_window`
    SlidingWindow(Entries<SlidingWindow>),
    /// `token_bucket`
    TokenBucket(Entries<TokenBucket>),
    /// `concurrency`: when each request that runs took its slot, oldest first. No two took theirs at the same moment, so
    /// that the moment is the slot's name.
    Slots(Vec<i64>),
}

impl Default for Usage {
    fn default() -> Self {
        Self::Log(Vec::new())
    }
}

/// Entries of a state. One alone, as most limits have, needs no memory of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Entries<E>(SmallVec<[E; 1]>);

impl<E> Deref for Entries<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        &self.0
    }
}

impl<E> Entries<E> {
    /// The entry, where it is alone.
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

/// Admissions at one moment: when, and how much they cost together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Admission(pub i64, #[serde(deserialize_with = "at_most_u32")] pub u32);

/// A window that begins at a multiple of its period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedWindow {
    /// How long it is.
    pub period: i64,
    /// When it began.
    pub start: i64,
    /// What was admitted in it.
    #[serde(deserialize_with = "at_most_u32")]
    pub count: u32,
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
    #[serde(deserialize_with = "at_most_u32")]
    pub previous: u32,
    /// What was admitted in the later one.
    #[serde(deserialize_with = "at_most_u32")]
    pub current: u32,
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
    #[serde(deserialize_with = "at_most_u32")]
    pub fraction: u32,
}

/// More than any rate admits is used up, however much more.
fn at_most_u32<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    u64::deserialize(deserializer).map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// The state as it is read: exactly one list.
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
