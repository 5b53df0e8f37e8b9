//! Slots against a plain list of running requests.

use portcullis::limit::{Algorithm, Leasing, Outcome, Rate, Terms};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{SECOND, START};
use super::{Bucket, any_size, charge, config};

/// The longest sequence, so that names run no further ahead of the clock, in microseconds.
const LENGTH: usize = 80;

#[derive(Debug, Clone, Copy)]
enum Act {
    /// Takes a slot, a number of microseconds later.
    Take(u64),
    /// Releases a slot that is taken, or that has timed out.
    Answer(usize),
    /// Moves the clock to the timeout of the oldest slot, or close to it.
    Outlive(i64),
    /// Releases a slot that was never taken.
    MakeUp(i64),
}

/// A slot that was taken and not released.
#[derive(Debug, Clone, Copy)]
struct Held {
    name: i64,
    since: i64,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let step = prop_oneof![3 => Just(0), 2 => 1_u64..4, 2 => any_size(100_000_000)];
    vec(
        prop_oneof![
            6 => step.prop_map(Act::Take),
            3 => any::<usize>().prop_map(Act::Answer),
            1 => (-1_i64..2).prop_map(Act::Outlive),
            1 => prop_oneof![any::<i64>(), START - 10..START - 1].prop_map(Act::MakeUp),
        ],
        1..LENGTH,
    )
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn no_more_run_than_may(
        most in prop_oneof![1_u64..5, Just(Rate::MOST)],
        timeout in select(vec![SECOND, 60 * SECOND, Rate::LONGEST]),
        acts in acts(),
    ) {
        let terms = Terms::new(Algorithm::Concurrency, &[Rate::new(most, timeout).unwrap()]);
        let (mut bucket, mut now) = (Bucket::default(), START);
        let mut held: Vec<Held> = Vec::new();
        for act in acts {
            match act {
                Act::Take(step) => now += step.cast_signed(),
                Act::Outlive(off) => {
                    now = held.iter().map(|held| held.name + timeout + off).filter(|end| *end > now).min().unwrap_or(now);
                }
                Act::Answer(nth) => {
                    let Some(row) = nth.checked_rem(held.len()) else { continue };
                    let Held { name, since } = held.remove(row);
                    // One that is out of time may be there still: others take its place when they come.
                    prop_assert!(bucket.usage.release(name) || since + timeout <= now + LENGTH as i64);
                    prop_assert!(!bucket.usage.release(name), "it was given back");
                    continue;
                }
                Act::MakeUp(name) => {
                    if !held.iter().any(|held| held.name == name) {
                        prop_assert!(!bucket.usage.release(name));
                    }
                    continue;
                }
            }
            // Time stands still until the clock is past the newest name.
            let clock = held.iter().map(|held| held.name).max().map_or(now, |newest| newest.max(now));
            held.retain(|held| held.name + timeout > clock);
            let running = held.len() as u64;
            match bucket.charge(&charge(&terms, 7), now, Leasing::On) {
                Outcome::Admitted(admitted) => {
                    let name = admitted.slot.unwrap();
                    prop_assert!(running < most);
                    prop_assert!(held.iter().all(|held| held.name != name), "{name} is taken");
                    prop_assert!((now..now + LENGTH as i64).contains(&name), "{name} at {now}");
                    prop_assert_eq!(admitted.standing.remaining, most - running - 1);
                    held.push(Held { name, since: now });
                }
                Outcome::Refused(refusal) => {
                    prop_assert_eq!((running, refusal.standing.remaining), (most, 0));
                    // It fits when the first of those that run is out of time, and not sooner.
                    let free = now + refusal.retry_after.unwrap();
                    prop_assert_eq!(Some(free), held.iter().map(|held| held.name + timeout).min());
                    prop_assert!(bucket.clone().charge(&charge(&terms, 1), free, Leasing::Off).is_admitted());
                    prop_assert!(!bucket.clone().charge(&charge(&terms, 1), free - 1, Leasing::Off).is_admitted());
                }
            }
            // Of what runs by the true clock, there are never more.
            let early = LENGTH as i64;
            let truly = held.iter().filter(|held| now < held.since + timeout - early).count() as u64;
            prop_assert!(truly <= most, "{truly} run");
        }
    }
}

/// Takes all slots at one moment.
#[test]
fn many_at_one_moment_have_names_of_their_own() {
    let terms = Terms::new(Algorithm::Concurrency, &[Rate::new(1_000, SECOND).unwrap()]);
    let mut bucket = Bucket::default();
    for running in 0..1_000 {
        let Outcome::Admitted(admitted) = bucket.charge(&charge(&terms, 1), START, Leasing::Off) else {
            panic!("{running}")
        };
        assert_eq!(admitted.slot, Some(START + running));
    }
    assert!(!bucket.charge(&charge(&terms, 1), START, Leasing::Off).is_admitted());
}
