//! Random rules over a few shared attributes, in every order, against the reference.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::Facts;
use crate::choices::Choices;
use crate::engine::Engine;
use crate::policy::Reference;

const ATTRIBUTES: usize = 14;
const ROLES: usize = 6;

/// A question of few attributes, so that rules share them.
fn question(choices: &mut Choices<'_>, named: usize) -> String {
    let (one, other) = (choices.below(ATTRIBUTES), choices.below(ATTRIBUTES));
    let constant = choices.below(4);
    match choices.below(if named == 0 { 9 } else { 11 }) {
        0 | 1 => format!("context.c{one} == {constant}"),
        2 => format!("context.c{one} < {constant}"),
        3 => format!("context.c{one} in [{constant}, {}]", constant + 2),
        4 | 5 => format!("resource.r{one} == context.d{other}"),
        6 => format!("resource.r{one} == \"v{constant}\""),
        7 => format!("context.d{one} == context.d{other}"),
        8 => format!("user is role{}", choices.below(ROLES)),
        _ => format!("k{}", choices.below(named)),
    }
}

fn condition(choices: &mut Choices<'_>, named: usize, depth: usize) -> String {
    let parts = |choices: &mut Choices<'_>, word: &str| {
        let parts: Vec<String> = (0..2 + choices.below(4)).map(|_| condition(choices, named, depth - 1)).collect();
        format!("({})", parts.join(word))
    };
    match choices.below(if depth == 0 { 3 } else { 8 }) {
        0 | 1 => question(choices, named),
        2 => format!("not ({})", question(choices, named)),
        3..=5 => parts(choices, " and "),
        _ => parts(choices, " or "),
    }
}

fn policy(choices: &mut Choices<'_>) -> String {
    let mut out = String::from(
        "policy p\nsecret FIRST_KEY\n\
         token t { algorithm HS256  key FIRST_KEY  claims { sub: string  roles: [string]  scopes?: [string] } }\n\
         user from t { id = claims.sub  roles = claims.roles  scopes = claims.scopes }\ncontext {\n",
    );
    (0..ATTRIBUTES).for_each(|row| writeln!(out, "  c{row}: int  d{row}: string").unwrap());
    out.push_str("}\nresource docs {\n  actions read  closed: bool\n");
    (0..ATTRIBUTES).for_each(|row| writeln!(out, "  r{row}: string").unwrap());
    out.push_str("}\nforbid docs:read when resource.closed\n");
    let named = 1 + choices.below(12);
    for row in 0..named {
        writeln!(out, "condition k{row} = {}", condition(choices, row, 2)).unwrap();
    }
    for role in 0..ROLES {
        let extends = if role > 0 && choices.chance(40) { format!("extends role{} ", role - 1) } else { String::new() };
        writeln!(out, "role role{role} {extends}{{").unwrap();
        for _ in 0..choices.below(6) {
            writeln!(out, "  allow docs:read when {}", condition(choices, named, 2)).unwrap();
        }
        out.push_str("}\n");
    }
    writeln!(out, "scope \"s\" {{ allow docs:read when {} }}", condition(choices, named, 2)).unwrap();
    for _ in 0..choices.below(24) {
        let word = if choices.chance(25) { "forbid" } else { "allow" };
        writeln!(out, "{word} docs:read when {}", condition(choices, named, 3)).unwrap();
    }
    out.push_str("routes / { GET /docs/{id} requires docs:read on docs(id) }\n");
    out
}

fn facts(choices: &mut Choices<'_>) -> Facts {
    let mut facts = Facts::default();
    let roles: Vec<String> = (0..ROLES).filter(|_| choices.chance(30)).map(|role| format!("role{role}")).collect();
    let mut user = json!({ "id": "mia", "roles": roles });
    if choices.chance(25) {
        user["scopes"] = json!(["s"]);
    }
    facts.user = Some(user);
    facts.set("resource.closed", json!(false));
    // Of some scenes all is known, of others only half.
    let unknown = [0, 0, 10, 50][choices.below(4)];
    for row in 0..ATTRIBUTES {
        let number = choices.below(5);
        let texts = [choices.below(3), choices.below(3)].map(|text| json!(format!("v{text}")));
        let values = [("context.c", json!(number)), ("context.d", texts[0].clone()), ("resource.r", texts[1].clone())];
        for (path, value) in values {
            if !choices.chance(unknown) {
                facts.set(&format!("{path}{row}"), value);
            }
        }
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shared_attributes(numbers in vec(any::<u32>(), 0..2_000), scenes in vec(vec(any::<u32>(), 0..150), 1..12)) {
        let text = policy(&mut Choices::new(&numbers));
        let engine = Engine::compile(&text);
        prop_assert!(engine.is_ok(), "{}\n{:#?}", text, engine.err());
        let (engine, reference) = (engine.ok().unwrap(), Reference::new(&text));
        for scene in &scenes {
            let facts = facts(&mut Choices::new(scene));
            for ask in ["docs:read", "GET /docs/1"] {
                let scene = facts.scene(ask);
                prop_assert_eq!(engine.answer(&scene), reference.answer(&scene), "{}\n{}", text, serde_json::to_string(&scene).unwrap());
            }
        }
    }
}
