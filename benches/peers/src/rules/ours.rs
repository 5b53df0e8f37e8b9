//! Portcullis: a role a rule, in as many files as it takes.

use std::fmt::Write;

use jiff::Timestamp;
use portcullis::permission::Scene;
use portcullis::{Policy, Source, User};

use super::{ACTIONS, Question, RESOLVED, Rule, US, rules};
use crate::harness::contest::{Contest, load};

/// A file holds 1 MiB.
const FILE: usize = 1_000_000;

pub(super) fn enter<'q>(contest: &mut Contest<'q>, size: usize, questions: &'q [Question]) -> Result<(), String> {
    let sources = sources(size);
    let (policy, load) = load(|| compile(&sources));
    let policy = policy?;
    let names: Vec<String> = questions.iter().map(|Question { kind, action, .. }| format!("{kind}:{action}")).collect();
    let users: Vec<User> = questions.iter().map(user).collect();
    let ids: Option<Vec<_>> = names.iter().map(|name| policy.permission(name)).collect();
    let ids = ids.ok_or("a permission is missing")?;

    let (shared, known) = (policy.clone(), users.clone());
    contest.enter(US, Some(load), move |number| {
        let Some(permission) = shared.permission(&names[number]) else { return false };
        shared.check(&scene(&shared, &known[number]), permission, None).is_allowed()
    });
    contest.enter(RESOLVED, None, move |number| {
        policy.check(&scene(&policy, &users[number]), ids[number], None).is_allowed()
    });
    Ok(())
}

pub(super) fn user(question: &Question) -> User {
    User::new("mia").with_role(&question.role)
}

pub(super) fn scene<'u>(policy: &Policy, user: &'u User) -> Scene<'u> {
    policy.scene(Timestamp::UNIX_EPOCH).user(user).build()
}

pub(super) fn compile(sources: &[Source]) -> Result<Policy, String> {
    Policy::compile(sources).map_err(|errors| format!("us: {errors}"))
}

/// The rules' text.
pub(super) fn sources(size: usize) -> Vec<Source> {
    let mut texts = vec![String::from("policy generated\n")];
    let mut write = |line: &str| match texts.last_mut() {
        Some(text) if text.len() + line.len() <= FILE => text.push_str(line),
        _ => texts.push(format!("policy generated\n{line}")),
    };
    for first in (0..size).step_by(ACTIONS) {
        let mut line = format!("resource t_{} {{ actions a_0", first / ACTIONS);
        for action in 1..ACTIONS.min(size - first) {
            let _ = write!(line, ", a_{action}");
        }
        write(&(line + " }\n"));
    }
    for Rule { role, kind, action } in rules(size) {
        write(&format!("role {role} {{ allow {kind}:{action} }}\n"));
    }
    texts.into_iter().enumerate().map(|(n, text)| Source::new(format!("generated{n}.gate"), text)).collect()
}
