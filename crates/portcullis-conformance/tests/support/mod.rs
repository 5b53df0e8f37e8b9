//! A store of a few lines, right or with one fault.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use portcullis::limit::{Admitted, Algorithm, Charge, Leasing, Outcome, StageResult, charge_all};
use portcullis::limit::{TokenBucket, Usage};
use portcullis::token::FamilyState;
use portcullis_store::{Charged, Store, StoreError};

/// The time at which it removes expired states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sweeps {
    Never,
    /// Removes only the states that are read.
    OnReading,
    /// Removes all expired states with each call that has a time.
    Always,
    /// Removes states once their lifetime has passed in real time.
    ByWallClock,
}

/// A fault of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A refused `dry_run` refuses the others.
    DryRunRefuses,
    /// It consumes although another charge of the stage is refused.
    ConsumesBesideRefusals,
    /// An admitted charge beside a refused one has a slot or a lease.
    GivesBesideRefusals,
    /// A bucket that is charged twice in a stage is charged once.
    ChargesOnce,
    /// Outcomes come in the order of the buckets.
    SortsOutcomes,
    /// A lease of a token bucket counts as spent at its start.
    ForgetsLeaseEnds,
    NeverLeases,
    AlwaysLeases,
    LosesFractions,
    LosesOtherPeriods,
    KeepsAFewAdmissions,
    /// The state of another algorithm is kept for its return.
    KeepsOtherAlgorithms,
    NeverHeals,
    CutsCosts,
    CutsTimes,
    RoundsTimesUp,
    /// It keeps a state until the last whole millisecond before its expiry.
    ForgetsEarly,
    /// A clock that was ahead once has made it forget.
    ForgetsByTheLatest,
    ReleasesNothing,
    ReleasesTheOldest,
    ReleasesEverything,
    /// A release with a slot's name reaches every bucket.
    ReleasesAnywhere,
    SwapsAlways,
    SwapsNewer,
    /// Versions are compared as doubles.
    SwapsAsDoubles,
    /// That none is stored is not the same as version 0.
    SwapsNoVersionZero,
    CutsIds,
    EndsIdsAtNul,
    TrimsIds,
    FoldsIds,
    HashesTagsAlone,
    IgnoresPolicies,
    /// A family that is written takes the place of the bucket of that name.
    MixesFamiliesAndBuckets,
    /// Others come in between reading and writing.
    LetsOthersIn,
}

#[derive(Debug, Clone)]
struct Kept<T> {
    value: T,
    expires: i64,
    gone: Instant,
}

#[derive(Debug, Default)]
struct State {
    buckets: HashMap<String, Kept<Usage>>,
    families: HashMap<String, Kept<FamilyState>>,
    latest: i64,
}

/// A map behind a lock.
#[derive(Debug)]
pub(crate) struct Plain {
    state: Mutex<State>,
    sweeps: Sweeps,
    fault: Option<Fault>,
    own_clock: bool,
}

impl Plain {
    pub(crate) fn new(sweeps: Sweeps) -> Self {
        Self { state: Mutex::default(), sweeps, fault: None, own_clock: false }
    }

    pub(crate) fn with_own_clock(self) -> Self {
        Self { own_clock: true, ..self }
    }

    pub(crate) fn with_fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::new(Sweeps::Always) }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn state(&self, now: Option<i64>) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        state.latest = state.latest.max(now.unwrap_or(state.latest));
        let now = if self.has(Fault::ForgetsByTheLatest) { Some(state.latest) } else { now };
        if let (Sweeps::Always, Some(now)) = (self.sweeps, now) {
            let edge = if self.has(Fault::ForgetsEarly) { now.saturating_add(999) } else { now };
            state.buckets.retain(|_, kept| kept.expires > edge);
            state.families.retain(|_, kept| kept.expires > edge);
        }
        if self.sweeps == Sweeps::ByWallClock {
            let now = Instant::now();
            state.buckets.retain(|_, kept| kept.gone > now);
            state.families.retain(|_, kept| kept.gone > now);
        }
        state
    }

    fn id(&self, id: &str) -> String {
        match self.fault {
            Some(Fault::CutsIds) => id.chars().take(1_000).collect(),
            Some(Fault::EndsIdsAtNul) => id.split('\0').next().unwrap().to_owned(),
            Some(Fault::TrimsIds) => id.trim().to_owned(),
            Some(Fault::FoldsIds) => id.to_lowercase(),
            Some(Fault::HashesTagsAlone) => {
                let tag = id.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
                tag.filter(|tag| !tag.is_empty()).unwrap_or(id).to_owned()
            }
            Some(Fault::IgnoresPolicies) => id.split_once('/').map_or(id, |(_, rest)| rest).to_owned(),
            _ => id.to_owned(),
        }
    }

    fn bucket(&self, charge: &Charge) -> String {
        let id = self.id(&charge.bucket);
        if self.has(Fault::KeepsOtherAlgorithms) { format!("{id} {:?}", charge.terms.algorithm()) } else { id }
    }

    /// The stage by the transitions, with this store's fault.
    fn stage(&self, state: &State, charges: &[Charge], now: i64, leasing: Leasing) -> StageResult {
        let read = |charge: &Charge| {
            let kept = state.buckets.get(&self.bucket(charge))?;
            (self.sweeps != Sweeps::OnReading || kept.expires > now).then(|| kept.value.clone())
        };
        let all = |charges: &[Charge], leasing: Leasing| {
            charge_all(charges, now, leasing, |id| charges.iter().find(|charge| charge.bucket == id).and_then(read))
        };
        let mut changed = charges.to_vec();
        match self.fault {
            Some(Fault::DryRunRefuses) => changed.iter_mut().for_each(|charge| charge.dry_run = false),
            Some(Fault::CutsCosts) => {
                for charge in &mut changed {
                    charge.cost = NonZeroU64::new(charge.cost.get() & 0xffff_ffff).unwrap_or(NonZeroU64::MIN);
                }
            }
            _ => {}
        }
        let leasing = match self.fault {
            Some(Fault::NeverLeases) => Leasing::Off,
            Some(Fault::AlwaysLeases) => Leasing::On,
            _ => leasing,
        };
        let mut stage = all(&changed, leasing);
        let is_refused =
            charges.iter().zip(&stage.outcomes).any(|(charge, outcome)| !charge.dry_run && !outcome.is_admitted());
        let alone = |row: usize, charge: &Charge, leasing: Leasing| {
            let mut alone = all(std::slice::from_ref(charge), leasing);
            alone.writes.iter_mut().for_each(|write| write.charge = row);
            alone
        };
        match self.fault {
            Some(Fault::ConsumesBesideRefusals) if is_refused => {
                stage.writes =
                    charges.iter().enumerate().flat_map(|(row, charge)| alone(row, charge, leasing).writes).collect();
            }
            Some(Fault::GivesBesideRefusals) if is_refused => {
                for (row, charge) in charges.iter().enumerate() {
                    let alone = alone(row, charge, leasing).outcomes[0];
                    if alone.is_admitted() && stage.outcomes[row].is_admitted() {
                        stage.outcomes[row] = alone;
                    }
                }
            }
            Some(Fault::ChargesOnce) => {
                let alone: Vec<StageResult> =
                    charges.iter().enumerate().map(|(row, charge)| alone(row, charge, leasing)).collect();
                stage.outcomes = alone.iter().map(|stage| stage.outcomes[0]).collect();
                if is_refused {
                    for outcome in &mut stage.outcomes {
                        if let Outcome::Admitted(admitted) = outcome {
                            *admitted = Admitted::new(admitted.standing);
                        }
                    }
                } else {
                    stage.writes = alone.into_iter().flat_map(|stage| stage.writes).collect();
                }
            }
            Some(Fault::SortsOutcomes) => {
                let mut rows: Vec<usize> = (0..charges.len()).collect();
                rows.sort_by_key(|row| &charges[*row].bucket);
                stage.outcomes = rows.into_iter().map(|row| stage.outcomes[row]).collect();
            }
            Some(Fault::ForgetsLeaseEnds) => {
                for write in &mut stage.writes {
                    let mut charge = charges[write.charge].clone();
                    if let Outcome::Admitted(Admitted { lease: Some(lease), .. }) = stage.outcomes[write.charge] {
                        charge.cost = charge.cost.saturating_add(lease.granted);
                        write.usage = alone(write.charge, &charge, Leasing::Off).writes.remove(0).usage;
                    }
                }
            }
            Some(Fault::NeverHeals) => stage.writes.retain(|write| stage.outcomes[write.charge].is_admitted()),
            Some(Fault::LosesFractions | Fault::LosesOtherPeriods | Fault::KeepsAFewAdmissions) => {
                stage.writes.iter_mut().for_each(|write| self.spoil(&mut write.usage));
            }
            _ => {}
        }
        stage
    }

    fn write(&self, state: &mut State, charges: &[Charge], stage: &StageResult, now: i64) {
        for write in &stage.writes {
            let kept = kept(write.usage.clone(), write.expires, now);
            state.buckets.insert(self.bucket(&charges[write.charge]), kept);
        }
    }

    fn spoil(&self, usage: &mut Usage) {
        match (self.fault, usage) {
            (Some(Fault::LosesFractions), Usage::TokenBucket(entries)) => {
                *entries = entries.iter().map(|entry| TokenBucket { fraction: 0, ..*entry }).collect();
            }
            (Some(Fault::LosesOtherPeriods), Usage::TokenBucket(entries)) => {
                *entries = entries.iter().copied().take(1).collect();
            }
            (Some(Fault::KeepsAFewAdmissions), Usage::Log(log)) => {
                log.drain(..log.len().saturating_sub(3));
            }
            _ => {}
        }
    }

    fn release_in(&self, state: &mut State, bucket: &str, slot: i64) {
        match self.fault {
            Some(Fault::ReleasesNothing) => {}
            Some(Fault::ReleasesEverything) => {
                state.buckets.remove(bucket);
            }
            Some(Fault::ReleasesTheOldest) => {
                if let Some(Usage::Slots(slots)) = state.buckets.get_mut(bucket).map(|kept| &mut kept.value) {
                    slots.drain(..slots.len().min(1));
                }
            }
            Some(Fault::ReleasesAnywhere) => state.buckets.values_mut().for_each(|kept| {
                kept.value.release(slot);
            }),
            Some(Fault::KeepsOtherAlgorithms) => {
                let bucket = format!("{bucket} {:?}", Algorithm::Concurrency);
                state.buckets.get_mut(&bucket).map(|kept| kept.value.release(slot));
            }
            _ => {
                state.buckets.get_mut(bucket).map(|kept| kept.value.release(slot));
            }
        }
    }
}

fn kept<T>(value: T, expires: i64, now: i64) -> Kept<T> {
    let left = Duration::from_micros(u64::try_from(expires.saturating_sub(now)).unwrap_or(0));
    // A hundred years are as good as more.
    let gone = Instant::now() + left.min(Duration::from_secs(100 * 366 * 86_400));
    Kept { value, expires, gone }
}

impl Store for Plain {
    async fn charge(&self, charges: &[Charge], now: Timestamp, leasing: Leasing) -> Result<Charged, StoreError> {
        let now = match self.fault {
            _ if self.own_clock => Timestamp::now().as_microsecond(),
            Some(Fault::CutsTimes) => now.as_microsecond().div_euclid(1_000) * 1_000,
            Some(Fault::RoundsTimesUp) => now.as_microsecond().saturating_add(1),
            _ => now.as_microsecond(),
        };
        let stage = {
            let mut state = self.state(Some(now));
            let stage = self.stage(&state, charges, now, leasing);
            if !self.has(Fault::LetsOthersIn) {
                self.write(&mut state, charges, &stage, now);
            }
            stage
        };
        if self.has(Fault::LetsOthersIn) {
            give_way().await;
            self.write(&mut self.state(None), charges, &stage, now);
        }
        Ok(Charged::new(stage.outcomes, now))
    }

    async fn release(&self, bucket: &str, slot: i64) -> Result<(), StoreError> {
        self.release_in(&mut self.state(None), &self.id(bucket), slot);
        Ok(())
    }

    async fn family(&self, id: &str, _now: Timestamp) -> Result<Option<FamilyState>, StoreError> {
        if self.has(Fault::LetsOthersIn) {
            give_way().await;
        }
        Ok(self.state(None).families.get(&self.id(id)).map(|kept| kept.value.clone()))
    }

    async fn swap_family(
        &self,
        id: &str,
        read: u64,
        family: &FamilyState,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, now) = (self.id(id), now.as_microsecond());
        let mut state = self.state(Some(now));
        let stored = state.families.get(&id).map(|kept| kept.value.version);
        let version = stored.unwrap_or(0);
        #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "that is the fault")]
        let is_current = match self.fault {
            Some(Fault::SwapsAlways) => true,
            Some(Fault::SwapsNewer) => version <= read,
            Some(Fault::SwapsAsDoubles) => version as f64 == read as f64,
            Some(Fault::SwapsNoVersionZero) => stored == (read > 0).then_some(read),
            _ => version == read,
        };
        if is_current {
            if self.has(Fault::MixesFamiliesAndBuckets) {
                state.buckets.remove(&id);
            }
            state.families.insert(id, kept(family.clone(), expires.as_microsecond(), now));
        }
        Ok(is_current)
    }
}

/// Lets another future of the same thread go on.
async fn give_way() {
    let mut is_done = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut is_done, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
