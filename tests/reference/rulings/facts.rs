//! The ruling "Facts in JSON".

use serde_json::json;

use super::Worth::{False, True, Unknown};
use super::worth;

#[test]
fn what_the_host_left_out() {
    worth([
        // "a missing key or `null` is absent for an optional attribute, unknown for a required one"
        ("context.mfa", json!({ "context": { "mfa": "-" } }), Unknown),
        ("context.mfa", json!({ "context": { "mfa": null } }), Unknown),
        ("resource.flag", json!({ "resource": { "flag": "-" } }), Unknown),
        ("resource.flag", json!({ "resource": { "flag": null } }), Unknown),
        ("has(context.device)", json!({ "context": { "device": null } }), False),
        ("has(context.device)", json!({}), False),
        ("has(user.level)", json!({}), False),
        ("has(user.level)", json!({ "user": { "level": null } }), False),
        ("user.team == \"red\"", json!({ "user": { "team": "-" } }), Unknown),
        ("user.team == \"red\"", json!({ "user": { "team": null } }), Unknown),
        // A claim that something stands in for is a required attribute of whoever the host vouches for.
        ("user.verified", json!({ "user": { "verified": "-" } }), Unknown),
        // "a record that wasn't supplied is unknown throughout"
        ("has(context.device)", json!({ "context": "-" }), Unknown),
        ("context.mfa or not context.mfa", json!({ "context": "-" }), Unknown),
        ("has(resource.note)", json!({ "resource": "-" }), Unknown),
        ("resource.flag", json!({ "resource": "-" }), Unknown),
        ("resource.id == \"p1\"", json!({ "resource": "-" }), Unknown),
        // "`resource.id` is built in"
        ("resource.id == \"p1\"", json!({}), True),
    ]);
}

#[test]
fn what_is_of_another_type() {
    worth([
        // "A value of the wrong type, an enum value that isn't declared, a list with one wrong element: the whole
        // attribute is unknown."
        ("context.mfa", json!({ "context": { "mfa": "true" } }), Unknown),
        ("context.mfa", json!({ "context": { "mfa": 1 } }), Unknown),
        ("context.risk >= 0", json!({ "context": { "risk": "10" } }), Unknown),
        ("context.risk >= 0", json!({ "context": { "risk": 10.5 } }), Unknown),
        ("context.risk >= 0", json!({ "context": { "risk": u64::MAX } }), Unknown),
        ("has(context.device)", json!({ "context": { "device": 5 } }), Unknown),
        ("context.device == null", json!({ "context": { "device": false } }), Unknown),
        ("resource.status == \"draft\"", json!({ "resource": { "status": "archived" } }), Unknown),
        ("resource.status != \"draft\"", json!({ "resource": { "status": "archived" } }), Unknown),
        ("resource.status != \"draft\"", json!({ "resource": { "status": "Draft" } }), Unknown),
        ("resource.editors contains \"u2\"", json!({ "resource": { "editors": ["u2", 5] } }), Unknown),
        ("resource.editors contains \"u2\"", json!({ "resource": { "editors": ["u2", null] } }), Unknown),
        ("resource.editors contains \"u2\"", json!({ "resource": { "editors": "u2" } }), Unknown),
        ("resource.place.x == 1", json!({ "resource": { "place": { "x": "1" } } }), Unknown),
        ("resource.place.x == 1", json!({ "resource": { "place": [1, "a"] } }), Unknown),
        ("resource.parent == null", json!({ "resource": { "parent": 5 } }), Unknown),
        ("resource.author == \"\"", json!({ "resource": { "author": "" } }), True),
        ("resource.id == \"p1\"", json!({ "resource": { "id": 1 } }), Unknown),
    ]);
}

#[test]
fn what_strings_hold() {
    worth([
        // "Timestamps are RFC 3339, durations as in the language"
        ("resource.created < now", json!({ "resource": { "created": "2026-11-23T10:59:00+01:00" } }), True),
        ("resource.created < now", json!({ "resource": { "created": "2026-11-23T09:59:59.999Z" } }), True),
        ("resource.created < now", json!({ "resource": { "created": "2026-11-23" } }), Unknown),
        ("resource.created < now", json!({ "resource": { "created": "2026-11-23T09:00:00" } }), Unknown),
        ("resource.created < now", json!({ "resource": { "created": "2026-02-30T09:00:00Z" } }), Unknown),
        ("resource.created < now", json!({ "resource": { "created": 1_700_000_000 } }), Unknown),
        ("resource.ttl == 90m", json!({ "resource": { "ttl": "1h30m" } }), True),
        ("resource.ttl == 90m", json!({ "resource": { "ttl": "90 m" } }), Unknown),
        ("resource.ttl == 90m", json!({ "resource": { "ttl": 5400 } }), Unknown),
        ("resource.ttl == 90m", json!({ "resource": { "ttl": "PT90M" } }), Unknown),
        ("resource.ttl == 0s", json!({ "resource": { "ttl": "" } }), Unknown),
        ("resource.origin in 10.0.0.0/8", json!({ "resource": { "origin": "10.0.0.999" } }), Unknown),
        ("resource.origin in 10.0.0.0/8", json!({ "resource": { "origin": "10.0.0.1:80" } }), Unknown),
        ("client.ip in resource.net", json!({ "resource": { "net": "10.0.0.0/33" } }), Unknown),
        ("client.ip in resource.nets", json!({ "resource": { "nets": ["10.0.0.0/8", "all"] } }), Unknown),
        ("resource.ratio > 0.0", json!({ "resource": { "ratio": "0.5" } }), Unknown),
    ]);
}
