//! Part B: a small policy of roles and attributes, in each engine's language.

mod by_hand;
mod casbin;
mod cedar;
mod cel;
mod ours;
mod regorus;

use crate::harness::contest::Contest;
use crate::harness::report::{Goals, print};
use crate::random::Random;

const QUESTIONS: usize = 8_192;
const USERS: usize = 200;

const US: &str = "us";
const FROM_JSON: &str = "us, facts as JSON";
const CEDAR: &str = "cedar";
const CEL: &str = "cel, an expression an action";

const ACTIONS: [&str; 5] = ["read", "create", "update", "publish", "delete"];
const ROLES: [&str; 4] = ["viewer", "author", "editor", "admin"];
const STATUSES: [&str; 3] = ["draft", "published", "archived"];
const CLASSIFICATIONS: [&str; 3] = ["public", "internal", "secret"];
const DEPARTMENTS: [&str; 4] = ["legal", "press", "research", "sales"];

/// All that a decision depends on.
struct Question {
    action: &'static str,
    role: &'static str,
    user: String,
    department: &'static str,
    owner: String,
    document_department: &'static str,
    status: &'static str,
    classification: &'static str,
    mfa: bool,
    hour: i64,
    risk: i64,
}

fn question(random: &mut Random) -> Question {
    let mut pick = |choices: &[&'static str]| choices[random.below(choices.len())];
    let (action, status, classification) = (pick(&ACTIONS), pick(&STATUSES), pick(&CLASSIFICATIONS));
    let elsewhere = pick(&DEPARTMENTS);
    let number = random.below(USERS);
    let owner = if random.percent(50) { number } else { random.below(USERS) };
    let department = DEPARTMENTS[number % DEPARTMENTS.len()];
    Question {
        action,
        role: ROLES[number / DEPARTMENTS.len() % ROLES.len()],
        user: format!("u_{number}"),
        department,
        owner: format!("u_{owner}"),
        document_department: if random.percent(50) { department } else { elsewhere },
        status,
        classification,
        mfa: random.percent(70),
        hour: random.below(24) as i64,
        risk: random.below(100) as i64,
    }
}

/// Measures all engines.
///
/// # Errors
///
/// An engine that doesn't load, or answers otherwise than the others.
pub fn run(goals: &mut Goals) -> Result<(), String> {
    let mut random = Random::new(2);
    let questions: Vec<Question> = (0..QUESTIONS).map(|_| question(&mut random)).collect();
    let mut contest = Contest::new("B: documents", questions.iter().map(by_hand::allows).collect());
    ours::enter(&mut contest, &questions)?;
    by_hand::enter(&mut contest, &questions);
    cel::enter(&mut contest, &questions)?;
    regorus::enter(&mut contest, &questions)?;
    casbin::enter(&mut contest, &questions)?;
    cedar::enter(&mut contest, &questions)?;
    let outcome = contest.run()?;
    print(&outcome);
    let beside_us = |peer| Some(outcome.median(peer)? / outcome.median(US)?);
    goals.at_least("B: cel beside us", beside_us(CEL), 10.0);
    goals.at_least("B: cedar beside us", beside_us(CEDAR), 50.0);
    let fastest = outcome.best(&["cel", "regorus", "casbin", "cedar"]).zip(outcome.median(US));
    if let Some(((peer, median), us)) = fastest {
        goals.at_least(&format!("B: the fastest peer ({peer}) beside us"), Some(median / us), 10.0);
    }
    Ok(())
}
