//! The packed form of the scripts' arguments and answers: big-endian integers of fixed widths.

use std::collections::HashMap;

use portcullis::limit::{Admitted, Algorithm, Charge, Leasing, Outcome, Period, Rate, RateStatus, Refusal};

use crate::config::Clock;

/// The charges of one stage, packed.
pub(crate) struct Stage {
    pub(crate) keys: Vec<Vec<u8>>,
    head: Vec<u8>,
    charges: Vec<Packed>,
}

struct Packed {
    terms: Vec<u8>,
    rest: Vec<u8>,
}

impl Stage {
    /// Packs a stage. Without `now`, the server's time applies. All stages of a call use the same clock.
    pub(crate) fn new(keys: Vec<Vec<u8>>, charges: &[Charge], now: Option<i64>, leasing: Leasing) -> Self {
        let mut head = Vec::with_capacity(9);
        if let Some(now) = now {
            // Like the library, the script clamps later times to the latest one it supports. Times before 1970 become 0.
            put::<7>(&mut head, now.clamp(0, 1 << 53).unsigned_abs());
        }
        put::<2>(&mut head, charges.len() as u64);
        Self { keys, head, charges: charges.iter().map(|charge| Packed::of(charge, leasing)).collect() }
    }
}

impl Packed {
    fn of(charge: &Charge, leasing: Leasing) -> Self {
        let periods = charge.terms.periods();
        let mut terms = Vec::with_capacity(3 + 45 * periods.len());
        terms.push(tag(charge.terms.algorithm()));
        put::<2>(&mut terms, periods.len() as u64);
        for period in periods {
            self::period(&mut terms, period);
        }
        let mut rest = Vec::with_capacity(9);
        rest.push(u8::from(charge.dry_run));
        // A cost above the highest rate is refused in any case.
        put::<4>(&mut rest, charge.cost.get().min(Rate::MOST + 1));
        let share = charge.lease.filter(|_| leasing == Leasing::On);
        put::<4>(&mut rest, share.map_or(0, |share| share.get().min(Rate::MOST)));
        Self { terms, rest }
    }
}

/// A call for several stages, with each of their different terms once.
#[derive(Default)]
pub(crate) struct Call<'s> {
    pub(crate) keys: Vec<&'s [u8]>,
    terms: Vec<u8>,
    stages: Vec<u8>,
    known: HashMap<&'s [u8], u64>,
}

impl<'s> Call<'s> {
    pub(crate) fn of(stages: impl IntoIterator<Item = &'s Stage>) -> Self {
        let mut call = Self::default();
        for stage in stages {
            call.keys.extend(stage.keys.iter().map(Vec::as_slice));
            call.stages.extend(&stage.head);
            for charge in &stage.charges {
                let row = call.row(&charge.terms);
                put::<2>(&mut call.stages, row);
                call.stages.extend(&charge.rest);
            }
        }
        call
    }

    /// The script's arguments.
    pub(crate) fn arguments(&self, clock: Clock) -> [&[u8]; 3] {
        let by_server: &[u8] = match clock {
            Clock::Server => b"1",
            Clock::Host => b"0",
        };
        [&self.terms, &self.stages, by_server]
    }

    fn row(&mut self, terms: &'s [u8]) -> u64 {
        let next = self.known.len() as u64 + 1;
        *self.known.entry(terms).or_insert_with(|| {
            self.terms.extend(terms);
            next
        })
    }
}

fn period(packed: &mut Vec<u8>, period: &Period) {
    let rate = period.rate();
    packed.push(u8::from(period.is_asked()));
    put::<6>(packed, rate.period().unsigned_abs());
    put::<4>(packed, rate.count());
    put::<4>(packed, rate.burst());
    put::<4>(packed, period.most());
    put::<6>(packed, period.longest_refill().unsigned_abs());
    put::<6>(packed, period.token().micros.unsigned_abs());
    put::<4>(packed, period.token().parts);
    put::<6>(packed, period.whole().micros.unsigned_abs());
    put::<4>(packed, period.whole().parts);
}

/// Packs an admitted charge for the script that refunds it: its time and amount, and how much a token bucket has refilled by `now`.
pub(crate) fn pack_refund(packed: &mut Vec<u8>, charge: &Charge, admitted: &Admitted, at: i64, now: i64) {
    packed.push(tag(charge.terms.algorithm()));
    put::<7>(packed, at.unsigned_abs());
    put::<7>(packed, admitted.slot.unwrap_or(0).unsigned_abs());
    let granted = admitted.lease.map_or(0, |lease| lease.granted);
    put::<4>(packed, charge.cost.get().min(Rate::MOST).saturating_add(granted));
    let periods = charge.terms.periods();
    // With several token buckets, the times at which they are full aren't known.
    let full_at = if periods.len() == 1 { at.saturating_add(admitted.standing.full_after) } else { 0 };
    put::<6>(packed, full_at.saturating_sub(now).saturating_sub(1).max(0).unsigned_abs());
    put::<2>(packed, periods.len() as u64);
    for period in periods {
        packed.push(u8::from(period.is_asked()));
        put::<6>(packed, period.rate().period().unsigned_abs());
        put::<4>(packed, period.rate().count());
        put::<6>(packed, period.token().micros.unsigned_abs());
        put::<4>(packed, period.token().parts);
    }
}

fn tag(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::FixedWindow => b'F',
        Algorithm::SlidingWindow => b'S',
        Algorithm::SlidingLog => b'L',
        Algorithm::TokenBucket => b'T',
        Algorithm::Concurrency => b'C',
    }
}

/// Appends the last `N` bytes of a number, which has to fit into them.
fn put<const N: usize>(packed: &mut Vec<u8>, number: u64) {
    let bytes = number.to_be_bytes();
    packed.extend(bytes.last_chunk::<N>().into_iter().flatten());
}

/// The head of the script's answer, before the outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// The server's time, or 0 if no stage uses it.
    pub(crate) server_time: i64,
    /// The number of unreadable states, which were treated as empty.
    pub(crate) unreadable: u64,
}

pub(crate) fn head(packed: &[u8]) -> Option<Head> {
    let mut rest = Reader(packed);
    let head = Head { server_time: rest.signed::<7>()?, unreadable: rest.number::<4>()? };
    rest.0.is_empty().then_some(head)
}

/// Unpacks the outcomes of a stage. Returns none for a malformed answer.
pub(crate) fn outcomes(packed: &[u8], charges: &[Charge]) -> Option<Vec<Outcome>> {
    let mut rest = Reader(packed);
    let mut outcomes = charges.iter().map(|charge| outcome(&mut rest, charge)).collect::<Option<Vec<_>>>()?;
    if !is_admitted(charges, &outcomes) {
        none_consumed(&mut outcomes);
    }
    rest.0.is_empty().then_some(outcomes)
}

/// True if charges with these outcomes were consumed.
pub(crate) fn is_admitted(charges: &[Charge], outcomes: &[Outcome]) -> bool {
    charges.iter().zip(outcomes).all(|(charge, outcome)| charge.dry_run || outcome.is_admitted())
}

/// Removes slots and leases from the outcomes of a stage that was refused.
pub(crate) fn none_consumed(outcomes: &mut [Outcome]) {
    for outcome in outcomes {
        if let Outcome::Admitted(admitted) = outcome {
            *admitted = Admitted::new(admitted.standing);
        }
    }
}

const REFUSED: u64 = 0;
const ADMITTED: u64 = 1;
const NEVER: u64 = 2;
const HOLDS: u64 = 5;

/// Unpacks an outcome. Returns none for one that the script can't return for this charge, as the server may be malicious.
fn outcome(rest: &mut Reader<'_>, charge: &Charge) -> Option<Outcome> {
    let flags = rest.number::<1>()?;
    let row = rest.number::<2>()?;
    let remaining = rest.number::<4>()?;
    let (full_after, retry_after) = (rest.signed::<7>()?, rest.signed::<7>()?);
    // Rows count from 1; 0 where no rate was asked, which admits nothing.
    let period = match row {
        0 => None,
        row => Some(charge.terms.periods().get(usize::try_from(row).ok()?.checked_sub(1)?)?),
    };
    let (quota, window) = period.map_or((0, 0), |period| match charge.terms.algorithm() {
        Algorithm::TokenBucket => {
            let whole = period.whole();
            (period.rate().burst(), whole.micros + i64::from(whole.parts > 0))
        }
        _ => (period.rate().count(), period.rate().period()),
    });
    let standing = RateStatus { quota, window, remaining, full_after };
    let admitted = (remaining <= quota && period.is_some()).then(|| Admitted::new(standing));
    match flags {
        REFUSED => Some(Outcome::Refused(Refusal { standing, retry_after: Some(retry_after) })),
        NEVER => Some(Outcome::Refused(Refusal { standing, retry_after: None })),
        ADMITTED => Some(Outcome::Admitted(admitted?)),
        HOLDS => {
            let (slot, granted, lasts) = (rest.signed::<7>()?, rest.number::<4>()?, rest.signed::<6>()?);
            let is_slot = charge.terms.algorithm() == Algorithm::Concurrency && granted == 0;
            let spare = charge.lease.map_or(0, |lease| lease.get().saturating_sub(charge.cost.get()));
            match (1..=spare).contains(&granted) {
                true => Some(Outcome::Admitted(admitted?.with_lease(granted, lasts))),
                false => is_slot.then_some(Outcome::Admitted(admitted?.with_slot(slot))),
            }
        }
        _ => None,
    }
}

/// The bytes that haven't been read yet.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number<const N: usize>(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Reads a number in two's complement. Numbers of fewer than 8 bytes are never negative.
    fn signed<const N: usize>(&mut self) -> Option<i64> {
        let number = self.number::<N>()?;
        Some(i64::from_be_bytes(number.to_be_bytes()))
    }
}
