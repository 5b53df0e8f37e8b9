//! Roles and rules: the permissions that they grant and forbid.

use serde_json::{Value, json};

use crate::support::article::article_and;
use crate::support::rules::{check_rules, compile_rules};
use crate::support::{check, check_article};

/// A condition compiles to the same graph in any order of its uses.
#[test]
fn a_condition_of_two_resources_is_one() {
    let rules = |first: &str, second: &str| {
        format!(
            "resource a {{ actions r  x: ip    n: ip }}\nresource b {{ actions r  x: cidr  n: cidr }}\n\
             condition odd = [10.0.0.1, resource.n] contains resource.x\n\
             forbid {first}:r when odd\nforbid {second}:r when odd\nallow a:r, b:r"
        )
    };
    let user = json!({ "id": "u" });
    let asked = [
        (json!({ "permission": "b:r", "user": user, "resource": { "n": "1.1.1.0/24", "x": "10.0.0.1/32" } }), false),
        (json!({ "permission": "b:r", "user": user, "resource": { "n": "1.1.1.0/24", "x": "10.0.0.2/32" } }), true),
        (json!({ "permission": "a:r", "user": user, "resource": { "n": "1.1.1.1", "x": "10.0.0.1" } }), false),
        (json!({ "permission": "a:r", "user": user, "resource": { "n": "1.1.1.1", "x": "10.0.0.2" } }), true),
    ];
    check_rules(&rules("a", "b"), &asked);
    check_rules(&rules("b", "a"), &asked);
}

/// `except` excludes permissions, not routes.
#[test]
fn a_forbid_of_doors_alone() {
    let rules = "context { locked: bool }\nresource p { actions r }\nforbid * except * when context.locked\n\
                 routes / { GET /me authenticated }";
    let policy = compile_rules(rules).unwrap();
    assert!(policy.warnings().iter().all(|warning| warning.code != "empty_rule"));
    let me = |locked| json!({ "method": "GET", "url": "/me", "user": { "id": "u" }, "facts": { "context": { "locked": locked } } });
    check_rules(rules, &[(me(false), true), (me(true), false)]);
}

#[test]
fn authenticated_holds_where_anyone_may() {
    let routes = "routes /z { GET /open requires posts:read  GET /closed authenticated requires posts:read }";
    let get = |url: &str| -> Value { json!({ "method": "GET", "url": url }) };
    let gate = article_and(&format!("allow anyone posts:read\n{routes}"));
    check(&gate, &get("/z/open"), 200, "allowed");
    check(&gate, &get("/z/closed"), 401, "credential_missing");
    let user = json!({ "method": "GET", "url": "/z/closed", "user": { "id": "u1" } });
    check(&gate, &user, 200, "allowed");
}

#[test]
fn a_lacking_permission() {
    check_article!(
        "a_lacking_permission",
        json!({ "method": "GET", "url": "/api/users", "user": { "id": "u1", "roles": ["user", "wizard"], "tier": "gold" } }),
    );
}
