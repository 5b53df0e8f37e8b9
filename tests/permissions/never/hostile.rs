//! Policies with expensive proofs: each ends with an error, and never with a wrong proof.

use std::fmt::Write;

use super::{told, unproved_or_violated};
use crate::counting::allocations;

/// The most allocations that compiling one of these policies takes.
const ALLOCATIONS: usize = 10_000_000;

#[track_caller]
fn bounded(text: &str) {
    let (found, allocations) = allocations(|| told(text));
    println!("{allocations} allocations, {:?}", found.first().map(|found| (found.code, &found.message)));
    assert!(allocations < ALLOCATIONS, "{allocations} allocations");
    unproved_or_violated(&found);
}

fn things(attributes: &str, rest: &str) -> String {
    format!(
        "policy p\nsecret KEY\ntoken t {{ algorithm HS256  key KEY  claims {{ sub: string }} }}\n\
         user from t {{ id = claims.sub }}\nresource things {{ actions act  {attributes} }}\n{rest}"
    )
}

#[test]
fn many_lists_that_hang_together() {
    let mut attributes = String::new();
    let mut conditions = Vec::new();
    for row in 0..40 {
        writeln!(attributes, "l{row}: [string]").unwrap();
        conditions.push(format!("resource.l{row} intersects resource.l{}", (row + 1) % 40));
    }
    let rest = format!(
        "allow things:act when {}\nforbid things:act when resource.l0 contains_all resource.l20\n\
         never things:act when resource.l7 contains user.id",
        conditions.join(" and ")
    );
    bounded(&things(&attributes, &rest));
}

#[test]
fn many_numbers_in_a_circle() {
    let mut attributes = String::new();
    let mut conditions = Vec::new();
    for row in 0..12 {
        writeln!(attributes, "n{row}: int").unwrap();
        conditions.push(format!("resource.n{row} + {row} < resource.n{}", (row + 1) % 12));
    }
    let rest = format!("allow things:act when {}\nnever things:act when user.id == \"a\"", conditions.join(" and "));
    bounded(&things(&attributes, &rest));
}

#[test]
fn many_conditions_in_the_worst_order() {
    let mut attributes = String::new();
    let mut grants = Vec::new();
    for row in 0..60 {
        writeln!(attributes, "a{row}: string\nb{row}: string").unwrap();
    }
    for row in 0..60 {
        let other = (row * 7 + 30) % 60;
        grants.push(format!("(resource.a{row} == resource.b{other} or resource.a{other} != resource.b{row})"));
    }
    let guards: Vec<String> = (0..60).map(|row| format!("resource.a{row} != resource.b{row}")).collect();
    let rest = format!(
        "allow things:act when {}\nforbid things:act when {}\nnever things:act when user.id == \"a\" and resource.a0 == resource.a1",
        grants.join(" and "),
        guards.join(" and ")
    );
    bounded(&things(&attributes, &rest));
}

#[test]
fn a_flood_of_invariants() {
    let mut attributes = String::new();
    let mut rest = String::new();
    for row in 0..30 {
        writeln!(attributes, "l{row}: [string]").unwrap();
    }
    let lists: Vec<String> = (0..29).map(|row| format!("resource.l{row} intersects resource.l{}", row + 1)).collect();
    writeln!(rest, "allow things:act when {}", lists.join(" and ")).unwrap();
    for row in 0..300 {
        writeln!(rest, "never things:act when user.id == \"u{row}\" and not (resource.l3 contains \"{row}\")").unwrap();
    }
    bounded(&things(&attributes, &rest));
}

#[test]
fn a_flood_of_constants() {
    let mut rest = String::new();
    for row in 0..3_000 {
        writeln!(rest, "allow things:act when user.id == \"u{row}\" and resource.n == {row}").unwrap();
    }
    writeln!(rest, "never things:act when user.id == \"u77\" and resource.n != 77").unwrap();
    writeln!(rest, "never things:act when user.id == \"u78\" and resource.n == 78").unwrap();
    bounded(&things("n: int", &rest));
}
