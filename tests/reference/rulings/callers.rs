//! Callers: roles, tiers, scopes, and nobody.

use serde_json::json;

use super::Worth::{False, True};
use super::{ALLOW, DENY, report, scene, worth, worth_to_anyone, wrong};

#[test]
fn roles_in_conditions() {
    worth([
        // "the caller has that role or one that extends it"
        ("user is writer", json!({}), True),
        ("user is reader", json!({}), True),
        ("user is \"org:admin\"", json!({}), False),
        ("user is reader", json!({ "user": { "roles": ["org:admin"] } }), True),
        ("user is reader", json!({ "user": { "roles": [] } }), False),
        ("user is reader", json!({ "user": { "roles": ["ghost"] } }), False),
        ("user is reader", json!({ "user": { "roles": "-" } }), False),
        ("user is reader", json!({ "user": { "roles": ["ghost", "writer"] } }), True),
        ("user is reader", json!({ "user": { "roles": ["Writer"] } }), False),
    ]);
}

#[test]
fn tiers() {
    worth([
        ("has(user.tier)", json!({}), False),
        ("has(user.tier)", json!({ "user": { "tier": "pro" } }), True),
        // "a tier name that it doesn't know counts as absent"
        ("has(user.tier)", json!({ "user": { "tier": "gold" } }), False),
        ("user.tier ?? \"free\" == \"free\"", json!({ "user": { "tier": "gold" } }), True),
        ("user.tier ?? \"free\" == \"free\"", json!({ "user": { "tier": "pro" } }), False),
    ]);
}

#[test]
fn nobody() {
    worth_to_anyone([
        ("has(user)", False),
        ("not has(user)", True),
        // "false for anonymous callers"
        ("user is reader", False),
        ("not (user is reader)", True),
        ("has(user.id)", False),
        ("has(user.team)", False),
        ("has(user) and user.team == \"red\"", False),
        ("user.team == \"red\" and has(user)", False),
        ("has(user.team) and user.team == \"red\"", False),
        ("not has(user) or user.verified", True),
        ("user.verified ?? false", False),
        ("user.id ?? \"nobody\" == \"nobody\"", True),
        ("user.level ?? 0 == 0", True),
        ("context.mfa", True),
        ("resource.status == \"draft\"", True),
    ]);
}

const SCOPED: &str = r#"policy rulings
secret FIRST_KEY, SECOND_KEY
token first { algorithm HS256 key FIRST_KEY issuer "first" audience "api" lifetime 15m claims { sub: string, roles: [string] } }
token second { algorithm HS256 key SECOND_KEY issuer "second" audience "api" lifetime 15m claims { sub: string, scope: string } }
user from first { id = claims.sub roles = claims.roles }
user from second { id = "second:" + claims.sub roles = ["writer"] scopes = claims.scope }
resource posts { actions read, write, delete  open: bool }
role writer { allow posts:[read, write] }
scope "feed" { allow posts:read }
scope "careful" { allow posts:write when resource.open }
scope "all" { allow posts:* except posts:read }
allow posts:delete
"#;

#[test]
fn scopes() {
    let scoped = |ask: &str, scopes: serde_json::Value| json!({ "ask": ask, "context": "-", "user": { "scopes": scopes }, "resource": { "open": true } });
    let anyone = "allow anyone posts:read when resource.open";
    let reading = "forbid posts:read when has(user.scopes) and user.scopes contains \"odd\"";
    let table = [
        // "may do what their roles and their scopes allow; a mapping without `scopes` isn't capped"
        ("", scoped("posts:read", json!("-")), ALLOW),
        ("", scoped("posts:read", json!(["feed"])), ALLOW),
        ("", scoped("posts:read", json!(["feed", "ghost"])), ALLOW),
        ("", scoped("posts:read", json!([])), DENY),
        ("", scoped("posts:read", json!(["ghost"])), DENY),
        ("", scoped("posts:write", json!(["feed"])), DENY),
        ("", scoped("posts:read", json!(["all"])), DENY),
        ("", scoped("posts:write", json!(["feed", "all"])), ALLOW),
        // A scope alone grants nothing.
        ("", json!({ "ask": "posts:read", "context": "-", "user": { "roles": [], "scopes": ["feed"] } }), DENY),
        // What a scope lets through under a condition.
        ("", scoped("posts:write", json!(["careful"])), ALLOW),
        (
            "",
            json!({ "ask": "posts:write", "context": "-", "user": { "scopes": ["careful"] }, "resource": { "open": false } }),
            DENY,
        ),
        ("", json!({ "ask": "posts:write", "context": "-", "user": { "scopes": ["careful"] }, "resource": {} }), DENY),
        // A top-level `allow` is capped like a role's.
        ("", scoped("posts:delete", json!("-")), ALLOW),
        ("", scoped("posts:delete", json!(["feed"])), DENY),
        ("", scoped("posts:delete", json!(["all"])), ALLOW),
        // "`allow anyone` isn't capped by scopes."
        (anyone, scoped("posts:read", json!([])), ALLOW),
        (anyone, scoped("posts:write", json!([])), DENY),
        // "readable as a list"
        (reading, scoped("posts:read", json!(["feed", "odd"])), DENY),
        (reading, scoped("posts:read", json!(["feed"])), ALLOW),
        (reading, scoped("posts:read", json!("-")), ALLOW),
    ];
    report(table.into_iter().map(|(rules, change, expected)| {
        (format!("{rules} {change}"), wrong(&format!("{SCOPED}{rules}\n"), &scene(change), expected))
    }));
}

#[test]
fn an_attribute_that_one_mapping_makes_optional_is_so_for_all() {
    let mappings = r#"
secret SECOND_KEY
token second { algorithm HS256 key SECOND_KEY issuer "second" audience "api" lifetime 15m claims { sub: string, name?: string } }
token third { algorithm HS256 key THIRD_KEY issuer "third" audience "api" lifetime 15m claims { sub: string, name: string } }
user from second { id = "second:" + claims.sub name = claims.name }
user from third { id = claims.sub name = claims.name }
resource things { actions read }
allow things:read when has(user.name) and user.name == "x"
"#;
    let policy = format!("policy rulings\nsecret THIRD_KEY\n{mappings}").replace("THIRD_KEY", "FIRST_KEY");
    let asked = |name: serde_json::Value| {
        scene(
            json!({ "ask": "things:read", "context": "-", "resource": "-", "user": { "team": "-", "verified": "-", "name": name } }),
        )
    };
    let mut all = wrong(&policy, &asked(json!("x")), ALLOW);
    all.extend(wrong(&policy, &asked(json!("-")), DENY));
    assert!(all.is_empty(), "{all:?}");
}
