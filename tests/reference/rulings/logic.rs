//! Principle 3: "Three values: true, false, unknown", and what is absent.

use serde_json::json;

use super::Worth::{False, True, Unknown};
use super::{worth, worth_under};

#[test]
fn kleenes_tables() {
    let unknown = json!({ "context": { "mfa": "-" } });
    worth([
        ("not resource.flag", json!({}), False),
        ("not context.mfa", unknown.clone(), Unknown),
        ("context.mfa and resource.flag", unknown.clone(), Unknown),
        ("context.mfa and not resource.flag", unknown.clone(), False),
        ("not resource.flag and context.mfa", unknown.clone(), False),
        ("context.mfa or resource.flag", unknown.clone(), True),
        ("resource.flag or context.mfa", unknown.clone(), True),
        ("context.mfa or not resource.flag", unknown.clone(), Unknown),
        // "Never fold `a or not a` to true: it is unknown where `a` is."
        ("context.mfa or not context.mfa", unknown.clone(), Unknown),
        ("context.mfa and not context.mfa", unknown.clone(), Unknown),
        ("not (context.mfa and resource.flag)", unknown.clone(), Unknown),
        ("context.mfa == context.mfa", unknown.clone(), Unknown),
        ("context.risk >= context.risk", json!({ "context": { "risk": "-" } }), Unknown),
        ("context.risk < 5 or context.risk >= 5", json!({ "context": { "risk": "-" } }), Unknown),
    ]);
}

#[test]
fn absent_is_something_else() {
    let unknown = json!({ "resource": { "note": 5 } });
    worth([
        // "`has(x)` and `x ?? d` see absence; on something unknown they are unknown themselves."
        ("has(resource.note)", json!({ "resource": { "note": "x" } }), True),
        ("has(resource.note)", json!({}), False),
        ("has(resource.note)", json!({ "resource": { "note": null } }), False),
        ("has(resource.note)", unknown.clone(), Unknown),
        ("has(resource.note)", json!({ "resource": "-" }), Unknown),
        ("not has(resource.note)", json!({}), True),
        ("(resource.note ?? \"none\") == \"none\"", json!({}), True),
        ("resource.note ?? \"none\" == \"none\"", json!({ "resource": { "note": "x" } }), False),
        ("resource.note ?? \"none\" == \"none\"", unknown.clone(), Unknown),
        ("resource.note ?? \"none\" != \"x\"", json!({ "resource": { "note": null } }), True),
        ("context.device ?? resource.note ?? \"c\" == \"c\"", json!({}), True),
        ("context.device ?? resource.note ?? \"c\" == \"b\"", json!({ "resource": { "note": "b" } }), True),
        (
            "context.device ?? resource.note ?? \"c\" == \"a\"",
            json!({ "context": { "device": "a" }, "resource": { "note": 1 } }),
            True,
        ),
        (
            "context.device ?? resource.note ?? \"c\" == \"a\"",
            json!({ "context": { "device": 7 }, "resource": { "note": "a" } }),
            Unknown,
        ),
        ("resource.locked ?? false", json!({}), False),
        ("resource.locked ?? false", json!({ "resource": { "locked": true } }), True),
        ("resource.locked ?? true", json!({ "resource": { "locked": "yes" } }), Unknown),
        ("resource.note == null", json!({}), True),
        ("resource.note == null", json!({ "resource": { "note": "x" } }), False),
        ("resource.note != null", json!({ "resource": { "note": "x" } }), True),
        ("null == resource.note", unknown.clone(), Unknown),
    ]);
}

#[test]
fn guards_narrow_on_either_side() {
    let absent = json!({});
    let there = json!({ "resource": { "note": "x" } });
    let unknown = json!({ "resource": { "note": ["x"] } });
    worth([
        ("has(resource.note) and resource.note == \"x\"", there.clone(), True),
        ("has(resource.note) and resource.note == \"x\"", absent.clone(), False),
        ("has(resource.note) and resource.note == \"x\"", unknown.clone(), Unknown),
        ("resource.note == \"x\" and has(resource.note)", absent.clone(), False),
        ("resource.note == \"x\" and resource.note != null", there.clone(), True),
        ("not has(resource.note) or resource.note == \"x\"", absent.clone(), True),
        ("not has(resource.note) or resource.note == \"y\"", there.clone(), False),
        ("resource.note == \"y\" or resource.note == null", absent.clone(), True),
        ("resource.note == null or resource.note == \"x\"", unknown.clone(), Unknown),
        ("not (resource.note == null or resource.note == \"x\")", absent.clone(), False),
        ("has(user.level) and user.level > 3", json!({ "user": { "level": 4 } }), True),
        ("has(user.level) and user.level > 3", json!({}), False),
        ("has(user.level) and user.level > 3", json!({ "user": { "level": "4" } }), Unknown),
    ]);
}

#[test]
fn overflows_are_unknown() {
    let most = json!({ "resource": { "size": i64::MAX } });
    let least = json!({ "resource": { "size": i64::MIN } });
    let late = json!({ "now": "9999-12-30T12:00:00Z" });
    worth([
        ("resource.size + 1 > 0", most.clone(), Unknown),
        ("resource.size + 0 > 0", most.clone(), True),
        ("resource.size - 1 < 0", least.clone(), Unknown),
        ("resource.size - 1 < 0", most, False),
        ("resource.size + 1 > 0 or resource.flag", least.clone(), True),
        ("0 - resource.size > 0", least, Unknown),
        ("now + 1d > resource.created", late.clone(), Unknown),
        ("now + 1h > resource.created", late.clone(), True),
        ("now - 30_000_000d < resource.created", late, Unknown),
        ("resource.created + resource.ttl > now", json!({ "resource": { "ttl": "30_000_000d" } }), Unknown),
    ]);
}

#[test]
fn conditions_are_what_they_name() {
    let declarations = r#"
condition mine = resource.author == user.id
condition helped = mine or resource.editors contains user.id
condition short = resource.note == "x"
condition on_site = client.ip in [10.0.0.0/8, 192.168.0.0/16]"#;
    worth_under(
        declarations,
        [
            ("mine", json!({}), True),
            ("not mine", json!({ "resource": { "author": "u2" } }), True),
            ("helped", json!({ "user": { "id": "u3" } }), True),
            ("helped and not mine", json!({ "user": { "id": "u3" } }), True),
            ("helped", json!({ "resource": { "author": "-" } }), Unknown),
            ("helped", json!({ "resource": { "author": "-", "editors": ["u1"] } }), True),
            ("helped", json!({ "user": { "id": "u9" } }), False),
            ("on_site", json!({}), True),
            ("on_site", json!({ "ip": "-" }), Unknown),
            // "a guard before it narrows inside it"
            ("has(resource.note) and short", json!({}), False),
            ("has(resource.note) and short", json!({ "resource": { "note": "x" } }), True),
        ],
    );
}
