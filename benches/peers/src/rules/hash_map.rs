//! The floor: what any lookup by names costs at least, where nobody wrote a policy.

use std::collections::{HashMap, HashSet};

use super::{FLOOR, Question, Rule, rules};
use crate::harness::contest::{Contest, load};

pub(super) type Grants = HashMap<String, HashMap<String, HashSet<String>>>;

pub(super) fn enter<'q>(contest: &mut Contest<'q>, size: usize, questions: &'q [Question]) {
    let (grants, load) = load(|| grants(size));
    contest.enter(FLOOR, Some(load), move |number| allows(&grants, &questions[number]));
}

pub(super) fn grants(size: usize) -> Grants {
    let mut grants = Grants::new();
    for Rule { role, kind, action } in rules(size) {
        grants.entry(role).or_default().entry(kind).or_default().insert(action);
    }
    grants
}

pub(super) fn allows(grants: &Grants, question: &Question) -> bool {
    let Question { role, kind, action } = question;
    grants.get(role).and_then(|kinds| kinds.get(kind)).is_some_and(|actions| actions.contains(action))
}
