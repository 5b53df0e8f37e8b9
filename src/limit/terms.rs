//! The terms of a limit: its algorithm and its rates.

use smallvec::SmallVec;

use crate::limit::Algorithm;

/// A day has 86,400 seconds here, as in Unix time.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The most that is admitted in a period.
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
    /// The highest count, and the highest burst.
    pub const MOST: u64 = 1_000_000;
    /// The shortest period, in microseconds.
    pub const SHORTEST: i64 = 1_000;
    /// The longest period, and the longest time for a burst to come back, in microseconds.
    pub const LONGEST: i64 = 366 * DAY;

    /// A rate of `count` in each `period`, in microseconds.
    ///
    /// # Errors
    ///
    /// One of them is out of its range.
    pub fn new(count: u64, period: i64) -> Result<Self, RateError> {
        if !(1..=Self::MOST).contains(&count) {
            return Err(RateError::Count);
        }
        if !(Self::SHORTEST..=Self::LONGEST).contains(&period) {
            return Err(RateError::Period);
        }
        Ok(Self { count, period, burst: count })
    }

    /// The same rate with a burst for token buckets.
    ///
    /// # Errors
    ///
    /// The burst is out of its range, or takes too long to come back.
    pub fn with_burst(self, burst: u64) -> Result<Self, RateError> {
        if !(1..=Self::MOST).contains(&burst) {
            return Err(RateError::Count);
        }
        let rate = Self { burst, ..self };
        if rate.refill() > Self::LONGEST { Err(RateError::Refill) } else { Ok(rate) }
    }

    /// The most that it admits in a period.
    pub fn count(self) -> u64 {
        self.count
    }

    /// The period, in microseconds.
    pub fn period(self) -> i64 {
        self.period
    }

    /// The most tokens in a token bucket. It is `count` unless [`Self::with_burst`] set it.
    pub fn burst(self) -> u64 {
        self.burst
    }

    /// The time in which an empty token bucket fills, in microseconds, rounded up.
    pub(crate) fn refill(self) -> i64 {
        let parts = u128::from(self.burst) * u128::from(self.period.unsigned_abs());
        i64::try_from(parts.div_ceil(u128::from(self.count.max(1)))).unwrap_or(i64::MAX)
    }
}

/// The algorithm and the rates that a bucket is charged by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Terms {
    algorithm: Algorithm,
    periods: SmallVec<[Period; 1]>,
}

/// The rates of one period, as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    rate: Rate,
    most: u64,
    longest_refill: i64,
    is_asked: bool,
    token: PreciseDuration,
    whole: PreciseDuration,
}

/// A duration with a fraction of a microsecond, in parts of one divided by a rate's count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PreciseDuration {
    /// Whole microseconds.
    pub micros: i64,
    /// The parts: fewer than the rate's count.
    pub parts: u64,
}

impl PreciseDuration {
    pub(crate) const ZERO: Self = Self { micros: 0, parts: 0 };

    /// The time in which `amount` tokens of a rate come back.
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
    /// Rates that must all admit a charge. Of several with one period, the first counts.
    pub fn new(algorithm: Algorithm, rates: &[Rate]) -> Self {
        Self::among(algorithm, rates, rates)
    }

    /// The same for a limit that has other rates too, for callers of other tiers. Only `rates` refuse. Admissions are counted for
    /// every period of `known`, so that a change of the tier doesn't forget them.
    pub fn among(algorithm: Algorithm, rates: &[Rate], known: &[Rate]) -> Self {
        let mut periods: SmallVec<[Period; 1]> = SmallVec::new();
        let all = rates.iter().map(|rate| (*rate, true)).chain(known.iter().map(|rate| (*rate, false)));
        for (rate, is_asked) in all {
            match periods.iter_mut().find(|known| known.rate.period == rate.period) {
                Some(known) => known.add(rate),
                None => {
                    periods.push(Period::of(rate, is_asked));
                }
            }
        }
        periods.sort_unstable_by_key(|period| period.rate.period);
        Self { algorithm, periods }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// All periods that are counted, the shortest first.
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// The longest period, in microseconds. Older admissions don't count.
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
            token: PreciseDuration::of(1, rate),
            whole: PreciseDuration::of(rate.burst, rate),
        }
    }

    fn add(&mut self, other: Rate) {
        let Self { most, longest_refill, is_asked, .. } = *self;
        if !is_asked && (other.count, other.burst) > (self.rate.count, self.rate.burst) {
            *self = Self::of(other, false);
        }
        self.most = most.max(other.count);
        self.longest_refill = longest_refill.max(other.refill());
    }

    /// The rate that refuses. If none does, the most generous rate of this period, which then only counts.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// The highest count of any rate with this period.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// The longest time until a token bucket of this period is full, in microseconds.
    pub fn longest_refill(&self) -> i64 {
        self.longest_refill
    }

    /// The time in which one token comes back.
    pub fn token(&self) -> PreciseDuration {
        self.token
    }

    /// The time in which a whole bucket comes back.
    pub fn whole(&self) -> PreciseDuration {
        self.whole
    }

    /// True if the rate refuses, false if it only counts.
    pub fn is_asked(&self) -> bool {
        self.is_asked
    }
}
