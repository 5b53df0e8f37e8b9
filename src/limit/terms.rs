//! What a limit allows: how it counts, and how much in how long.

use smallvec::SmallVec;

use crate::model::keywords::Algorithm;

/// A day has 86,400 seconds here, as in Unix time.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    pub(crate) count: u64,
    pub(crate) period: i64,
    pub(crate) burst: u64,
}

/// A rate that no limit can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RateError {
    /// The count or the burst.
    #[error("a rate admits at least 1 and at most 1,000,000")]
    Count,
    /// The period.
    #[error("a period is at least a millisecond and at most 366 days")]
    Period,
    /// The burst, beside the count and the period.
    #[error("a burst takes at most 366 days to come back")]
    Refill,
}

impl Rate {
    /// What a rate can admit at most, and a burst.
    pub const MOST: u64 = 1_000_000;
    /// The shortest period, in microseconds.
    pub const SHORTEST: i64 = 1_000;
    /// The longest period, and the longest time for a burst to come back, in microseconds.
    pub const LONGEST: i64 = 366 * DAY;

    /// `count` in each `period`, which is in microseconds.
    ///
    /// # Errors
    ///
    /// Where one of them is out of its range.
    pub fn new(count: u64, period: i64) -> Result<Self, RateError> {
        if !(1..=Self::MOST).contains(&count) {
            return Err(RateError::Count);
        }
        if !(Self::SHORTEST..=Self::LONGEST).contains(&period) {
            return Err(RateError::Period);
        }
        Ok(Self { count, period, burst: count })
    }

    /// The same rate, of which a token bucket holds `burst` at most.
    ///
    /// # Errors
    ///
    /// Where the burst is out of its range, or takes too long to come back.
    pub fn with_burst(self, burst: u64) -> Result<Self, RateError> {
        if !(1..=Self::MOST).contains(&burst) {
            return Err(RateError::Count);
        }
        let rate = Self { burst, ..self };
        if rate.refill() > Self::LONGEST { Err(RateError::Refill) } else { Ok(rate) }
    }

    /// So many …
    pub fn count(self) -> u64 {
        self.count
    }

    /// … in so many microseconds.
    pub fn period(self) -> i64 {
        self.period
    }

    /// How many a token bucket holds; the same as `count` where nothing was said.
    pub fn burst(self) -> u64 {
        self.burst
    }

    /// How long an empty token bucket takes to fill, in microseconds, rounded up.
    pub(crate) fn refill(self) -> i64 {
        let parts = u128::from(self.burst) * u128::from(self.period.unsigned_abs());
        i64::try_from(parts.div_ceil(u128::from(self.count.max(1)))).unwrap_or(i64::MAX)
    }
}

/// By which rates a bucket is charged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Terms {
    algorithm: Algorithm,
    periods: SmallVec<[Period; 1]>,
}

/// What holds of one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    rate: Rate,
    most: u64,
    longest_refill: i64,
    is_asked: bool,
    token: Parted,
    whole: Parted,
}

/// A time to a part of a microsecond, of which a rate's count makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parted {
    /// Whole microseconds.
    pub micros: i64,
    /// And so many parts: fewer than the rate's count.
    pub parts: u64,
}

impl Parted {
    pub(crate) const ZERO: Self = Self { micros: 0, parts: 0 };

    /// The time that `amount` tokens of a rate take to come back.
    fn of(amount: u64, rate: Rate) -> Self {
        let parts = u128::from(amount) * u128::from(rate.period.unsigned_abs());
        let count = u128::from(rate.count.max(1));
        Self {
            micros: i64::try_from(parts / count).unwrap_or(i64::MAX),
            parts: u64::try_from(parts % count).unwrap_or(0),
        }
    }

    /// In microseconds, rounded up.
    pub(crate) fn rounded_up(self) -> i64 {
        self.micros.saturating_add(i64::from(self.parts > 0))
    }
}

impl Terms {
    /// Rates that all hold, of a limit that knows no others. Of several with one period the first counts.
    pub fn new(algorithm: Algorithm, rates: &[Rate]) -> Self {
        Self::among(algorithm, rates, rates)
    }

    /// Rates that all hold, of a limit that is charged by others too, as callers of other tiers are. What was admitted is
    /// counted for every period among `known`, or a change of tier would forget it; only `rates` refuse.
    pub fn among(algorithm: Algorithm, rates: &[Rate], known: &[Rate]) -> Self {
        let mut periods: SmallVec<[Period; 1]> = SmallVec::new();
        let all = rates.iter().map(|rate| (*rate, true)).chain(known.iter().map(|rate| (*rate, false)));
        for (rate, is_asked) in all {
            match periods.iter_mut().find(|known| known.rate.period == rate.period) {
                Some(known) => known.learn(rate),
                None => {
                    periods.push(Period::of(rate, is_asked));
                }
            }
        }
        periods.sort_unstable_by_key(|period| period.rate.period);
        Self { algorithm, periods }
    }

    /// How it counts.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Every period that is counted, the shortest first.
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// What was admitted longer ago counts nowhere, in microseconds.
    pub(crate) fn longest_period(&self) -> i64 {
        self.periods.last().map_or(0, |period| period.rate.period)
    }
}

impl Period {
    fn of(rate: Rate, is_asked: bool) -> Self {
        Self {
            rate,
            most: rate.count,
            longest_refill: rate.refill(),
            is_asked,
            token: Parted::of(1, rate),
            whole: Parted::of(rate.burst, rate),
        }
    }

    fn learn(&mut self, other: Rate) {
        let Self { most, longest_refill, is_asked, .. } = *self;
        if !is_asked && (other.count, other.burst) > (self.rate.count, self.rate.burst) {
            *self = Self::of(other, false);
        }
        self.most = most.max(other.count);
        self.longest_refill = longest_refill.max(other.refill());
    }

    /// The rate that refuses; where none does, the most generous of this period, by which it is counted.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// The highest count of any rate with this period.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// No honest token bucket of this period is full later than in so many microseconds.
    pub fn longest_refill(&self) -> i64 {
        self.longest_refill
    }

    /// How long a token takes to come back.
    pub fn token(&self) -> Parted {
        self.token
    }

    /// How long a whole bucket takes to come back.
    pub fn whole(&self) -> Parted {
        self.whole
    }

    /// Whether the rate refuses, or is only counted.
    pub fn is_asked(&self) -> bool {
        self.is_asked
    }
}
