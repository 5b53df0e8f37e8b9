//! The cost of a decision in the workloads' worlds.
//!
//! The paper's harness reads the clock around each decision and drops what isn't a whole microsecond; here batches are timed, in
//! nanoseconds.

use cedar_policy::Request;

use crate::harness::contest::Contest;
use crate::harness::report::{self, Goals};

use super::cedar::Cedar;
use super::gate::{Asked, Gate, Prepared};
use super::{ALL, Question, Workload, World};

/// Entities of a kind.
pub const SIZES: [usize; 4] = [5, 10, 20, 50];
/// The size that a goal is set for, and how many times faster than Cedar we must be there.
const GOAL: (usize, f64) = (50, 20.0);
/// Worlds of each size, and questions in each: the paper asks as many a world, in more worlds.
const WORLDS: u64 = 4;
const QUESTIONS: usize = 500;

const OURS: &str = "portcullis";
const FROM_JSON: &str = "portcullis, facts as JSON";
const CEDAR: &str = "cedar";

/// Times every workload at every size.
///
/// # Errors
///
/// An answer that isn't Cedar's.
pub fn run(sizes: &[usize], goals: &mut Goals) -> Result<(), String> {
    for workload in &ALL {
        for n in sizes {
            time(workload, *n, goals)?;
        }
    }
    Ok(())
}

fn time(workload: &Workload, n: usize, goals: &mut Goals) -> Result<(), String> {
    let worlds: Vec<World> = (0..WORLDS).map(|seed| (workload.world)(n, seed)).collect();
    let gate = Gate::new(workload, worlds.first().ok_or("there are no worlds")?);
    let cedars: Vec<Cedar> = worlds.iter().map(|world| Cedar::new(workload, world)).collect();
    let mut requests: Vec<(&Cedar, Request)> = Vec::new();
    let mut asked: Vec<Asked<'_>> = Vec::new();
    let mut prepared: Vec<Prepared> = Vec::new();
    let mut known: Vec<(usize, Question)> = Vec::new();
    for ((seed, world), cedar) in (0..).zip(&worlds).zip(&cedars) {
        let questions = world.questions(QUESTIONS, seed);
        prepared.push(gate.prepared(world));
        known.extend(questions.iter().map(|question| (prepared.len() - 1, *question)));
        requests.extend(cedar.requests(world, &questions).into_iter().map(|request| (cedar, request)));
        asked.extend(gate.asked(world, &questions));
    }
    let answers = requests.iter().map(|(cedar, request)| cedar.allows_without_errors(request)).collect();
    let mut contest = Contest::new(format!("(C) {}, {n} entities of a kind", workload.name), answers);
    contest.enter(OURS, None, |request| {
        let (world, question) = &known[request];
        gate.allows_prepared(&prepared[*world], question)
    });
    contest.enter(FROM_JSON, None, |request| gate.allows(&asked[request]));
    contest.enter(CEDAR, None, |request| {
        let (cedar, request) = &requests[request];
        cedar.allows(request)
    });
    let outcome = contest.run()?;
    report::print(&outcome);
    let (size, times) = GOAL;
    if n == size {
        let ratio = outcome.median(CEDAR).zip(outcome.median(OURS)).map(|(cedar, ours)| cedar / ours);
        goals.at_least(&format!("(C) {} at n = {n}, times faster than Cedar", workload.name), ratio, times);
    }
    Ok(())
}
