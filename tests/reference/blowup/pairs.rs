//! Many independent pairs of questions: a diagram asks the first questions of all pairs before the second ones.

use std::fmt::Write as _;

use portcullis::Policy;
use serde_json::json;

use super::{Dice, Facts, compiled, passed, verdict};
use crate::scene::Outcome;

/// True, false and unknown.
type Truth = Option<bool>;

/// The declarations of a number of pairs.
fn declared(pairs: usize) -> String {
    let mut out = String::from(
        "policy p\nsecret FIRST_KEY\ntoken t { algorithm HS256  key FIRST_KEY  claims { sub: string } }\n\
         user from t { id = claims.sub }\ncontext {\n",
    );
    (0..pairs).for_each(|pair| writeln!(out, "  c{pair}: int  d{pair}: string").unwrap());
    out.push_str("}\nresource docs {\n  actions read  closed: bool\n");
    (0..pairs).for_each(|pair| writeln!(out, "  r{pair}: string").unwrap());
    out.push_str("}\n");
    out
}

fn pair(pair: usize) -> String {
    format!("context.c{pair} == {pair} and resource.r{pair} == context.d{pair}")
}

/// Facts, and the values of the pairs under them.
fn scene(dice: &mut Dice, pairs: usize, lucky: u64) -> (Facts, Vec<Truth>) {
    let mut facts = Facts::default();
    facts.set("resource.closed", json!(false));
    let mut truths = Vec::with_capacity(pairs);
    let known = |dice: &mut Dice| Some(dice.below(lucky) == 0).filter(|_| dice.below(lucky * 3) != 0);
    for pair in 0..pairs {
        let (first, second) = (known(dice), known(dice));
        match first {
            Some(holds) => facts.set(&format!("context.c{pair}"), json!(if holds { pair } else { pair + 1 })),
            None => facts.set(&format!("context.c{pair}"), json!("of the wrong type")),
        }
        facts.set(&format!("context.d{pair}"), json!("mine"));
        if let Some(holds) = second {
            facts.set(&format!("resource.r{pair}"), json!(if holds { "mine" } else { "theirs" }));
        }
        truths.push(and(first, second));
    }
    (facts, truths)
}

fn and(one: Truth, other: Truth) -> Truth {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn not(truth: Truth) -> Truth {
    truth.map(|truth| !truth)
}

fn or(one: Truth, other: Truth) -> Truth {
    not(and(not(one), not(other)))
}

fn any(truths: &[Truth]) -> Truth {
    truths.iter().copied().fold(Some(false), or)
}

/// Compares a policy over pairs with the expected outcomes, in scenes where few or many pairs are true.
#[track_caller]
fn check(what: &str, pairs: usize, rest: &str, ask: &str, expected: impl Fn(&[Truth]) -> Outcome) {
    let engine = compiled(&format!("{what}, {pairs} pairs"), &format!("{}{rest}", declared(pairs)));
    let dice = &mut Dice(pairs as u64 + 7);
    let mut seen = Vec::new();
    let rounds = if pairs > 1_000 { 8 } else { 60 };
    for round in 0..rounds {
        let lucky = [2, 5, 1 + pairs as u64, 1 << 40][round % 4];
        let (facts, truths) = scene(dice, pairs, lucky);
        let outcome = expected(&truths);
        assert_eq!(engine.answer(&facts.scene(ask)), outcome, "{what}, {pairs} pairs: {truths:?}");
        seen.push(outcome);
    }
    // A single pair is true.
    for alone in [0, pairs / 2, pairs - 1] {
        let mut facts = Facts::default();
        facts.set("resource.closed", json!(false));
        for pair in 0..pairs {
            facts.set(&format!("context.c{pair}"), json!(pair));
            facts.set(&format!("context.d{pair}"), json!("mine"));
            facts.set(&format!("resource.r{pair}"), json!(if pair == alone { "mine" } else { "theirs" }));
        }
        let truths: Vec<Truth> = (0..pairs).map(|pair| Some(pair == alone)).collect();
        let outcome = expected(&truths);
        assert_eq!(engine.answer(&facts.scene(ask)), outcome, "{what}, {pairs} pairs: {alone} alone");
        seen.push(outcome);
    }
    let allowed = seen.iter().filter(|outcome| **outcome == Outcome::Allow).count();
    assert!(allowed > 0 && allowed < seen.len(), "{what}, {pairs} pairs: {allowed} of {}", seen.len());
}

const SIZES: [usize; 4] = [20, 200, 2_000, 8_000];

#[test]
fn a_rule_a_pair() {
    for pairs in SIZES {
        let rules: Vec<String> = (0..pairs).map(|row| format!("allow docs:read when {}\n", pair(row))).collect();
        check("grants", pairs, &rules.concat(), "docs:read", |truths| verdict(any(truths) == Some(true)));
    }
}

#[test]
fn one_rule_of_all_pairs() {
    for pairs in SIZES {
        let all: Vec<String> = (0..pairs).map(|row| format!("({})", pair(row))).collect();
        let rule = format!("allow docs:read when {}\n", all.join("\n  or "));
        check("a grant", pairs, &rule, "docs:read", |truths| verdict(any(truths) == Some(true)));
    }
}

#[test]
fn forbids() {
    for pairs in SIZES {
        let rules: Vec<String> = (0..pairs).map(|row| format!("forbid docs:read when {}\n", pair(row))).collect();
        let rules = format!("allow docs:read\n{}", rules.concat());
        check("forbids", pairs, &rules, "docs:read", |truths| verdict(any(truths) == Some(false)));
    }
}

#[test]
fn conditions_of_a_route() {
    for pairs in SIZES {
        let all: Vec<String> = (0..pairs).map(|row| format!("({})", pair(row))).collect();
        let route = format!(
            "allow docs:read\nforbid docs:read when resource.closed\nroutes / {{ GET /docs/{{id}} requires docs:read on docs(id)\n  when {} }}\n",
            all.join("\n  or ")
        );
        check("a route", pairs, &route, "GET /docs/1", |truths| passed(any(truths) == Some(true)));
    }
}

/// Each condition names the one before twice: written out, they double.
#[test]
fn conditions_that_double() {
    for pairs in [10, 20] {
        let mut out = format!("condition k0 = {}\n", pair(0));
        for row in 1..pairs {
            let before = row - 1;
            writeln!(out, "condition k{row} = (k{before} and not ({0})) or (not k{before} and {0})", pair(row))
                .unwrap();
        }
        writeln!(out, "allow docs:read when k{}", pairs - 1).unwrap();
        check("doubling", pairs, &out, "docs:read", |truths| {
            let differ = |one: Truth, other: Truth| or(and(one, not(other)), and(not(one), other));
            verdict(truths.iter().copied().reduce(differ).unwrap() == Some(true))
        });
    }
}

/// Named conditions in layers, each of which names all of the layer before.
#[test]
fn conditions_in_layers() {
    const WIDTH: usize = 12;
    const LAYERS: usize = 12;
    let mut out = String::new();
    for column in 0..WIDTH {
        writeln!(out, "condition k0_{column} = {}", pair(column)).unwrap();
    }
    for layer in 1..LAYERS {
        for column in 0..WIDTH {
            let word = if layer % 2 == 0 { " or " } else { " and " };
            let named = (0..WIDTH).map(|other| {
                let not = if (other + column + layer) % 3 == 0 { "not " } else { "" };
                format!("{not}k{}_{other}", layer - 1)
            });
            let named: Vec<String> = named.collect();
            let own = (layer * WIDTH + column) % (WIDTH * LAYERS);
            writeln!(out, "condition k{layer}_{column} = ({}) or {}", named.join(word), pair(own)).unwrap();
        }
    }
    writeln!(out, "allow docs:read when k{}_0", LAYERS - 1).unwrap();
    check("layers", WIDTH * LAYERS, &out, "docs:read", |truths| {
        let mut layer: Vec<Truth> = truths[..WIDTH].to_vec();
        for row in 1..LAYERS {
            let column = |column: usize| {
                let named = layer.iter().enumerate().map(|(other, truth)| match (other + column + row) % 3 {
                    0 => not(*truth),
                    _ => *truth,
                });
                let joined = named.reduce(if row % 2 == 0 { or } else { and }).unwrap();
                or(joined, truths[row * WIDTH + column])
            };
            layer = (0..WIDTH).map(column).collect();
        }
        verdict(layer[0] == Some(true))
    });
}

#[test]
fn the_same_policy_has_the_same_graph() {
    let rules: Vec<String> = (0..100).map(|row| format!("allow docs:read when {}\n", pair(row))).collect();
    let text = format!("{}{}", declared(100), rules.concat());
    let graph = || Policy::compile(&[portcullis::Source::new("p.gate", &text)]).unwrap().graph_text();
    assert_eq!(graph(), graph());
}
