//! Ids of a hostile client. A store must keep all of them apart.

use std::num::NonZeroU64;

use jiff::Timestamp;
use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms};
use portcullis::token::FamilyState;

use crate::plan::DAY;
use crate::step::{Action, Read, Step, Tick};

const MEGABYTE: usize = 1 << 20;

/// Returns charges, slots and families of every hostile id, to be run by [`Suite::run_verbatim`](crate::Suite::run_verbatim).
pub fn hostile_ids() -> Vec<Step> {
    let ids = ids();
    let mut actions = Vec::new();
    // Two are admitted for each id and a third is refused, as each id is counted separately.
    for _ in 0..3 {
        actions.extend(ids.iter().map(|id| charge(&[id])));
    }
    // Neighbouring ids in one stage, with the first one twice.
    for pair in ids.windows(2) {
        let pair: Vec<&str> = pair.iter().map(String::as_str).collect();
        actions.push(charge(&pair));
    }
    for id in &ids {
        let slot = format!("{id}/slots");
        let take = |id: &str| Action::Charge(vec![Charge::new(id, slots(), NonZeroU64::MIN)], Leasing::Off);
        actions.extend([take(&slot), take(&slot)]);
    }
    // Each slot is released, in reverse order, which frees it for its own id alone.
    for (nth, id) in ids.iter().rev().enumerate() {
        let slot = format!("{id}/slots");
        let take = Action::Charge(vec![Charge::new(slot.as_str(), slots(), NonZeroU64::MIN)], Leasing::Off);
        actions.extend([Action::GiveBack { nth: 2 * nth, bucket: None }, take.clone(), take]);
    }
    // Families with the same ids.
    for round in 0..2 {
        actions.extend(ids.iter().map(|id| swap(id, round)));
        actions.extend(ids.iter().map(|id| Action::Look { id: id.clone() }));
    }
    actions.extend(ids.iter().map(|id| charge(&[id])));
    actions.into_iter().map(|action| Step { tick: Tick::Still, action }).collect()
}

fn ids() -> Vec<String> {
    let long = "x".repeat(MEGABYTE);
    let mut ids: Vec<String> = [
        "",
        " ",
        "\0",
        "\0\0",
        "a",
        "A",
        "a ",
        "a\0",
        "a\0b",
        "a\nb",
        "a\r\nb",
        "\u{1b}[2J",
        "\u{7f}",
        "{",
        "}",
        "{}",
        "{}a",
        "{}b",
        "}{",
        "{a}b",
        "{a}c",
        "{{a}}",
        "a{b}",
        "a}b{c}",
        "*",
        "?",
        "#",
        "##",
        ":",
        "::",
        "/",
        "//",
        "family",
        "family:a",
        ":family:a",
        "a/l/0:1:u",
        "b/l/0:1:u",
        "a/m/0:1:u",
        "a/l/1:1:u",
        "a/l/0:1:v",
        "a/l/0:1:U",
        "a/l/0:1:u/1:1:v",
        "a/l/{0:1:u}",
        "a/l/0:1:{u}",
        "a/l/0:3:{}u",
        "a/l/0:3:u\0\0",
        "a/l/concurrency/0:1:u",
        // One letter, composed and not; and letters beyond two bytes.
        "\u{e9}",
        "e\u{301}",
        "\u{feff}a",
        "\u{10ffff}",
    ]
    .map(str::to_owned)
    .to_vec();
    // Lengths at which a store may truncate or hash ids.
    for length in [255, 256, 511, 512, 513, 1_024, 65_535, 65_536] {
        ids.extend([
            format!("a/l/0:{}", "y".repeat(length)),
            "y".repeat(length),
            format!("{}é", "y".repeat(length - 1)),
        ]);
    }
    ids.extend(["1", "2", "/0:1:u", "\0"].map(|end| format!("{long}{end}")));
    ids.extend(["1", "2"].map(|end| format!("a/l/0:{MEGABYTE}:{long}{end}")));
    ids.extend([
        format!("b/l/0:{MEGABYTE}:{long}1"),
        format!("1{long}"),
        "{".repeat(MEGABYTE),
        "\0".repeat(MEGABYTE),
        long,
    ]);
    ids
}

fn rate(count: u64) -> Vec<Rate> {
    Rate::new(count, DAY).into_iter().collect()
}

fn charge(ids: &[&str]) -> Action {
    let terms = Terms::new(Algorithm::FixedWindow, &rate(2));
    let charges = ids.iter().chain(ids.first()).map(|id| Charge::new(*id, terms.clone(), NonZeroU64::MIN));
    Action::Charge(charges.take(ids.len().max(2)).collect(), Leasing::Off)
}

fn slots() -> Terms {
    Terms::new(Algorithm::Concurrency, &rate(1))
}

fn swap(id: &str, read: u64) -> Action {
    let state = FamilyState::begin(id, Timestamp::MAX, Timestamp::MAX);
    Action::Swap { id: id.to_owned(), read: Read::Version(read), state, next: true, lasts: DAY }
}
