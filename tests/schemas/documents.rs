//! Bodies in decision documents: validated, masked, or with their violations.

use serde_json::{Value, json};

use crate::support::{check, gate};

#[test]
fn integers_are_exact_or_refused() {
    let gate = gate("policy p\nschema A { a: int }\nroutes / { POST / public body A }");
    let post = |body: &str| json!({ "method": "POST", "url": "/", "headers": { "content-type": "application/json" }, "body": body });
    for exact in ["1", "1.0", "-0", "9223372036854775807", "-9223372036854775808", "9007199254740991.0"] {
        check(&gate, &post(&format!("{{\"a\":{exact}}}")), 200, "allowed");
    }
    for other in ["1.5", "9223372036854775808", "-9223372036854775809", "9007199254740993.0", "1e300", "\"1\""] {
        check(&gate, &post(&format!("{{\"a\":{other}}}")), 422, "validation_failed");
    }
}

#[test]
fn decimal_steps_are_met_within_rounding() {
    let gate = gate("policy p\nschema A { a: float multiple_of 0.1 }\nroutes / { POST / public body A }");
    let post = |value: f64| json!({ "method": "POST", "url": "/", "body": { "a": value } });
    check(&gate, &post(0.3), 200, "allowed");
    check(&gate, &post(1e6), 200, "allowed");
    check(&gate, &post(0.35), 422, "validation_failed");
}

#[test]
fn secrets_are_masked_wherever_the_field_has_them() {
    let long = "a".repeat(100);
    let gate = gate(&format!(
        "policy p\nschema A {{ nullable: string secret | null  list: [string secret]  {long}: string secret  \
         inner: {{ deep: string secret, open: string }} }}\nroutes / {{ POST / public body A }}"
    ));
    let inner = json!({ "deep": "hunter2", "open": "seen" });
    let body = json!({ "nullable": "hunter2", "list": ["hunter2"], long: "hunter2", "inner": inner });
    let decision = check(&gate, &json!({ "method": "POST", "url": "/", "body": body }), 200, "allowed");
    assert!(!decision.to_string().contains("hunter2"), "{decision:#}");
    assert_eq!(decision["input"]["body"]["inner"]["open"], "seen");
}

#[test]
fn violations_keep_the_order_of_the_body() {
    let gate = gate("policy p\nschema A { a: int }\nroutes / { POST / public body A }");
    let body = json!({ "z": 1, "a": 1, "y": 2, "x": 3 });
    let decision = check(&gate, &json!({ "method": "POST", "url": "/", "body": body }), 422, "validation_failed");
    let errors = decision["problem"]["errors"].as_array().unwrap();
    let pointers: Vec<&Value> = errors.iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/z", "/y", "/x"]);
}

#[test]
fn defaults_are_handed_on_whole_and_masked() {
    let schema = "schema A { a: string trim = \"x\"  r: { b: int = 1, s: string secret = \"hunter2\" } = { b: 2, s: \"hunter2\" }\n\
                  t: string secret = \"hunter2\" }";
    let gate = gate(&format!("policy p\n{schema}\nroutes / {{ POST / public body A }}"));
    let decision = check(&gate, &json!({ "method": "POST", "url": "/", "body": {} }), 200, "allowed");
    assert_eq!(decision["input"]["body"], json!({ "a": "x", "r": { "b": 2, "s": "[secret]" }, "t": "[secret]" }));
}

#[test]
fn unique_compares_values() {
    let gate = gate(
        "policy p\nschema A { f?: [float] unique  s?: [string] unique  o?: [any] unique }\nroutes / { POST / public body A }",
    );
    let post = |body: Value| json!({ "method": "POST", "url": "/", "body": body });
    let codes = |decision: Value| -> Vec<String> {
        let errors = decision["problem"]["errors"].as_array().unwrap();
        errors.iter().map(|error| error["code"].as_str().unwrap().to_owned()).collect()
    };
    let refused = |body: Value| codes(check(&gate, &post(body), 422, "validation_failed"));
    assert_eq!(refused(json!({ "f": [1, 1.0] })), ["duplicate"]);
    assert_eq!(refused(json!({ "s": [1, 2] })), ["type", "type"]);
    assert_eq!(refused(json!({ "o": [{ "a": 1, "b": 2 }, { "b": 2, "a": 1 }] })), ["duplicate"]);
    check(&gate, &post(json!({ "s": ["a", "A"], "o": [1, "1", [1]] })), 200, "allowed");
}
