//! Several threads and one policy: whether two decide twice as many, and whether it can be replaced meanwhile.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use portcullis::{Policy, User};

use super::ours::{compile, scene, sources, user};
use super::{Question, hash_map, questions};
use crate::harness::report::{Goals, number};

const SIZE: usize = 10_000;
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(200);
const SWAPPED: Duration = Duration::from_millis(1);
/// The number of decisions between a thread's checks for the end.
const STRIDE: usize = 64;

/// Measures both.
///
/// # Errors
///
/// A policy that doesn't compile, or a decision that neither of two policies would make.
pub fn run(goals: &mut Goals) -> Result<(), String> {
    let (questions, answers) = questions(SIZE);
    let asked = Asked::new(&questions);
    let version = Version { policy: compile(&sources(SIZE))?, answers };
    println!("\nS: {SIZE} rules, one policy and two threads");

    let ours = scaling(|number| version.allows(&asked, number));
    let grants = hash_map::grants(SIZE);
    let floor = scaling(|number| hash_map::allows(&grants, &questions[number]));
    println!("{:<38} {:>10} decisions a second by two threads for one by one thread", "us, from names", number(ours));
    println!("{:<38} {:>10}", "nested HashMaps", number(floor));
    goals.at_least("S: decisions of two threads, for one of one", Some(ours), 1.8);

    let closed = compile(&closed(SIZE))?;
    let closed = Version { policy: closed, answers: vec![false; version.answers.len()] };
    swap(&asked, [Arc::new(version), Arc::new(closed)])
}

/// A policy, and the answers that it gives.
struct Version {
    policy: Policy,
    answers: Vec<bool>,
}

impl Version {
    fn allows(&self, asked: &Asked, number: usize) -> bool {
        let Some(permission) = self.policy.permission(&asked.permissions[number]) else { return false };
        self.policy.check(&scene(&self.policy, &asked.users[number]), permission, None).is_allowed()
    }
}

struct Asked {
    users: Vec<User>,
    permissions: Vec<String>,
}

impl Asked {
    fn new(questions: &[Question]) -> Self {
        let permissions = questions.iter().map(|Question { kind, action, .. }| format!("{kind}:{action}"));
        Self { users: questions.iter().map(user).collect(), permissions: permissions.collect() }
    }
}

/// The same rules, and one that beats them.
fn closed(size: usize) -> Vec<portcullis::Source> {
    let mut sources = sources(size);
    sources.push(portcullis::Source::new("closed.gate", "policy generated\nforbid *\n"));
    sources
}

/// The ratio of two threads' decisions to one thread's: the median of rounds that take turns.
fn scaling(decide: impl Fn(usize) -> bool + Sync) -> f64 {
    let mut ratios: Vec<f64> = (0..ROUNDS).map(|_| rate(2, &decide) / rate(1, &decide)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ROUNDS / 2]
}

/// Decisions a second by so many threads together.
fn rate(threads: usize, decide: &(impl Fn(usize) -> bool + Sync)) -> f64 {
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let decided: usize = thread::scope(|scope| {
        let work = |first| {
            let stop = &stop;
            scope.spawn(move || decide_until(stop, first, |number| _ = black_box(decide(number))))
        };
        let running: Vec<_> = (0..threads).map(|thread| work(thread * super::QUESTIONS / 2)).collect();
        thread::sleep(ROUND);
        stop.store(true, Relaxed);
        running.into_iter().map(|thread| thread.join().expect("a thread that only decides")).sum()
    });
    decided as f64 / start.elapsed().as_secs_f64()
}

fn decide_until(stop: &AtomicBool, first: usize, mut decide: impl FnMut(usize)) -> usize {
    let mut decided = 0;
    while !stop.load(Relaxed) {
        for _ in 0..STRIDE {
            decide((first + decided) % super::QUESTIONS);
            decided += 1;
        }
    }
    decided
}

/// Two threads decide while a third puts one policy in the place of the other: every decision must be that of the policy
/// it was asked of.
fn swap(asked: &Asked, versions: [Arc<Version>; 2]) -> Result<(), String> {
    let shared = ArcSwap::from(Arc::clone(&versions[0]));
    let stop = AtomicBool::new(false);
    let (decided, wrong, swaps) = thread::scope(|scope| {
        let deciding: Vec<_> = [0, super::QUESTIONS / 2]
            .into_iter()
            .map(|first| {
                let (stop, shared) = (&stop, &shared);
                scope.spawn(move || {
                    let mut wrong = 0;
                    let decided = decide_until(stop, first, |number| {
                        let version = shared.load();
                        wrong += usize::from(version.allows(asked, number) != version.answers[number]);
                    });
                    (decided, wrong)
                })
            })
            .collect();
        let start = Instant::now();
        let mut swaps = 0;
        while start.elapsed() < ROUND * 5 {
            swaps += 1;
            shared.store(Arc::clone(&versions[swaps % 2]));
            thread::sleep(SWAPPED);
        }
        stop.store(true, Relaxed);
        let done = deciding.into_iter().map(|thread| thread.join().expect("a thread that only decides"));
        let (decided, wrong) = done.fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
        (decided, wrong, swaps)
    });
    println!("{decided} decisions while the policy was replaced {swaps} times, {wrong} of them wrong");
    if wrong > 0 {
        return Err(format!("{wrong} decisions that no policy makes"));
    }
    Ok(())
}
