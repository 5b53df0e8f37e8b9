//! Correct stores pass, with any clock and at any time of removing expired states.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, dead_code)]

mod support;

use pollster::block_on;
use portcullis::limit::Algorithm;
use portcullis_conformance::{Clock, Contest, Forgets, Suite, family_steps, hostile_ids, steps, steps_of};
use proptest::prelude::*;
use support::{Plain, Sweeps};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn one_that_never_forgets(steps in steps()) {
        block_on(Suite::new(&Plain::new(Sweeps::Never), "p").run(&steps))?;
    }

    #[test]
    fn one_that_forgets_what_it_reads(steps in steps()) {
        block_on(Suite::new(&Plain::new(Sweeps::OnReading), "p").run(&steps))?;
    }

    #[test]
    fn one_that_forgets_all_that_it_can(steps in steps()) {
        block_on(Suite::new(&Plain::new(Sweeps::Always), "p").run(&steps))?;
    }

    #[test]
    fn one_that_forgets_by_the_wall_clock(steps in steps()) {
        let store = Plain::new(Sweeps::ByWallClock);
        block_on(Suite::new(&store, "p").with_forgets(Forgets::ByWallClock).run(&steps))?;
    }

    #[test]
    fn one_with_a_clock_of_its_own(steps in steps()) {
        let store = Plain::new(Sweeps::ByWallClock).with_own_clock();
        block_on(Suite::new(&store, "p").with_forgets(Forgets::ByWallClock).with_clock(Clock::Own).run(&steps))?;
    }

    #[test]
    fn families_alone(steps in family_steps()) {
        block_on(Suite::new(&Plain::new(Sweeps::Always), "p").run(&steps))?;
    }
}

#[test]
fn each_algorithm_alone() {
    for algorithm in Algorithm::ALL {
        // One store for all sequences, as a server has them.
        let store = Plain::new(Sweeps::Always);
        let suite = Suite::new(&store, "p");
        let checked = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 200, ..config() })
            .run(&steps_of(algorithm), |steps| Ok(block_on(suite.run(&steps))?));
        assert!(checked.is_ok(), "{algorithm:?}: {checked:?}");
    }
}

#[test]
fn hostile_ids_are_told_apart() {
    let store = Plain::new(Sweeps::Always);
    block_on(Suite::new(&store, "p").run_verbatim(&hostile_ids())).unwrap();
}

#[test]
fn contenders_get_what_there_is() {
    let (store, contest) = (Plain::new(Sweeps::Always), Contest::new("p"));
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| block_on(contest.contend(&store)).unwrap());
        }
    });
    block_on(contest.judge(&store)).unwrap();
}
