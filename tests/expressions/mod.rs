//! Expressions: networks, null, guards and lists.

use serde_json::{Value, json};

use crate::support::rules::{check_rules, compile_rules};

#[test]
fn networks_of_mapped_addresses() {
    let from = |peer: &str| json!({ "permission": "p:r", "user": { "id": "u" }, "peer": peer });
    for network in ["::ffff:10.0.0.0/104", "10.0.0.0/8"] {
        let rules = format!("resource p {{ actions r }}\nallow p:r\nforbid p:r when client.ip in [{network}]");
        check_rules(&rules, &[(from("10.0.0.1"), false), (from("::ffff:10.9.9.9"), false), (from("11.0.0.1"), true)]);
    }
}

#[test]
fn null_in_a_body_is_a_value_however_deep() {
    let rules = "resource p { actions r, w }
schema B { meta: { pin?: string | null, x: int }  pin?: string | null }
allow p:*
forbid p:r when has(body.meta.pin)
forbid p:w when has(body.pin)
routes / { POST /r requires p:r body B  POST /w requires p:w body B }";
    let post = |path: &str, body: Value| json!({ "method": "POST", "url": path, "user": { "id": "u" }, "body": body });
    let null = json!({ "meta": { "x": 1, "pin": null }, "pin": null });
    let missing = json!({ "meta": { "x": 1 } });
    check_rules(
        rules,
        &[
            (post("/r", null.clone()), false),
            (post("/w", null), false),
            (post("/r", missing.clone()), true),
            (post("/w", missing), true),
        ],
    );
}

#[test]
fn guards_of_what_may_be_null() {
    let rule = |condition: &str| {
        compile_rules(&format!(
            "resource p {{ actions r  pub: {{ at: int, by?: string, to?: string }} | null  x: string | null }}\n\
             allow p:r when {condition}"
        ))
    };
    for sound in [
        "resource.pub != null and has(resource.pub.by)",
        "resource.pub != null and resource.pub.by != null and resource.pub.by == \"x\"",
        "resource.pub == null or resource.pub.at > 1",
        "resource.x != null and resource.x starts_with \"a\"",
        "has(resource.x)",
    ] {
        assert!(rule(sound).is_ok(), "{sound}: {:?}", rule(sound).err());
    }
    for wrong in [
        "resource.pub.by != null and resource.pub.to != null",
        "resource.pub.at > 1",
        // `has` is true of `null`.
        "has(resource.x) and resource.x starts_with \"a\"",
        "has(resource.pub) and resource.pub.at > 1",
    ] {
        let codes = rule(wrong).err().unwrap_or_default();
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == "undischarged_optional"), "{wrong}: {codes:?}");
    }
    assert_eq!(rule("has(has(user.email))").err(), Some(vec!["wrong_call"]));
}

#[test]
fn long_lists_are_compared_in_no_time() {
    let rules = "schema L { a: [string]  b: [string]  check a contains_all b }\nroutes / { POST / public body L }";
    let names = |start: usize| (start..start + 40_000).map(|number| format!("n{number}")).collect::<Vec<_>>();
    let post = |b: Vec<String>| json!({ "method": "POST", "url": "/", "body": { "a": names(0), "b": b } });
    check_rules(rules, &[(post(names(0)), true), (post(names(1)), false)]);
}

/// Guards that combine: each set of them is a place of its own, up to a bound.
#[test]
fn conditions_behind_every_set_of_guards() {
    let mut rules = String::from("context { a0?: int");
    for number in 1..20 {
        rules.push_str(&format!(" a{number}?: int"));
    }
    rules.push_str(" }\nresource p { actions r }\ncondition c0 = now > 2026-01-01T00:00:00Z\n");
    for number in 0..20 {
        let next = number + 1;
        rules.push_str(&format!(
            "condition c{next} = (has(context.a{number}) and c{number}) or (not has(context.a{number}) and c{number})\n"
        ));
    }
    assert_eq!(compile_rules(&format!("{rules}allow p:r when c20")).err(), Some(vec!["too_complex"]));
    assert!(compile_rules(&format!("{rules}allow p:r when c8")).is_ok());
}
