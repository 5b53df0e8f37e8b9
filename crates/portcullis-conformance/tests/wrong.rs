//! The suite finds every fault.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, dead_code)]

mod support;

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use pollster::block_on;
use portcullis_conformance::{Contest, Step, Suite, family_steps, hostile_ids, steps};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};
use support::{Fault, Plain};

/// Runs the same random sequences in each test run until one of them finds the fault. Failures aren't shrunk.
fn find(fault: Fault, steps: impl Strategy<Value = Vec<Step>>) -> Option<String> {
    let config =
        ProptestConfig { cases: 3_000, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let run = |steps: Vec<Step>| Ok(block_on(Suite::new(&Plain::with_fault(fault), "p").run(&steps))?);
    match runner.run(&steps, run) {
        Err(TestError::Fail(reason, _)) => Some(reason.to_string()),
        Err(TestError::Abort(reason)) => panic!("{fault:?}: {reason}"),
        Ok(()) => None,
    }
}

#[track_caller]
fn found_by_steps(faults: &[Fault]) {
    let missed: Vec<&Fault> = faults.iter().filter(|fault| find(**fault, steps()).is_none()).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn stages_that_are_no_whole() {
    found_by_steps(&[
        Fault::DryRunRefuses,
        Fault::ConsumesBesideRefusals,
        Fault::GivesBesideRefusals,
        Fault::ChargesOnce,
        Fault::SortsOutcomes,
    ]);
}

#[test]
fn leases_that_are_wrong() {
    found_by_steps(&[Fault::ForgetsLeaseEnds, Fault::NeverLeases, Fault::AlwaysLeases]);
}

#[test]
fn states_that_lack_something() {
    found_by_steps(&[
        Fault::LosesFractions,
        Fault::LosesOtherPeriods,
        Fault::KeepsAFewAdmissions,
        Fault::KeepsOtherAlgorithms,
        Fault::NeverHeals,
    ]);
}

#[test]
fn numbers_and_times_that_are_cut() {
    found_by_steps(&[
        Fault::CutsCosts,
        Fault::CutsTimes,
        Fault::RoundsTimesUp,
        Fault::ForgetsEarly,
        Fault::ForgetsByTheLatest,
    ]);
}

#[test]
fn slots_that_are_not_given_back() {
    found_by_steps(&[
        Fault::ReleasesNothing,
        Fault::ReleasesTheOldest,
        Fault::ReleasesEverything,
        Fault::ReleasesAnywhere,
    ]);
}

#[test]
fn swaps_that_are_none() {
    for fault in [Fault::SwapsAlways, Fault::SwapsNewer, Fault::SwapsAsDoubles, Fault::SwapsNoVersionZero] {
        assert!(find(fault, family_steps()).is_some_and(|reason| reason.contains("swapped")), "{fault:?}");
    }
}

#[test]
fn ids_that_touch_each_other() {
    for fault in [
        Fault::CutsIds,
        Fault::EndsIdsAtNul,
        Fault::TrimsIds,
        Fault::FoldsIds,
        Fault::HashesTagsAlone,
        Fault::IgnoresPolicies,
        Fault::MixesFamiliesAndBuckets,
    ] {
        let store = Plain::with_fault(fault);
        assert!(block_on(Suite::new(&store, "p").run_verbatim(&hostile_ids())).is_err(), "{fault:?}");
    }
}

/// Two contenders take turns wherever the store yields.
#[test]
fn charges_with_others_in_between() {
    let (store, contest) = (Plain::with_fault(Fault::LetsOthersIn), Contest::new("p"));
    let (mut one, mut other) = (pin!(contest.contend(&store)), pin!(contest.contend(&store)));
    let (mut is_one_done, mut is_other_done) = (false, false);
    block_on(std::future::poll_fn(|context| {
        is_one_done = is_one_done || one.as_mut().poll(context).is_ready();
        is_other_done = is_other_done || other.as_mut().poll(context).is_ready();
        if is_one_done && is_other_done { Poll::Ready(()) } else { Poll::Pending }
    }));
    assert!(block_on(contest.judge(&store)).is_err());
}
