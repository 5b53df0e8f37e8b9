//! How limits count: pure transitions from the state of a bucket and a charge to the next state and an outcome.
//!
//! A store makes them where the states are kept, so that no other charge comes in between; [`charge_all`] is what it makes.
//! Nothing here reads a clock: the time comes with each charge, in microseconds since 1970.
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
pub(crate) mod fixed_window;
pub(crate) mod sliding_log;
pub(crate) mod sliding_window;
pub(crate) mod slots;
pub(crate) mod stage;
pub(crate) mod terms;
pub(crate) mod token_bucket;

pub use crate::limit::bucket::{Admission, BucketState, Entries, FixedWindow, SlidingWindow, TokenBucket, Usage};
pub use crate::limit::charge::{Refusal, Standing};
pub use crate::limit::stage::{
    Admitted, Charge, Lease, Leasing, Outcome, Stage, Write, charge_all, charge_in_place, charge_one,
};
pub use crate::limit::terms::{Parted, Period, Rate, RateError, Terms};
pub use crate::model::keywords::Algorithm;
