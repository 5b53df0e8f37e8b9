//! Part A: so many rules "role r_i may do action a_(i mod 50) on type t_(i div 50)", each asked for as often.

mod casbin;
mod cedar;
mod hash_map;
mod ours;
mod regorus;
pub mod sharing;

use crate::harness::contest::{Contest, Outcome};
use crate::harness::report::{Goals, bytes, number, print};
use crate::random::Random;

/// The default sizes.
pub const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
/// Enough that at 100,000 rules they don't all fit in a cache.
const QUESTIONS: usize = 32_768;
const ACTIONS: usize = 50;

const US: &str = "us, from names";
const RESOLVED: &str = "us, ids resolved";
const FLOOR: &str = "nested HashMaps";
const CEDAR_RULES: &str = "cedar, a policy a rule";

/// Says what a rule is about, by its number.
struct Rule {
    role: String,
    kind: String,
    action: String,
}

fn rule(number: usize) -> Rule {
    let (kind, action) = (number / ACTIONS, number % ACTIONS);
    Rule { role: format!("r_{number}"), kind: format!("t_{kind}"), action: format!("a_{action}") }
}

fn rules(size: usize) -> impl Iterator<Item = Rule> {
    (0..size).map(rule)
}

/// May this role do that action on that type?
struct Question {
    role: String,
    kind: String,
    action: String,
}

/// Questions spread over the rules, every other of which is allowed, with the answers.
fn questions(size: usize) -> (Vec<Question>, Vec<bool>) {
    let mut random = Random::new(size as u64);
    let question = |_| {
        let asked = random.below(size);
        let allowed = random.percent(50);
        let other = match allowed {
            true => asked,
            // As often another action of the same type as of any.
            false => {
                let first = asked / ACTIONS * ACTIONS;
                let near = first + random.below(ACTIONS.min(size - first));
                let any = if random.percent(50) { near } else { random.below(size) };
                if any == asked { (asked + 1) % size } else { any }
            }
        };
        let Rule { kind, action, .. } = rule(other);
        (Question { role: rule(asked).role, kind, action }, allowed)
    };
    (0..QUESTIONS).map(question).unzip()
}

/// Measures all engines at each size.
///
/// # Errors
///
/// An engine that doesn't load, or answers otherwise than the others.
pub fn run(sizes: &[usize], goals: &mut Goals) -> Result<(), String> {
    let mut outcomes = Vec::new();
    for size in sizes {
        let outcome = measure(*size)?;
        print(&outcome);
        judge(*size, &outcome, goals);
        outcomes.push((*size, outcome));
    }
    let growth = |engine| {
        let median = |size| outcomes.iter().find(|(known, _)| *known == size).and_then(|(_, all)| all.median(engine));
        Some(median(100_000)? / median(10)?)
    };
    // How much a lookup grows is a matter of how many different ones there are: the floor tells.
    if let Some(floor) = growth(FLOOR) {
        let what = format!("A: growth from 10 to 100,000 rules (plain HashMaps: {})", number(floor));
        goals.at_most(&what, growth(US), 1.6);
    }
    Ok(())
}

fn measure(size: usize) -> Result<Outcome, String> {
    if size < 2 {
        return Err("there is nothing to deny with fewer than 2 rules".to_owned());
    }
    let (questions, answers) = questions(size);
    let mut contest = Contest::new(format!("A: {size} rules"), answers);
    ours::enter(&mut contest, size, &questions)?;
    hash_map::enter(&mut contest, size, &questions);
    cedar::enter(&mut contest, size, &questions)?;
    regorus::enter(&mut contest, size, &questions)?;
    casbin::enter(&mut contest, size, &questions)?;
    contest.run()
}

fn judge(size: usize, outcome: &Outcome, goals: &mut Goals) {
    let Some(us) = outcome.median(US) else { return };
    let ratio = |median: Option<f64>| median.map(|median| median / us);
    let of = |what: &str| format!("A, {size} rules: {what}");
    goals.at_most(&of("us beside plain HashMaps"), outcome.median(FLOOR).map(|floor| us / floor), 2.0);
    for peer in ["cedar", "regorus", "casbin"] {
        if let Some((style, median)) = outcome.best(&[peer]) {
            goals.at_least(&of(&format!("{style} beside us")), Some(median / us), 10.0);
        }
    }
    if size == 10_000 {
        goals.at_least(&of("cedar, a policy a rule, beside us"), ratio(outcome.median(CEDAR_RULES)), 50_000.0);
    }
    for engine in [US, RESOLVED] {
        let row = outcome.rows.iter().find(|row| row.engine == engine);
        let figures = row.and_then(|row| row.outcome.as_ref().ok());
        goals.at_most(&of(&format!("allocations a decision of {engine}")), figures.map(|row| row.allocations), 0.0);
    }
    let load = outcome.rows.iter().find(|row| row.engine == US).and_then(|row| row.load);
    if let (100_000, Some(load)) = (size, load) {
        let each = load.memory.live as f64 / size as f64;
        goals.at_most(&of("seconds to compile"), Some(load.time.as_secs_f64()), 1.0);
        goals.at_most(&of(&format!("live bytes a rule ({} in all)", bytes(load.memory.live))), Some(each), 100.0);
    }
}
