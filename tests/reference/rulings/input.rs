//! Input of routes: it is unknown in the first decision, then validated, then decided with.

use serde_json::json;

use super::{ALLOW, DENY, decided, status};

const ROUTES: &str = r#"
schema Input { n: int, s?: string }
role writer { allow notes:read }
allow anyone posts:read when resource.flag
routes / {
  POST /a authenticated body Input when body.n > 5
  POST /b authenticated body Input when body.n > 5 and context.risk < 50
  POST /c authenticated body Input when has(body.s) and body.s == user.id
  POST /d requires notes:read body Input when body.n > 5 conceal
  POST /g authenticated body Input when body.n > context.risk
  POST /h authenticated body Input when body.n + context.risk > 5
  POST /o public body Input when body.n > 5 or not (body.n > 5)
  POST /e/{id} requires posts:read on posts(id) body Input when body.n > 5
}"#;

#[test]
fn what_reads_the_body() {
    let posted = |ask: &str, body: serde_json::Value| json!({ "ask": ask, "resource": "-", "body": body });
    let risky = |ask: &str, risk: serde_json::Value, body: serde_json::Value| json!({ "ask": ask, "resource": "-", "body": body, "context": { "risk": risk } });
    let bad = json!({ "n": "six" });
    decided([
        (ROUTES, posted("POST /a", json!({ "n": 6 })), ALLOW),
        (ROUTES, posted("POST /a", json!({ "n": 5 })), status(403)),
        // "only the rest waits for `validate`": what may yet be granted is validated first.
        (ROUTES, posted("POST /a", bad.clone()), status(422)),
        (ROUTES, posted("POST /a", json!({})), status(422)),
        (ROUTES, posted("POST /a", json!({ "n": 6, "m": 6 })), status(422)),
        // "if no body could lead to a grant, the caller is denied before the body is looked at"
        (ROUTES, risky("POST /b", json!(50), json!({ "n": 6 })), status(403)),
        (ROUTES, risky("POST /b", json!(50), bad.clone()), status(403)),
        (ROUTES, risky("POST /b", json!("-"), bad.clone()), status(403)),
        (ROUTES, risky("POST /b", json!(49), bad.clone()), status(422)),
        (ROUTES, risky("POST /b", json!(49), json!({ "n": 6 })), ALLOW),
        // Whatever the body says, it is compared with something unknown.
        (ROUTES, risky("POST /g", json!("-"), json!({ "n": 6 })), status(403)),
        (ROUTES, risky("POST /g", json!("-"), bad.clone()), status(403)),
        (ROUTES, risky("POST /h", json!("-"), bad.clone()), status(403)),
        (ROUTES, risky("POST /h", json!(1), bad.clone()), status(422)),
        (ROUTES, posted("POST /c", json!({ "n": 1, "s": "u1" })), ALLOW),
        (ROUTES, posted("POST /c", json!({ "n": 1, "s": "u2" })), status(403)),
        (ROUTES, posted("POST /c", json!({ "n": 1 })), status(403)),
        (ROUTES, posted("POST /d", json!({ "n": 6 })), ALLOW),
        (ROUTES, posted("POST /d", json!({ "n": 5 })), status(404)),
        (ROUTES, posted("POST /d", bad.clone()), status(422)),
        (ROUTES, json!({ "ask": "POST /d", "resource": "-", "body": bad, "user": { "roles": [] } }), status(404)),
        (ROUTES, json!({ "ask": "POST /a", "resource": "-", "body": { "n": 6 }, "user": "-" }), status(401)),
        (ROUTES, posted("POST /o", json!({ "n": 6 })), ALLOW),
        (ROUTES, posted("POST /o", json!({ "n": 5 })), ALLOW),
        // Nobody calls, and the body decides: 401, where a caller would get 403.
        (
            ROUTES,
            json!({ "ask": "POST /e/1", "resource": "-", "resources": { "posts/1": { "flag": true } }, "body": { "n": 6 }, "user": "-" }),
            ALLOW,
        ),
        (
            ROUTES,
            json!({ "ask": "POST /e/1", "resource": "-", "resources": { "posts/1": { "flag": true } }, "body": { "n": 5 }, "user": "-" }),
            status(401),
        ),
        (
            ROUTES,
            json!({ "ask": "POST /e/1", "resource": "-", "resources": { "posts/1": { "flag": true } }, "body": { "n": 5 } }),
            status(403),
        ),
        (
            ROUTES,
            json!({ "ask": "POST /e/1", "resource": "-", "resources": { "posts/1": { "flag": false } }, "body": {}, "user": "-" }),
            status(401),
        ),
        (
            ROUTES,
            json!({ "ask": "POST /e/1", "resource": "-", "resources": { "posts/1": { "flag": true } }, "body": {}, "user": "-" }),
            status(422),
        ),
    ]);
}

#[test]
fn rules_that_read_the_body() {
    let routes = r#"
schema Input { n: int, s?: string }
role writer { allow notes:write when body.n > 5 and resource.flag }
allow notes:write when body.n == 0 and context.mfa
forbid notes:write when has(body.s) and body.s == "odd"
routes / {
  PUT  /n/{id} requires notes:write on notes(id) body Input
  POST /n/{id} requires notes:write on notes(id) body Input conceal
}"#;
    let put = |flag: serde_json::Value, mfa: bool, body: serde_json::Value| json!({ "ask": "PUT /n/1", "resource": "-", "resources": { "notes/1": { "flag": flag } }, "context": { "mfa": mfa }, "body": body });
    decided([
        (routes, put(json!(true), false, json!({ "n": 6 })), ALLOW),
        (routes, put(json!(true), false, json!({ "n": 5 })), status(403)),
        (routes, put(json!(true), false, json!({ "n": 6, "s": "odd" })), status(403)),
        (routes, put(json!(true), false, json!({ "n": 6, "s": "even" })), ALLOW),
        (routes, put(json!(false), true, json!({ "n": 0 })), ALLOW),
        (routes, put(json!(true), false, json!({})), status(422)),
        (routes, put(json!(false), true, json!({})), status(422)),
        // "if no body could lead to a grant, the caller is denied before the body is looked at"
        (routes, put(json!(false), false, json!({})), status(403)),
        (routes, put(json!("-"), false, json!({})), status(403)),
        // Outside any door nobody says what the body is.
        (routes, json!({ "ask": "notes:write", "resource": { "flag": true } }), DENY),
    ]);
}

#[test]
fn what_reads_the_query() {
    let routes = r#"
schema Input { n: int, s?: string }
routes / {
  GET  /q authenticated query Input when query.n > 5 or context.mfa
  GET  /p public query Input when query.n > 5
}"#;
    let asked = |ask: &str, mfa: bool| json!({ "ask": ask, "resource": "-", "context": { "mfa": mfa } });
    decided([
        (routes, asked("GET /q?n=6", false), ALLOW),
        (routes, asked("GET /q?n=5", false), status(403)),
        (routes, asked("GET /q?n=5", true), ALLOW),
        (routes, asked("GET /q?n=5&s=x", true), ALLOW),
        (routes, asked("GET /q?n=five", true), status(422)),
        (routes, asked("GET /q", true), status(422)),
        (routes, asked("GET /q?n=6&more=1", true), status(422)),
        (routes, json!({ "ask": "GET /p?n=6", "resource": "-", "user": "-" }), ALLOW),
        (routes, json!({ "ask": "GET /p?n=5", "resource": "-", "user": "-" }), status(403)),
        // "A query string where no `query` is declared passes on unread."
        ("routes / { GET /x public }", json!({ "ask": "GET /x?n=six", "resource": "-", "user": "-" }), ALLOW),
    ]);
}

#[test]
fn what_reads_the_request() {
    let routes = "allow notes:read when request.method == \"GET\"\nroutes / {\n  GET /r requires notes:read\n  DELETE /r requires notes:read\n  GET /m authenticated when request.method in [\"HEAD\", \"POST\"]\n  GET /path/{id} public when request.path starts_with \"/path/a\"\n}";
    let asked = |ask: &str| json!({ "ask": ask, "resource": "-" });
    decided([
        (routes, asked("GET /r"), ALLOW),
        (routes, asked("DELETE /r"), status(403)),
        (routes, asked("GET /m"), status(403)),
        (routes, asked("HEAD /m"), ALLOW),
        (routes, asked("GET /path/abc"), ALLOW),
        (routes, asked("GET /path/bcd"), status(403)),
    ]);
}
