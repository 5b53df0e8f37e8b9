//! Doors: who comes in, and with which status not.

use serde_json::json;

use super::{ALLOW, decided, status};

#[test]
fn who_comes_in() {
    let nobody = |ask: &str| json!({ "ask": ask, "user": "-", "resource": "-" });
    let somebody = |ask: &str| json!({ "ask": ask, "resource": "-" });
    let routes = "role writer { allow notes:read }\nallow posts:delete\nroutes / {\n  GET /open public\n  GET /known authenticated\n  GET /notes requires notes:read\n  GET /written requires notes:write\n  GET /both requires notes:read, notes:write\n  GET /either requires any of notes:read, notes:write\n}";
    decided([
        (routes, nobody("GET /open"), ALLOW),
        (routes, somebody("GET /open"), ALLOW),
        // "on a route that isn't `public`, no or a bad credential is 401"
        (routes, nobody("GET /known"), status(401)),
        (routes, somebody("GET /known"), ALLOW),
        (routes, nobody("GET /notes"), status(401)),
        (routes, somebody("GET /notes"), ALLOW),
        (routes, json!({ "ask": "GET /notes", "user": { "roles": [] }, "resource": "-" }), status(403)),
        (routes, somebody("GET /written"), status(403)),
        (routes, somebody("GET /both"), status(403)),
        (routes, somebody("GET /either"), ALLOW),
        (routes, json!({ "ask": "GET /either", "user": { "roles": ["ghost"] }, "resource": "-" }), status(403)),
        // "The path is matched before the method"
        (routes, somebody("GET /nowhere"), status(404)),
        (routes, nobody("DELETE /known"), status(405)),
        // "`HEAD` follows `GET` unless it has a line of its own."
        (routes, somebody("HEAD /notes"), ALLOW),
        (routes, nobody("HEAD /notes"), status(401)),
        ("routes / { GET /a public  HEAD /a authenticated }", nobody("HEAD /a"), status(401)),
    ]);
}

#[test]
fn paths() {
    let asked = |ask: &str| json!({ "ask": ask, "user": "-", "resource": "-" });
    let routes = "routes /posts {\n  GET / public\n  GET /feed authenticated\n  GET /{id} public\n  PUT /{id} public no body\n  GET /{id}/b public\n  GET /new/{id} authenticated\n}";
    let typed = "routes / { GET /n/{n: int} public  GET /n/{n} authenticated  GET /u/{id: uuid} public  GET /f/{*rest} public  GET /f/one authenticated }";
    decided([
        // "A block's prefix and `/` make the prefix itself"
        (routes, asked("GET /posts"), ALLOW),
        (routes, asked("GET /posts/x"), ALLOW),
        // "the more specific wins, segment by segment"
        (routes, asked("GET /posts/feed"), status(401)),
        // "`PUT /posts/feed` is 405, though `/{id}` would take PUT."
        (routes, asked("PUT /posts/feed"), status(405)),
        (routes, asked("PUT /posts/x"), ALLOW),
        (routes, asked("GET /posts/x/b"), ALLOW),
        (routes, asked("GET /posts/new/b"), status(401)),
        (routes, asked("GET /posts/x/c"), status(404)),
        (routes, asked("GET /"), status(404)),
        (typed, asked("GET /n/5"), ALLOW),
        (typed, asked("GET /n/-5"), ALLOW),
        (typed, asked("GET /n/five"), status(401)),
        // "A typed path parameter that doesn't fit: 404."
        (typed, asked("GET /u/five"), status(404)),
        (typed, asked("GET /u/123e4567-e89b-12d3-a456-426614174000"), ALLOW),
        (typed, asked("GET /f/x/y/z"), ALLOW),
        (typed, asked("GET /f/one"), status(401)),
        (typed, asked("GET /f/one/two"), ALLOW),
        (typed, asked("GET /f"), status(404)),
    ]);
}

#[test]
fn things_at_doors() {
    let routes = "allow posts:read when resource.author == user.id\nallow posts:write when resource.id == \"p1\"\nallow posts:delete\nforbid posts:delete when resource.locked ?? false\nroutes /posts {\n  GET /{id} requires posts:read on posts(id)\n  PUT /{id} requires posts:write on posts(id) no body\n  DELETE /{id} requires posts:delete on posts(id) conceal\n  POST /{id} requires posts:read, posts:delete on posts(id) no body\n}";
    let of = |ask: &str, resources: serde_json::Value| json!({ "ask": ask, "resource": "-", "resources": resources });
    decided([
        (routes, of("GET /posts/p1", json!({ "posts/p1": { "author": "u1" } })), ALLOW),
        (routes, of("GET /posts/p1", json!({ "posts/p1": { "author": "u2" } })), status(403)),
        (routes, of("GET /posts/p1", json!({ "posts/p2": { "author": "u1" } })), status(403)),
        (routes, of("GET /posts/p1", json!({})), status(403)),
        // "If the host says that the resource doesn't exist, its attributes are unknown."
        (routes, of("GET /posts/p1", json!({ "posts/p1": null })), status(403)),
        (routes, of("DELETE /posts/p1", json!({ "posts/p1": null })), status(404)),
        // "`resource.id` is built in, the id by which the resource was asked for"
        (routes, of("PUT /posts/p1", json!({})), ALLOW),
        (routes, of("PUT /posts/p1", json!({ "posts/p1": null })), ALLOW),
        (routes, of("PUT /posts/p2", json!({ "posts/p2": {} })), status(403)),
        (routes, of("DELETE /posts/p1", json!({ "posts/p1": {} })), ALLOW),
        (routes, of("DELETE /posts/p1", json!({ "posts/p1": { "locked": true } })), status(404)),
        (routes, of("DELETE /posts/p1", json!({})), status(404)),
        (routes, of("POST /posts/p1", json!({ "posts/p1": { "author": "u1" } })), ALLOW),
        (routes, of("POST /posts/p1", json!({ "posts/p1": { "author": "u1", "locked": true } })), status(403)),
    ]);
}

#[test]
fn anonymous_callers() {
    let routes = "allow anyone posts:read when resource.status == \"published\"\nallow posts:write\nrole writer { allow posts:read }\nroutes / {\n  GET /p/{id} requires posts:read on posts(id)\n  GET /c/{id} requires posts:read on posts(id) conceal\n  GET /b/{id} requires posts:read, posts:write on posts(id)\n  GET /e/{id} requires any of posts:read, posts:write on posts(id)\n  GET /w requires posts:write conceal\n}";
    let nobody = |ask: &str, status: &str| json!({ "ask": ask, "user": "-", "resource": "-", "resources": { "posts/1": { "status": status } } });
    decided([
        // "On a route whose permission some `allow anyone` covers, `authorize` decides; a denial there is 401 (or 404
        // with `conceal`)."
        (routes, nobody("GET /p/1", "published"), ALLOW),
        (routes, nobody("GET /p/1", "draft"), status(401)),
        (routes, nobody("GET /p/2", "published"), status(401)),
        (routes, nobody("GET /c/1", "published"), ALLOW),
        (routes, nobody("GET /c/1", "draft"), status(404)),
        (routes, nobody("GET /b/1", "published"), status(401)),
        (routes, nobody("GET /e/1", "published"), ALLOW),
        (routes, nobody("GET /e/1", "draft"), status(401)),
        // No `allow anyone` could grant it: the credential is what lacks.
        (routes, nobody("GET /w", "published"), status(401)),
        (routes, json!({ "ask": "GET /p/1", "resource": "-" }), ALLOW),
        (routes, json!({ "ask": "GET /p/1", "user": { "roles": [] }, "resource": "-" }), status(403)),
        (routes, json!({ "ask": "GET /c/1", "user": { "roles": [] }, "resource": "-" }), status(404)),
    ]);
}

#[test]
fn conditions_at_doors() {
    let routes = "allow notes:read\nroutes / {\n  GET /a authenticated when context.risk < 50\n  GET /b public when context.risk < 50\n  GET /c authenticated when context.risk < 50 conceal\n  GET /n/{id} requires notes:read when params.id == user.id\n  GET /i/{n: int} public when params.n > 5\n}";
    let block = "allow notes:*\nroutes /x {\n  requires notes:read\n  when context.mfa\n  GET /a\n  GET /b when context.risk < 50\n  GET /c requires notes:write\n}";
    let asked =
        |ask: &str, risk: serde_json::Value| json!({ "ask": ask, "resource": "-", "context": { "risk": risk } });
    decided([
        (routes, asked("GET /a", json!(49)), ALLOW),
        (routes, asked("GET /a", json!(50)), status(403)),
        // "Unknown elsewhere: a route's `when`: 403."
        (routes, asked("GET /a", json!("-")), status(403)),
        (routes, json!({ "ask": "GET /a", "resource": "-", "context": "-" }), status(403)),
        (routes, asked("GET /b", json!(50)), status(403)),
        (routes, json!({ "ask": "GET /b", "resource": "-", "user": "-" }), ALLOW),
        (routes, json!({ "ask": "GET /b", "resource": "-", "user": "-", "context": "-" }), status(403)),
        // "404 where it would be 403"
        (routes, asked("GET /c", json!(50)), status(404)),
        (routes, json!({ "ask": "GET /c", "resource": "-", "user": "-" }), status(401)),
        (routes, asked("GET /n/u1", json!(0)), ALLOW),
        (routes, asked("GET /n/u2", json!(0)), status(403)),
        (routes, asked("GET /i/6", json!(0)), ALLOW),
        (routes, asked("GET /i/5", json!(0)), status(403)),
        // "`requires`, `scope`, `when` and `limit` of the block and of the route add up"
        (block, asked("GET /x/a", json!(60)), ALLOW),
        (block, asked("GET /x/b", json!(60)), status(403)),
        (block, asked("GET /x/b", json!(10)), ALLOW),
        (block, json!({ "ask": "GET /x/b", "resource": "-", "context": { "mfa": false } }), status(403)),
        (block, json!({ "ask": "GET /x/a", "resource": "-", "user": "-" }), status(401)),
        (block, asked("GET /x/c", json!(60)), ALLOW),
        (
            "allow notes:write\nroutes /x { requires notes:read\n GET /c requires notes:write }\nrole writer {}",
            asked("GET /x/c", json!(60)),
            status(403),
        ),
    ]);
}

#[test]
fn forbid_all_and_doors() {
    let doors = "routes / { GET /open public  GET /known authenticated  GET /n requires notes:read }";
    let rule = |forbid: &str| format!("allow notes:*\n{forbid}\n{doors}");
    let all = rule("forbid * when context.risk >= 90");
    let except = rule("forbid * except *:read when context.risk >= 90");
    let every_pattern = rule("forbid posts:*, notes:* when context.risk >= 90");
    let set = rule("permissions everything = *\nforbid everything when context.risk >= 90");
    let user = rule("forbid * when user.team == \"red\"");
    let asked =
        |ask: &str, risk: serde_json::Value| json!({ "ask": ask, "resource": "-", "context": { "risk": risk } });
    decided([
        // "`forbid *` also covers every door that an authenticated caller enters without a permission"
        (&all, asked("GET /known", json!(10)), ALLOW),
        (&all, asked("GET /known", json!(90)), status(403)),
        (&all, asked("GET /known", json!("-")), status(403)),
        (&all, asked("GET /n", json!(90)), status(403)),
        // "Plain `public` … aren't covered."
        (&all, asked("GET /open", json!(90)), ALLOW),
        (&all, json!({ "ask": "GET /open", "user": "-", "resource": "-", "context": "-" }), ALLOW),
        // "`except` takes away permissions, not doors."
        (&except, asked("GET /known", json!(90)), status(403)),
        (&except, asked("GET /n", json!(90)), ALLOW),
        // Only `*` speaks of doors.
        (&every_pattern, asked("GET /known", json!(90)), ALLOW),
        (&every_pattern, asked("GET /n", json!(90)), status(403)),
        (&set, asked("GET /known", json!(90)), status(403)),
        (&user, asked("GET /known", json!(10)), status(403)),
        (&user, json!({ "ask": "GET /known", "user": { "team": "blue" }, "resource": "-" }), ALLOW),
        (&user, json!({ "ask": "GET /known", "user": { "team": "-" }, "resource": "-" }), status(403)),
    ]);
}

#[test]
fn scopes_at_doors() {
    let routes = "secret SECOND_KEY\ntoken second { algorithm HS256 key SECOND_KEY issuer \"second\" audience \"api\" lifetime 15m claims { sub: string, scope: string, team: string } }\nuser from second { id = \"second:\" + claims.sub roles = [\"writer\"] scopes = claims.scope tier = \"free\" level = 1 team = claims.team verified = true }\nscope \"feed\" { allow notes:read }\nscope \"other\" { allow notes:write }\nrole writer { allow notes:* }\nroutes / {\n  GET /feed authenticated scope \"feed\"\n  GET /n requires notes:read scope \"other\"\n  GET /both authenticated scope \"feed\" scope \"other\"\n}";
    let scoped =
        |ask: &str, scopes: serde_json::Value| json!({ "ask": ask, "resource": "-", "user": { "scopes": scopes } });
    decided([
        // "The clause `scope "x"` asks it of callers whose mapping has scopes; the others aren't capped."
        (routes, scoped("GET /feed", json!("-")), ALLOW),
        (routes, scoped("GET /feed", json!(["feed"])), ALLOW),
        (routes, scoped("GET /feed", json!(["other"])), status(403)),
        (routes, scoped("GET /feed", json!([])), status(403)),
        (routes, scoped("GET /n", json!(["other"])), status(403)),
        (routes, scoped("GET /n", json!(["feed"])), status(403)),
        (routes, scoped("GET /n", json!(["feed", "other"])), ALLOW),
        (routes, scoped("GET /both", json!(["feed"])), status(403)),
        (routes, scoped("GET /both", json!(["other", "feed"])), ALLOW),
        (routes, json!({ "ask": "GET /feed", "user": "-", "resource": "-" }), status(401)),
    ]);
}
