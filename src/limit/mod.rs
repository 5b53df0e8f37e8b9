//! Algorithms of limits: pure transitions from the state of a bucket and a charge to the next state and an outcome.
//!
//! A store runs them where it keeps the states, so that no other charge comes in between. It calls [`charge_all`]. Nothing
//! here reads a clock: each charge brings the time, in microseconds since 1970.
//!
//! ```
//! use std::collections::HashMap;
//! use std::num::NonZeroU64;
//! use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms, charge_all};
//!
//! let rate = Rate::new(2, 1_000_000)?; // 2 a second
//! let charge = Charge::new("api/1", Terms::new(Algorithm::TokenBucket, &[rate]), NonZeroU64::MIN);
//! let mut states = HashMap::new();
//! let mut admitted = Vec::new();
//! for now in [0, 1, 2, 500_000] {
//!     let stage = charge_all(&[charge.clone()], now, Leasing::Off, |bucket| states.get(bucket).cloned());
//!     for write in stage.writes {
//!         states.insert(charge.bucket.clone(), write.usage); // to be forgotten at `write.expires`
//!     }
//!     admitted.extend(stage.outcomes.iter().map(|outcome| outcome.is_admitted()));
//! }
//! assert_eq!(admitted, [true, true, false, true]);
//! # Ok::<(), portcullis::limit::RateError>(())
//! ```

pub(crate) mod bucket;
pub(crate) mod charge;
pub(crate) mod concurrency;
pub(crate) mod fixed_window;
pub(crate) mod sliding_log;
pub(crate) mod sliding_window;
pub(crate) mod stage;
pub(crate) mod terms;
pub(crate) mod token_bucket;

pub use crate::limit::bucket::{Admission, BucketState, Entries, FixedWindow, SlidingWindow, TokenBucket, Usage};
use crate::limit::charge::{ChargeInput, ChargeResult};
pub use crate::limit::charge::{RateStatus, Refusal};
pub use crate::limit::stage::{
    Admitted, Charge, Lease, Leasing, Outcome, StageResult, Write, charge_all, charge_in_place, charge_one,
};
pub use crate::limit::terms::{Period, PreciseDuration, Rate, RateError, Terms};
pub use crate::model::keywords::Algorithm;

/// The facts about each algorithm. Its name is in the table of keywords, its state in [`Usage`], and its transition in a module
/// of its own.
impl Algorithm {
    /// True if it counts requests by time: a policy names it as the `algorithm` of a limit with rates. False if it counts the
    /// requests that run, by slots.
    pub fn has_rates(self) -> bool {
        !matches!(self, Self::Concurrency)
    }

    /// True if its rates may have a `burst` other than their count.
    pub fn has_bursts(self) -> bool {
        matches!(self, Self::TokenBucket)
    }

    /// True if its charges may take admissions in advance, as a lease.
    pub fn can_lease(self) -> bool {
        match self {
            Self::TokenBucket | Self::SlidingWindow | Self::FixedWindow => true,
            Self::SlidingLog | Self::Concurrency => false,
        }
    }

    /// True if it admits twice the rate around the end of a window.
    pub fn admits_twice(self) -> bool {
        matches!(self, Self::FixedWindow)
    }

    fn charge(self, usage: &Usage, input: ChargeInput<'_>) -> ChargeResult {
        match self {
            Self::TokenBucket => token_bucket::charge(usage, input),
            Self::SlidingWindow => sliding_window::charge(usage, input),
            Self::SlidingLog => sliding_log::charge(usage, input),
            Self::FixedWindow => fixed_window::charge(usage, input),
            Self::Concurrency => concurrency::charge(usage, input),
        }
    }
}
