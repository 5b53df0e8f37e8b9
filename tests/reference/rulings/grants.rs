//! "Meaning of a decision": when a permission is granted.

use serde_json::json;

use super::{ALLOW, DENY, decided};

#[test]
fn deny_by_default() {
    decided([
        ("", json!({}), DENY),
        ("allow posts:read", json!({}), ALLOW),
        ("allow posts:read", json!({ "ask": "posts:write" }), DENY),
        ("allow posts:read", json!({ "user": "-" }), DENY),
        ("allow anyone posts:read", json!({ "user": "-" }), ALLOW),
        ("allow anyone posts:read", json!({ "user": "-", "ask": "posts:write" }), DENY),
        ("allow posts:read when resource.flag", json!({}), ALLOW),
        ("allow posts:read when resource.flag", json!({ "resource": { "flag": false } }), DENY),
        // "An unknown never grants"
        ("allow posts:read when resource.flag", json!({ "resource": "-" }), DENY),
        ("allow posts:read when resource.flag\nallow posts:read", json!({ "resource": "-" }), ALLOW),
        (
            "allow posts:read when resource.flag\nallow posts:read when not resource.flag",
            json!({ "resource": "-" }),
            DENY,
        ),
    ]);
}

#[test]
fn roles_grant() {
    decided([
        ("role writer { allow posts:read }", json!({}), ALLOW),
        ("role writer { allow posts:read }", json!({ "user": { "roles": [] } }), DENY),
        ("role writer { allow posts:read }", json!({ "user": { "roles": "-" } }), DENY),
        ("role writer { allow posts:read }", json!({ "user": { "roles": ["ghost"] } }), DENY),
        ("role writer { allow posts:read }", json!({ "user": "-" }), DENY),
        // Inheritance goes one way, and all the way.
        ("role reader { allow posts:read }\nrole writer extends reader {}", json!({}), ALLOW),
        (
            "role reader { allow posts:read }\nrole middle extends reader {}\nrole writer extends middle {}",
            json!({}),
            ALLOW,
        ),
        ("role writer {}\nrole admin extends writer { allow posts:read }", json!({}), DENY),
        (
            "role a { allow posts:read }\nrole b { allow posts:write }\nrole writer extends a, b {}",
            json!({ "ask": "posts:write" }),
            ALLOW,
        ),
        ("role \"org:admin\" { allow posts:read }", json!({ "user": { "roles": ["org:admin"] } }), ALLOW),
        ("role \"org:admin\" { allow posts:read }\nrole writer extends \"org:admin\" {}", json!({}), ALLOW),
        // "with a condition that is true"
        ("role writer { allow posts:read when resource.author == user.id }", json!({}), ALLOW),
        ("role writer { allow posts:read when resource.author == user.id }", json!({ "user": { "id": "u2" } }), DENY),
        (
            "role reader { allow posts:read when resource.author == user.id }\nrole writer extends reader { allow posts:read when resource.size > 3 }",
            json!({ "user": { "id": "u2" } }),
            ALLOW,
        ),
        // A caller without a role may do what all callers may.
        ("role writer {}\nallow posts:read", json!({ "user": { "roles": [] } }), ALLOW),
    ]);
}

#[test]
fn order_never_matters() {
    decided([
        (
            "forbid posts:read when late\nrole writer extends reader {}\ncondition late = later and resource.flag\ncondition later = resource.size > 3\nrole reader { allow some }\npermissions some = more\npermissions more = posts:read",
            json!({}),
            DENY,
        ),
        (
            "forbid posts:read when late\nrole writer extends reader {}\ncondition late = later and resource.flag\ncondition later = resource.size > 3\nrole reader { allow some }\npermissions some = more\npermissions more = posts:read",
            json!({ "resource": { "size": 3 } }),
            ALLOW,
        ),
        // What is proved of a policy changes nothing in it.
        (
            "allow posts:read\nforbid posts:read when resource.flag\nnever posts:read when resource.flag",
            json!({ "resource": { "flag": false } }),
            ALLOW,
        ),
        (
            "allow posts:read\nforbid posts:read when resource.flag\nnever posts:read when resource.flag",
            json!({}),
            DENY,
        ),
    ]);
}

#[test]
fn perms() {
    decided([
        ("allow posts:*", json!({ "ask": "posts:delete" }), ALLOW),
        ("allow posts:*", json!({ "ask": "notes:read" }), DENY),
        ("allow *:read", json!({ "ask": "notes:read" }), ALLOW),
        ("allow *:read", json!({ "ask": "notes:write" }), DENY),
        ("allow posts:[read, write]", json!({ "ask": "posts:write" }), ALLOW),
        ("allow posts:[read, write]", json!({ "ask": "posts:delete" }), DENY),
        ("allow *:[read, write]", json!({ "ask": "notes:write" }), ALLOW),
        ("allow *", json!({ "ask": "notes:write" }), ALLOW),
        ("allow posts:read, notes:write", json!({ "ask": "notes:write" }), ALLOW),
        ("allow * except posts:read", json!({}), DENY),
        ("allow * except posts:read", json!({ "ask": "posts:write" }), ALLOW),
        ("allow * except *:write, posts:read", json!({ "ask": "notes:write" }), DENY),
        // What one rule takes out, another may grant: `except` isn't a `forbid`.
        ("allow * except posts:read\nallow posts:read", json!({}), ALLOW),
        ("permissions reading = *:read\nallow reading", json!({ "ask": "notes:read" }), ALLOW),
        ("permissions reading = *:read\nallow * except reading", json!({ "ask": "notes:read" }), DENY),
        (
            "permissions reading = *:read\npermissions most = reading, posts:write\nallow most",
            json!({ "ask": "notes:read" }),
            ALLOW,
        ),
        (
            "permissions reading = *:read\npermissions most = reading, posts:write\nallow most",
            json!({ "ask": "posts:delete" }),
            DENY,
        ),
        ("role writer { allow * except posts:read }", json!({}), DENY),
    ]);
}

#[test]
fn a_forbid_beats_every_allow() {
    decided([
        ("allow posts:read\nforbid posts:read when resource.flag", json!({}), DENY),
        ("allow posts:read\nforbid posts:read when resource.flag", json!({ "resource": { "flag": false } }), ALLOW),
        // "no `forbid` on P has a condition that is true or unknown"
        ("allow posts:read\nforbid posts:read when resource.flag", json!({ "resource": { "flag": "-" } }), DENY),
        ("allow posts:read\nforbid posts:read when resource.flag", json!({ "resource": "-" }), DENY),
        ("allow posts:read\nforbid posts:read when not resource.flag", json!({ "resource": "-" }), DENY),
        ("forbid posts:read when resource.flag\nallow posts:read", json!({}), DENY),
        ("allow posts:read\nforbid posts:write when resource.flag", json!({}), ALLOW),
        ("allow posts:read\nforbid posts:read", json!({}), DENY),
        ("allow posts:read\nforbid * when context.risk >= 90 because \"risk\"", json!({}), ALLOW),
        (
            "allow posts:read\nforbid * when context.risk >= 90 because \"risk\"",
            json!({ "context": { "risk": 90 } }),
            DENY,
        ),
        ("allow posts:read\nforbid * when context.risk >= 90 because \"risk\"", json!({ "context": "-" }), DENY),
        (
            "allow posts:read\nforbid * except *:read when context.risk >= 90",
            json!({ "context": { "risk": 90 } }),
            ALLOW,
        ),
        (
            "allow posts:*\nforbid * except *:read when context.risk >= 90",
            json!({ "ask": "posts:write", "context": { "risk": 90 } }),
            DENY,
        ),
        // One false and one true: the true one counts.
        (
            "allow posts:read\nforbid posts:read when context.mfa\nforbid posts:read when not context.mfa",
            json!({}),
            DENY,
        ),
        ("role writer { allow posts:read }\nforbid posts:read when user is writer", json!({}), DENY),
        // "A forbid that doesn't read `user` holds for anonymous callers too: a declared context is owed with every request."
        ("allow anyone posts:read\nforbid * when context.risk >= 90", json!({ "user": "-" }), ALLOW),
        ("allow anyone posts:read\nforbid * when context.risk >= 90", json!({ "user": "-", "context": "-" }), DENY),
        (
            "allow anyone posts:read\nforbid posts:read when context.risk >= 90",
            json!({ "user": "-", "context": { "risk": 91 } }),
            DENY,
        ),
        (
            "allow anyone posts:read\nforbid posts:read when has(user) and user.team == \"red\"",
            json!({ "user": "-" }),
            ALLOW,
        ),
        ("allow anyone posts:read\nforbid posts:read when has(user) and user.team == \"red\"", json!({}), DENY),
        (
            "allow anyone posts:read\nforbid posts:read when has(user) and user.team == \"red\"",
            json!({ "user": { "team": "-" } }),
            DENY,
        ),
    ]);
}

#[test]
fn one_guard_rail_over_several_resources() {
    let guarded = "allow *\nforbid *:read when has(resource.locked) and resource.locked";
    let shared = "allow *\nforbid *:write when resource.flag";
    decided([
        // "it is absent on the others, so that one guard rail covers them all"
        (guarded, json!({ "resource": { "locked": true } }), DENY),
        (guarded, json!({ "resource": { "locked": false } }), ALLOW),
        (guarded, json!({}), ALLOW),
        (guarded, json!({ "resource": { "locked": 1 } }), DENY),
        (guarded, json!({ "resource": "-" }), DENY),
        (guarded, json!({ "ask": "notes:read" }), ALLOW),
        (guarded, json!({ "ask": "notes:read", "resource": "-" }), ALLOW),
        // What this resource doesn't declare, a record can't say.
        (guarded, json!({ "ask": "notes:read", "resource": { "locked": true } }), ALLOW),
        (shared, json!({ "ask": "notes:write" }), DENY),
        (shared, json!({ "ask": "notes:write", "resource": { "flag": false } }), ALLOW),
        (shared, json!({ "ask": "notes:write", "resource": "-" }), DENY),
        ("allow *\nforbid *:read when has(resource.size) and resource.size > 3", json!({ "ask": "notes:read" }), ALLOW),
        ("allow *\nforbid *:read when has(resource.size) and resource.size > 3", json!({}), DENY),
        (
            "allow *\nforbid *:read when has(resource.size) and resource.size > 3",
            json!({ "resource": { "size": null } }),
            DENY,
        ),
        ("allow *:read when not has(resource.size) or resource.size < 3", json!({ "ask": "notes:read" }), ALLOW),
    ]);
}
