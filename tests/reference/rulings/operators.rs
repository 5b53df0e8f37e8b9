//! Types and operators.

use serde_json::json;

use super::Worth::{False, True, Unknown};
use super::{worth, worth_under};

#[test]
fn strings() {
    worth([
        ("resource.author == user.id", json!({}), True),
        ("resource.author != user.id", json!({}), False),
        ("resource.author + \"!\" == \"u1!\"", json!({}), True),
        ("resource.author starts_with \"u\"", json!({}), True),
        ("resource.author ends_with \"u\"", json!({}), False),
        ("resource.author contains \"1\"", json!({}), True),
        ("resource.author contains \"\"", json!({}), True),
        ("resource.author matches /^u[0-9]$/", json!({}), True),
        // Unanchored, unless written.
        ("resource.author matches /1/", json!({}), True),
        ("resource.author matches /[/]/", json!({}), False),
        ("resource.author matches /1/", json!({ "resource": { "author": 1 } }), Unknown),
        ("resource.author in [\"u1\", \"u2\"]", json!({}), True),
        ("resource.author == \"U1\"", json!({}), False),
        ("resource.status == \"draft\"", json!({}), True),
        ("resource.status in [\"published\"]", json!({}), False),
    ]);
}

#[test]
fn numbers_and_times() {
    worth([
        ("resource.size == 5 and resource.size <= 5 and resource.size >= 5", json!({}), True),
        ("resource.size < 5 or resource.size > 5 or resource.size != 5", json!({}), False),
        ("resource.size + 1 - 2 == 4", json!({}), True),
        ("resource.size == -5", json!({ "resource": { "size": -5 } }), True),
        ("resource.ratio < 0.75", json!({}), True),
        ("resource.ratio == 0.5", json!({}), True),
        ("now < resource.created + 15m", json!({}), True),
        ("now < resource.created + 10m", json!({}), False),
        ("now - resource.created == 10m", json!({}), True),
        ("now - resource.created <= resource.ttl", json!({}), True),
        ("resource.created - now < 0s", json!({}), True),
        ("resource.ttl + 45m == 1h", json!({}), True),
        ("resource.ttl == 900s", json!({}), True),
        ("resource.ttl - 1h < 0s", json!({}), True),
        ("now == 2026-11-23T11:00:00+01:00", json!({}), True),
        ("now > 2026-11-23T09:59:59.999Z", json!({}), True),
    ]);
}

#[test]
fn lists() {
    worth([
        ("resource.editors contains \"u2\"", json!({}), True),
        ("resource.editors contains user.id", json!({}), False),
        ("user.id in resource.editors", json!({ "user": { "id": "u3" } }), True),
        ("resource.editors contains_all [\"u3\", \"u2\"]", json!({}), True),
        ("resource.editors contains_all [\"u3\", \"u1\"]", json!({}), False),
        ("resource.editors intersects [\"u3\", \"u1\"]", json!({}), True),
        ("resource.editors intersects [\"u1\"]", json!({}), False),
        ("resource.editors intersects [\"u1\"]", json!({ "resource": { "editors": [] } }), False),
        ("[\"u2\"] contains_all resource.editors", json!({ "resource": { "editors": [] } }), True),
        ("resource.editors == [\"u2\", \"u3\"]", json!({}), True),
        ("resource.editors == [\"u3\", \"u2\"]", json!({}), False),
        ("resource.sizes contains 2", json!({}), True),
        ("resource.size in resource.sizes", json!({}), False),
        ("[user.id, \"x\"] contains resource.author", json!({}), True),
    ]);
}

#[test]
fn addresses() {
    worth([
        ("client.ip in 10.0.0.0/8", json!({}), True),
        ("client.ip in [192.168.0.0/16, 10.0.0.0/8]", json!({}), True),
        ("client.ip in 192.168.0.0/16", json!({}), False),
        ("client.ip in resource.net", json!({}), True),
        ("client.ip in resource.nets", json!({}), False),
        ("client.ip in resource.nets", json!({ "ip": "2001:db8::7" }), True),
        ("client.ip == 10.0.0.1", json!({}), True),
        ("client.ip == resource.origin", json!({}), True),
        ("resource.origin in 10.0.0.0/8", json!({ "resource": { "origin": "2001:db8::1" } }), False),
        // An IPv4 address in IPv6's clothes is that IPv4 address.
        ("client.ip in 10.0.0.0/8", json!({ "ip": "::ffff:10.0.0.1" }), True),
        ("client.ip == 10.0.0.1", json!({ "ip": "::ffff:10.0.0.1" }), True),
        // "where there is none, it is unknown"
        ("client.ip in 0.0.0.0/0", json!({ "ip": "-" }), Unknown),
        ("client.ip in 10.0.0.0/8 or resource.flag", json!({ "ip": "-" }), True),
    ]);
}

#[test]
fn records_and_null() {
    worth([
        // "Records compare field by field, and `{ a: x, b: y }` is a record."
        ("resource.place.x == 1", json!({}), True),
        ("resource.place.tag != \"a\"", json!({}), False),
        ("has(resource.place.note)", json!({}), False),
        ("has(resource.place.note)", json!({ "resource": { "place": { "note": "n" } } }), True),
        ("resource.place.note ?? \"n\" == \"n\"", json!({}), True),
        ("resource.place.x == 1", json!({ "resource": { "place": "-" } }), Unknown),
        // "`T | null` where null is a value"
        ("resource.parent == null", json!({ "resource": { "parent": null } }), True),
        ("resource.parent == null", json!({}), False),
        ("resource.parent == null", json!({ "resource": { "parent": "-" } }), Unknown),
        ("resource.parent != null and resource.parent == \"p0\"", json!({}), True),
        ("resource.parent != null and resource.parent == \"p0\"", json!({ "resource": { "parent": null } }), False),
        ("resource.parent == null or resource.parent starts_with \"q\"", json!({}), False),
    ]);
    worth_under(
        "condition there = { x: resource.size, tag: \"a\" } == { x: 5, tag: user.team }",
        [
            ("there", json!({ "user": { "team": "a" } }), True),
            ("there", json!({}), False),
            ("there", json!({ "resource": { "size": 6 }, "user": { "team": "a" } }), False),
        ],
    );
}
