//! What is done with a store, one thing after another. Times are in microseconds since 1970.

use std::fmt;

use portcullis::limit::{Charge, Leasing};
use portcullis::token::FamilyState;

/// The clock moves, and then something is done.
#[derive(Clone)]
pub struct Step {
    /// How the clock moves before.
    pub tick: Tick,
    /// What is done.
    pub action: Action,
}

/// How the clock moves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// Not at all.
    Still,
    /// By so many microseconds, also back.
    By(i64),
    /// To a moment.
    To(i64),
    /// To the next multiple of a period, and so many microseconds past that.
    Boundary {
        /// In microseconds.
        period: i64,
        /// In microseconds.
        off: i64,
    },
    /// To the moment at which the last refusal said that it would fit, and so many microseconds past that.
    Retry(i64),
    /// To the moment at which the last charge said that all would be there again, and so many microseconds past that.
    Full(i64),
    /// To the moment at which the last lease ends, and so many microseconds past that.
    LeaseEnd(i64),
}

/// What is done.
#[derive(Clone)]
pub enum Action {
    /// Charges all, or none.
    Charge(Vec<Charge>, Leasing),
    /// Gives one of the slots back that have been taken, counted from the last: to its bucket or to another one, and perhaps
    /// not for the first time.
    GiveBack {
        /// Which, modulo how many there are.
        nth: usize,
        /// Where, if not where it was taken.
        bucket: Option<String>,
    },
    /// Gives back what perhaps nobody has taken.
    Release {
        /// Where.
        bucket: String,
        /// What.
        slot: i64,
    },
    /// Writes a family.
    Swap {
        /// Which.
        id: String,
        /// The version that the state is made from.
        read: Read,
        /// The state; its version is replaced where `next` says so.
        state: FamilyState,
        /// Whether its version is the one after that which was read, as a decision's is.
        next: bool,
        /// For how many microseconds from now it is kept.
        lasts: i64,
    },
    /// Reads a family.
    Look {
        /// Which.
        id: String,
    },
}

/// Which version of a family was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// The one that is stored, or 0.
    Stored,
    /// The one after that.
    TooNew,
    /// This one, whatever is stored.
    Version(u64),
}

/// As much of an id as can be read.
const LONGEST_SHOWN: usize = 60;

/// So much of a text as can be read.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{:?}… of {} bytes", text.get(..end).unwrap_or_default(), text.len()),
        None => format!("{text:?}"),
    }
}

impl fmt::Debug for Step {
    /// On one line, as a failure shows many.
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
