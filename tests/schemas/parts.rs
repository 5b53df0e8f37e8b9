//! Unions, recursion, defaults and secrets.

use serde_json::json;

use super::{bodies, decide, route, values};
use crate::support::exchange::{body_input, masked_body, status};

#[test]
fn unions() {
    values(
        "int 1..5 | string trim | null",
        &[("3", "="), ("3.0", "3"), ("\" x \"", "\"x\""), ("null", "="), ("7", "union"), ("[]", "union")],
    );
    values("\"all\" | int | \"none\"", &[("\"all\"", "="), ("\"none\"", "="), ("4", "="), ("\"some\"", "union")]);
    // The first member that accepts the value decides its normal form.
    bodies(
        "schema Small strip { x: int }\nschema Large { x: int, y: string }\nschema A { v: [Small | Large] }",
        &[
            (r#"{"v":[{"x":1,"y":"z"}]}"#, r#"{"v":[{"x":1}]}"#),
            (r#"{"v":[{"x":1},{"x":"1"},3]}"#, "/v/1 union, /v/2 union"),
        ],
    );
}

#[test]
fn tagged_unions() {
    bodies(
        "schema Card { number: string }\nschema Loose strip { kind: \"loose\" }\n\
         schema A { pay: union on \"kind\" { \"card\": Card, \"iban\": { iban: string, kind?: string }, \"loose\": Loose } }",
        &[
            (r#"{"pay":{"kind":"card","number":"1"}}"#, r#"{"pay":{"kind":"card","number":"1"}}"#),
            (r#"{"pay":{"number":"1","kind":"card"}}"#, r#"{"pay":{"kind":"card","number":"1"}}"#),
            (r#"{"pay":{"kind":"iban","iban":"DE"}}"#, r#"{"pay":{"iban":"DE","kind":"iban"}}"#),
            (r#"{"pay":{"kind":"loose","more":1}}"#, r#"{"pay":{"kind":"loose"}}"#),
            (r#"{"pay":{"kind":"card","iban":"DE"}}"#, "/pay/number required, /pay/iban unknown_field"),
            (r#"{"pay":{"kind":"cash"}}"#, "/pay/kind one_of"),
            (r#"{"pay":{"kind":1}}"#, "/pay/kind one_of"),
            (r#"{"pay":{"number":"1"}}"#, "/pay/kind required"),
            (r#"{"pay":"card"}"#, "/pay type"),
        ],
    );
}

#[test]
fn recursion_ends_with_the_body() {
    bodies(
        "schema A { value: int, next?: A | null, more: [A] = [] }",
        &[
            (r#"{"value":1}"#, r#"{"value":1,"more":[]}"#),
            (r#"{"value":1,"next":{"value":"x","more":[{}]}}"#, "/next/value type, /next/more/0/value required"),
        ],
    );
    // One finite member is enough for a finite schema.
    bodies("schema A { next: A | int }", &[(r#"{"next":{"next":{"next":1}}}"#, r#"{"next":{"next":{"next":1}}}"#)]);
}

#[test]
fn defaults_of_all_types() {
    bodies(
        "schema A { at: timestamp = 2026-11-23T10:00:00Z  for: duration = 90m  from: ip = 203.0.113.9  \
         net: cidr = 10.0.0.0/8  size: int = 1KiB  more: { string: int | null } = { x: null }  \
         rec: { a: int, b: bool } = { a: 1, b: true } }",
        &[(
            "{}",
            r#"{"at":"2026-11-23T10:00:00Z","for":"1h30m","from":"203.0.113.9","net":"10.0.0.0/8","size":1024,"more":{"x":null},"rec":{"a":1,"b":true}}"#,
        )],
    );
}

/// Members that differ in the last level alone: without memory, each level would double the work, and this wouldn't end.
#[test]
fn nested_unions_are_tried_in_linear_time() {
    let gate = route(
        "schema A { v: L | R }\nschema L { v: L | R | \"l\", w: [L | R] = [] }\nschema R { v: L | R | \"r\", w: [R | L] = [] }",
        "body A",
    );
    let nested = |inner: &str| format!("{}{inner}{}", "{\"v\":".repeat(31), "}".repeat(31));
    for (inner, expected) in [("\"l\"", 200), ("\"r\"", 200), ("\"x\"", 422)] {
        assert_eq!(status(&decide(&gate, "/", "application/json", &nested(inner))), expected, "{inner}");
    }
    let wide = nested(&format!("{{\"v\":\"x\",\"w\":[{}]}}", vec!["{\"v\":\"r\"}"; 1_000].join(",")));
    assert_eq!(status(&decide(&gate, "/", "application/json", &wide)), 400);
    let wide = wide.replacen("{\"v\":", "", 2).replacen("}}}", "}", 1);
    assert_eq!(status(&decide(&gate, "/", "application/json", &wide)), 422);
}

#[test]
fn what_is_told_is_capped() {
    let gate = route("schema A { a: [int | bool], b?: { string: int } }", "body A");
    let many = vec!["\"x\""; 500].join(",");
    let decision = decide(&gate, "/", "application/json", &format!("{{\"a\":[{many}]}}"));
    let problem = decision.problem().unwrap();
    assert_eq!((problem.errors.len(), problem.truncated), (32, true));
}

#[test]
fn secrets_are_masked_wherever_they_are() {
    let gate = route(
        "schema Key { id: string, key: string secret }\n\
         schema A { keys: { string: Key }  one: string | Key  list: [Key]  pin?: int secret = 7  \
         way: union on \"kind\" { \"k\": Key } }",
        "body A",
    );
    let long = "k/~".repeat(100);
    let key = |name: &str| json!({ "id": name, "key": "hunter2" });
    let body = json!({
        "keys": { &long: key("a") }, "one": key("b"), "list": [key("c"), key("d")],
        "way": { "kind": "k", "id": "e", "key": "hunter2" },
    });
    let decision = decide(&gate, "/", "application/json", &body.to_string());
    assert_eq!(body_input(&decision).unwrap()["keys"][&long]["key"], "hunter2");
    let masked = masked_body(&decision).unwrap();
    assert!(!masked.to_string().contains("hunter2"));
    assert_eq!(masked["keys"][&long], json!({ "id": "a", "key": "[secret]" }));
    assert_eq!((&masked["pin"], &masked["one"]["id"]), (&json!("[secret]"), &json!("b")));
    assert!(!format!("{decision:?}").contains("hunter2"));
}
