//! The steps of a test sequence. Times are in microseconds since 1970.

use std::fmt;

use portcullis::limit::{Charge, Leasing};
use portcullis::token::FamilyState;

/// A move of the clock and an action after it.
#[derive(Clone)]
pub struct Step {
    /// The move of the clock.
    pub tick: Tick,
    /// The action.
    pub action: Action,
}

/// A move of the clock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// Doesn't move.
    Still,
    /// Moves by a number of microseconds, which may be negative.
    By(i64),
    /// Moves to a time.
    To(i64),
    /// Moves to the next multiple of a period, plus an offset.
    Boundary {
        /// The period in microseconds.
        period: i64,
        /// The offset in microseconds.
        off: i64,
    },
    /// Moves to the time at which the last refused charge would be admitted, plus an offset in microseconds.
    Retry(i64),
    /// Moves to the time at which the last charge's quota is full again, plus an offset in microseconds.
    Full(i64),
    /// Moves to the end of the last lease, plus an offset in microseconds.
    LeaseEnd(i64),
}

/// A call to the store.
#[derive(Clone)]
pub enum Action {
    /// Charges all or none.
    Charge(Vec<Charge>, Leasing),
    /// Releases one of the slots taken so far, in its bucket or another one. It may have been released before.
    GiveBack {
        /// The row of the slot, counted from the last one, modulo their number.
        nth: usize,
        /// The bucket, or none for the one in which the slot was taken.
        bucket: Option<String>,
    },
    /// Releases a slot that may never have been taken.
    Release {
        /// The bucket.
        bucket: String,
        /// The slot.
        slot: i64,
    },
    /// Writes a family.
    Swap {
        /// The id of the family.
        id: String,
        /// The version that the state is made from.
        read: Read,
        /// The state. If `next` is true, its version is replaced.
        state: FamilyState,
        /// True if the version is the successor of the one that was read, as in a decision.
        next: bool,
        /// The lifetime of the state in microseconds.
        lasts: i64,
    },
    /// Reads a family.
    Look {
        /// The id of the family.
        id: String,
    },
}

/// The version of a family that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// The stored version, or 0.
    Stored,
    /// The successor of the stored version.
    TooNew,
    /// A fixed version.
    Version(u64),
}

/// The number of characters of an id that are shown.
const LONGEST_SHOWN: usize = 60;

/// Quotes a text, truncated if it is long.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{:?}… of {} bytes", text.get(..end).unwrap_or_default(), text.len()),
        None => format!("{text:?}"),
    }
}

impl fmt::Debug for Step {
    /// Uses one line, as a failure shows many steps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tick, action } = self;
        write!(f, "{tick:?}: {action:?}")
    }
}

impl fmt::Debug for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Still => write!(f, "at once"),
            Self::By(step) => write!(f, "after {step}"),
            Self::To(moment) => write!(f, "at {moment}"),
            Self::Boundary { period, off } => write!(f, "at a multiple of {period} and {off}"),
            Self::Retry(off) => write!(f, "when it fits and {off}"),
            Self::Full(off) => write!(f, "when all is there and {off}"),
            Self::LeaseEnd(off) => write!(f, "when the lease ends and {off}"),
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Charge(charges, leasing) => {
                write!(f, "charge, leasing {leasing:?}:")?;
                charges.iter().try_for_each(|charge| show(charge, f))
            }
            Self::GiveBack { nth, bucket } => write!(f, "give back slot {nth} from the last, to {bucket:?}"),
            Self::Release { bucket, slot } => write!(f, "release {slot} of {}", shortened(bucket)),
            Self::Swap { id, read, state, next, lasts } => {
                let version = (!next).then_some(state.version);
                write!(f, "swap {}, read {read:?}, version {version:?}, for {lasts}", shortened(id))
            }
            Self::Look { id } => write!(f, "look at {}", shortened(id)),
        }
    }
}

fn show(charge: &Charge, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Charge { bucket, terms, cost, dry_run, lease, .. } = charge;
    write!(f, " {cost} of {} {:?}", shortened(bucket), terms.algorithm())?;
    for period in terms.periods() {
        let (rate, most) = (period.rate(), period.most());
        let asked = if period.is_asked() { "" } else { ", not asked" };
        write!(f, " ({} in {}, burst {}, at most {most}{asked})", rate.count(), rate.period(), rate.burst())?;
    }
    if *dry_run {
        write!(f, " dry_run")?;
    }
    lease.map_or(Ok(()), |lease| write!(f, " lease {lease}"))?;
    write!(f, ";")
}
