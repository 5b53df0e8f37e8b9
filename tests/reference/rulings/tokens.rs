//! Callers that mappings make of tokens' claims.

use serde_json::json;

use super::{ALLOW, Outcome, report, scene, status, wrong};

const POLICY: &str = r#"policy rulings
secret FIRST_KEY, SECOND_KEY
tier "free" { 10 per 1m }
tier "pro" { 100 per 1m }
token first {
  algorithm HS256  key FIRST_KEY  issuer "first"  audience "api"  lifetime 15m
  claims { sub: string, roles?: [string], tier?: string, level?: int, suspended?: bool, kind: "a" | "b" }
}
token second {
  algorithm HS256  key SECOND_KEY  issuer "second"  audience "api"  lifetime 15m
  claims { sub: string, scope: string, role: string, kind: "a" | "b" }
}
user from first {
  id = claims.sub  roles = claims.roles ?? ["reader"]  tier = claims.tier ?? "free"
  level = claims.level  suspended = claims.suspended ?? false  kind = claims.kind
}
user from second {
  id = "second:" + claims.sub  roles = ["reader", claims.role]  scopes = claims.scope  tier = "pro"
  level = 7  suspended = false  kind = claims.kind
}
resource notes { actions read, write, delete }
role reader { allow notes:read }
role writer extends reader { allow notes:write }
scope "feed" { allow notes:read }
scope "write:all" { allow notes:write }
allow notes:delete when user.id == "second:m1"
forbid * when user.suspended
routes / {
  GET /read    requires notes:read
  PUT /write   requires notes:write  no body
  GET /me      authenticated
  GET /feed    authenticated scope "feed"
  GET /open    public
  GET /level   authenticated when has(user.level) and user.level > 5
  GET /pro     authenticated when user.tier ?? "free" == "pro"
  GET /free    authenticated when user.tier ?? "free" == "free"
  GET /b       authenticated when user.kind == "b"
  GET /second  authenticated when user.id starts_with "second:"
  GET /first   authenticated when user.token == "first"
  DELETE /read requires notes:delete
}
"#;

#[test]
fn claims_make_callers() {
    let first = |ask: &str, claims: serde_json::Value| asked(ask, "first", json!({ "sub": "u1", "kind": "a" }), claims);
    let second = |ask: &str, claims: serde_json::Value| {
        asked(ask, "second", json!({ "sub": "m1", "scope": "feed", "role": "writer", "kind": "b" }), claims)
    };
    let none = || json!({});
    check([
        (first("GET /me", none()), ALLOW),
        (first("GET /read", none()), ALLOW),
        (first("PUT /write", none()), status(403)),
        (first("PUT /write", json!({ "roles": ["writer"] })), ALLOW),
        (first("GET /read", json!({ "roles": [] })), status(403)),
        // "A role name that the policy doesn't know grants nothing"
        (first("GET /read", json!({ "roles": ["ghost"] })), status(403)),
        (first("GET /read", json!({ "roles": ["ghost", "reader"] })), ALLOW),
        (first("GET /level", none()), status(403)),
        (first("GET /level", json!({ "level": 6 })), ALLOW),
        (first("GET /me", json!({ "suspended": true })), status(403)),
        (first("GET /pro", json!({ "tier": "pro" })), ALLOW),
        // "a tier name that it doesn't know counts as absent"
        (first("GET /pro", json!({ "tier": "gold" })), status(403)),
        (first("GET /free", json!({ "tier": "gold" })), ALLOW),
        // "A claim of the wrong type … is a bad token"
        (first("GET /me", json!({ "roles": "writer" })), status(401)),
        (first("GET /me", json!({ "level": "6" })), status(401)),
        (first("GET /me", json!({ "suspended": "no" })), status(401)),
        (first("GET /me", json!({ "kind": "c" })), status(401)),
        (first("GET /me", json!({ "kind": "-" })), status(401)),
        (first("GET /me", json!({ "sub": 5 })), status(401)),
        // "On a `public` route a bad or expired token makes the caller anonymous"
        (first("GET /open", json!({ "sub": 5 })), ALLOW),
        (first("GET /open", none()), ALLOW),
        (first("GET /b", none()), status(403)),
        (first("GET /first", none()), ALLOW),
        // The other kind of token, and its scopes as one string.
        (second("GET /me", none()), ALLOW),
        (second("GET /read", none()), ALLOW),
        (second("GET /feed", none()), ALLOW),
        (first("GET /feed", none()), ALLOW),
        (second("GET /feed", json!({ "scope": "write:all" })), status(403)),
        (second("GET /feed", json!({ "scope": "write:all feed" })), ALLOW),
        (second("GET /feed", json!({ "scope": "" })), status(403)),
        (second("GET /feed", json!({ "scope": "feeds" })), status(403)),
        (second("PUT /write", none()), status(403)),
        (second("PUT /write", json!({ "scope": "feed write:all" })), ALLOW),
        (second("PUT /write", json!({ "scope": "feed write:all", "role": "ghost" })), status(403)),
        (second("GET /level", none()), ALLOW),
        (second("GET /pro", none()), ALLOW),
        (second("GET /b", none()), ALLOW),
        (second("GET /second", none()), ALLOW),
        (first("GET /second", json!({ "sub": "seconds" })), status(403)),
        (second("GET /first", none()), status(403)),
        // A grant to all callers is capped by scopes, too.
        (second("DELETE /read", none()), status(403)),
        (first("DELETE /read", none()), status(403)),
    ]);
}

fn asked(ask: &str, kind: &str, usual: serde_json::Value, change: serde_json::Value) -> serde_json::Value {
    let mut claims = usual;
    super::merge(&mut claims, change);
    json!({ "ask": ask, "user": "-", "context": "-", "resource": "-", "token": { "kind": kind, "claims": claims } })
}

fn check<const N: usize>(table: [(serde_json::Value, Outcome); N]) {
    report(table.into_iter().map(|(change, expected)| (change.to_string(), wrong(POLICY, &scene(change), expected))));
}
