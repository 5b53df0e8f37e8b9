//! One layer at a time: small policies, a request, and what becomes of it. Each case was once decided wrongly, or
//! easily could be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use portcullis::document::{DecisionDocument, RequestDocument};
use portcullis::{Gate, Keys, Policy, Source};
use serde_json::{Value, json};

const ARTICLE: &str = include_str!("../policies/article.gate");
const NOW: &str = "2026-11-23T10:00:00Z";

/// The gate of a policy, bound to article's keys.
#[track_caller]
fn gate(text: &str) -> Gate {
    let policy = Policy::compile(&[Source::new("test.gate", text)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let keys = Keys::new()
        .with_secret("JWT_SECRET", "the access tokens of a test, and no others")
        .with_secret("REFRESH_SECRET", "the refresh tokens of a test, and no others")
        .with_secret("CSRF_SECRET", "the CSRF tokens of a test, and no others");
    policy.bind(&keys).unwrap()
}

/// `article.gate` and something more.
#[track_caller]
fn article_and(more: &str) -> Gate {
    gate(&format!("{ARTICLE}\n{more}"))
}

/// The decision document of a request, with the time and an address filled in.
fn decide(gate: &Gate, request: &Value) -> Value {
    let mut request = request.clone();
    let fields = request.as_object_mut().unwrap();
    fields.entry("now").or_insert_with(|| json!(NOW));
    fields.entry("peer").or_insert_with(|| json!("203.0.113.9"));
    fields.entry("entropy").or_insert_with(|| json!("07".repeat(32)));
    let document: RequestDocument = serde_json::from_value(request).unwrap();
    let decision = gate.decide(&document.request(NOW.parse().unwrap(), None));
    serde_json::to_value(DecisionDocument::new(&decision, gate.policy())).unwrap()
}

/// Decides, and expects a status and a code.
#[track_caller]
fn check(gate: &Gate, request: &Value, status: u16, code: &str) -> Value {
    let decision = decide(gate, request);
    assert_eq!((&decision["status"], &decision["reason"]["code"]), (&json!(status), &json!(code)), "{decision:#}");
    decision
}

fn get(url: &str) -> Value {
    json!({ "method": "GET", "url": url })
}

#[test]
fn authenticated_holds_where_anyone_may() {
    let routes = "routes /z { GET /open requires posts:read  GET /closed authenticated requires posts:read }";
    let gate = article_and(&format!("allow anyone posts:read\n{routes}"));
    check(&gate, &get("/z/open"), 200, "allowed");
    check(&gate, &get("/z/closed"), 401, "credential_missing");
    let user = json!({ "method": "GET", "url": "/z/closed", "user": { "id": "u1" } });
    check(&gate, &user, 200, "allowed");
}

#[test]
fn a_route_switches_defaults_off_wherever_it_says_so() {
    let rest = "limit other { algorithm sliding_log  key client.ip  rate 1 per 1m }\n\
                routes /z { limit api  GET /one public limit other no limit  GET /two public no limit limit other }";
    let gate = article_and(rest);
    for url in ["/z/one", "/z/two"] {
        let decision = check(&gate, &get(url), 200, "allowed");
        let ids: Vec<&Value> = decision["effects"].as_array().unwrap().iter().map(|effect| &effect["id"]).collect();
        assert_eq!(ids, [&json!("article/other/0:11:203.0.113.9")], "{url}");
    }
}

#[test]
fn headers_speak_of_the_rate_with_the_least_left() {
    let limits = "limit tight { algorithm sliding_log  key client.ip  rate 5 per 1m }\n\
                  limit wide  { algorithm sliding_log  key user.id ?? client.ip  rate 50 per 1m, 500 per 1h }\n\
                  routes /z { GET / public limit wide limit tight }";
    let gate = article_and(limits);
    let told = |decision: &Value, name: &str| -> Vec<String> {
        let headers = decision["headers"].as_array().unwrap();
        headers.iter().filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap().to_owned()).collect()
    };
    let decision = check(&gate, &get("/z"), 200, "allowed");
    assert_eq!(told(&decision, "ratelimit"), ["\"tight\";r=4;t=60"]);
    assert_eq!(told(&decision, "x-ratelimit-limit"), ["5"]);
    assert_eq!(decision["effects"].as_array().unwrap().len(), 2);

    // The guard's limit is charged first, and stays charged; the refusal of the other is what the client hears of.
    let full = json!({ "article/wide/1:11:203.0.113.9": { "version": 9, "log": [[1_795_427_990_000_000_i64, 50]] } });
    let request = json!({ "method": "GET", "url": "/z", "facts": { "buckets": full } });
    let decision = check(&gate, &request, 429, "rate_limited");
    assert_eq!(told(&decision, "ratelimit"), ["\"wide\";r=0;t=50"]);
    assert_eq!(told(&decision, "retry-after"), ["50"]);
    let ids: Vec<&Value> = decision["effects"].as_array().unwrap().iter().map(|effect| &effect["id"]).collect();
    assert_eq!(ids, [&json!("article/tight/0:11:203.0.113.9")]);
}

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
fn another_tier_forgets_nothing() {
    let text = ARTICLE.replace("{ 100 per 1m }", "{ 100 per 1h }");
    let gate = gate(&text);
    let used_up = json!({ "article/api/0:2:u1": { "version": 1, "log": [[1_795_427_880_000_000_i64, 100]] } });
    let request = |tier: &str, buckets: &Value| {
        json!({ "method": "GET", "url": "/api/posts", "user": { "id": "u1", "roles": ["user"], "tier": tier },
                "facts": { "buckets": buckets } })
    };
    check(&gate, &request("free", &used_up), 429, "rate_limited");
    let after = check(&gate, &request("pro", &used_up), 200, "allowed");
    let effect = &after["effects"][0];
    let carried_over = json!({ effect["id"].as_str().unwrap(): effect["state"] });
    check(&gate, &request("free", &carried_over), 429, "rate_limited");
    assert_eq!(effect["expires"], "2026-11-23T11:00:00Z");
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
fn a_body_that_was_read_is_measured_after_permissions() {
    let gate = gate(ARTICLE);
    let huge = "x".repeat(1024 * 1024 + 1);
    let post = json!({ "method": "POST", "url": "/api/posts", "body": huge });
    check(&gate, &post, 401, "credential_missing");
    let announced = json!({ "method": "POST", "url": "/api/posts", "headers": { "content-length": "1048577" } });
    check(&gate, &announced, 413, "body_too_large");
}

#[test]
fn framing_is_unambiguous() {
    let gate = gate("policy p\nschema A { a: int }\nroutes / { GET / public  POST / public body A }");
    let with = |method: &str, headers: Value| json!({ "method": method, "url": "/", "headers": headers });
    let both = json!({ "content-length": "5", "transfer-encoding": "chunked" });
    check(&gate, &with("GET", both), 400, "header_malformed");
    check(&gate, &with("GET", json!({ "content-length": ["5", "6"] })), 400, "header_malformed");
    check(&gate, &with("GET", json!({ "content-length": "+5" })), 400, "header_malformed");
    check(&gate, &with("GET", json!({ "content-length": "5" })), 400, "body_unexpected");
    check(&gate, &with("GET", json!({ "content-length": "0" })), 200, "allowed");
    for odd in ["application/json ; Charset = utf-16", "application/json; charset=latin1", "text/json", ""] {
        let headers = json!({ "content-type": odd });
        let request = json!({ "method": "POST", "url": "/", "headers": headers, "body": "{\"a\":1}" });
        check(&gate, &request, 415, "media_type_unsupported");
    }
    let headers = json!({ "content-type": "application/json", "content-encoding": "gzip" });
    let request = json!({ "method": "POST", "url": "/", "headers": headers, "body": "{\"a\":1}" });
    check(&gate, &request, 415, "media_type_unsupported");
}

#[test]
fn a_host_is_one_host() {
    let gate = gate(ARTICLE);
    let with = |url: &str, host: Value| json!({ "method": "GET", "url": url, "headers": { "host": host } });
    check(&gate, &with("https://api.example.com/api/health", json!(["a", "b"])), 400, "header_malformed");
    check(&gate, &with("/api/health", json!(["a", "b"])), 400, "header_malformed");
    for host in ["h:abc", "h:99999", "h,h2", "...", "h'(x)", "u@h", "[::1", "[x]"] {
        check(&gate, &get(&format!("https://{host}/api/health")), 400, "target_malformed");
    }
    for host in ["h:8443", "a.example.com.", "[::1]:443", "127.0.0.1"] {
        check(&gate, &get(&format!("https://{host}/api/health")), 200, "allowed");
    }
}

#[test]
fn an_authorization_that_cannot_be_read_is_no_missing_one() {
    let gate = gate(ARTICLE);
    for value in ["", "Bearer", "Bearer ", "Bearer\ttoken", "Bearer a b", "Bearer a, Bearer b", "=x"] {
        let request = json!({ "method": "GET", "url": "/api/health", "headers": { "authorization": value } });
        let decision = check(&gate, &request, 400, "invalid_request");
        let challenge = json!(["www-authenticate", "Bearer error=\"invalid_request\""]);
        assert!(decision["headers"].as_array().unwrap().contains(&challenge), "{value}");
    }
    let other = json!({ "method": "GET", "url": "/api/me", "headers": { "authorization": "Basic dTpw" } });
    check(&gate, &other, 401, "credential_missing");
}

#[test]
fn headers_made_for_an_answer_replace_the_policys() {
    let text = ARTICLE.replace("X-Frame-Options ", "Cache-Control \"public\"\n  X-Frame-Options ");
    let decision = check(&gate(&text), &get("/api/csrf"), 200, "csrf_issued");
    let headers = decision["headers"].as_array().unwrap();
    let values: Vec<&Value> = headers.iter().filter(|pair| pair[0] == "cache-control").map(|pair| &pair[1]).collect();
    assert_eq!(values, ["no-store"]);
}

#[test]
fn head_has_the_headers_and_no_body() {
    let decision = check(&gate(ARTICLE), &json!({ "method": "HEAD", "url": "/api/csrf" }), 200, "csrf_issued");
    assert_eq!(decision.get("body"), None, "{decision:#}");
}

#[test]
fn csrf_by_default_spares_only_callers_of_a_header() {
    let gate = gate(&ARTICLE.replace("applies  always", "applies  ambient"));
    let csrf = gate.csrf_token("s1", NOW.parse().unwrap(), &[1; 32]).unwrap().token;
    let delete = |headers: Value| json!({ "method": "DELETE", "url": "/api/posts/1", "user": { "id": "u", "roles": ["admin"] }, "headers": headers });
    check(&gate, &delete(json!({})), 403, "csrf_session");
    check(&gate, &delete(json!({ "origin": "https://evil.example" })), 403, "csrf_origin");
    check(&gate, &delete(json!({ "cookie": "session-id=s1", "x-csrf-token": csrf })), 200, "allowed");
}

#[test]
fn cookies_that_readers_read_differently_are_refused() {
    let gate = gate(ARTICLE);
    let csrf = gate.csrf_token("s1", NOW.parse().unwrap(), &[1; 32]).unwrap().token;
    let delete = |cookie: &str| {
        json!({ "method": "DELETE", "url": "/api/posts/1", "user": { "id": "u", "roles": ["admin"] },
                "headers": { "cookie": cookie, "x-csrf-token": csrf } })
    };
    check(&gate, &delete("a=b; session-id=s1; other=\u{e9}"), 200, "allowed");
    for odd in
        ["session-id; session-id=s1", "session-id =s1", "\tsession-id=s1", "session-id=s1; session-id=s1", "session-id"]
    {
        check(&gate, &delete(odd), 403, "csrf_session");
    }
}

#[test]
fn a_websocket_handshake_is_not_safe() {
    let gate = gate(ARTICLE);
    let with = |upgrade: &str| json!({ "method": "GET", "url": "/api/posts", "user": { "id": "u", "roles": ["user"] }, "headers": { "upgrade": upgrade } });
    for upgrade in ["websocket", "WebSocket", "h2c, websocket/13"] {
        check(&gate, &with(upgrade), 403, "csrf_session");
    }
    check(&gate, &with("h2c"), 200, "allowed");
}

#[test]
fn keys_that_hmac_pads_to_one_are_one() {
    let policy = Policy::compile(&[Source::new("article.gate", ARTICLE)]).unwrap();
    let key = b"the same key but for a zero at its end".to_vec();
    let keys = Keys::new()
        .with_secret("JWT_SECRET", key.clone())
        .with_secret("REFRESH_SECRET", [key, vec![0]].concat())
        .with_secret("CSRF_SECRET", "the CSRF tokens of a test, and no others");
    let error = policy.bind(&keys).unwrap_err().to_string();
    assert_eq!(
        error,
        "the secrets `JWT_SECRET` and `REFRESH_SECRET` are equal: each purpose needs a secret of its own"
    );
}

#[test]
fn literal_segments_are_read_as_requests_are() {
    let gate = gate("policy p\nroutes / { GET /a%20b public  GET /caf%C3%A9/{id} public }");
    check(&gate, &get("/a%20b"), 200, "allowed");
    let decision = check(&gate, &get("/caf%c3%a9/x%2Dy"), 200, "allowed");
    assert_eq!((&decision["target"], &decision["input"]["params"]["id"]), (&json!("/caf%C3%A9/x-y"), &json!("x-y")));
}

#[test]
fn a_slash_at_the_end_is_no_other_door() {
    let gate = article_and("routes /z { GET /admin requires admin:access  GET /{*rest} public }");
    check(&gate, &get("/z/admin"), 401, "credential_missing");
    check(&gate, &get("/z/admin/"), 404, "not_found");
    check(&gate, &get("/z/"), 404, "not_found");
    let decision = check(&gate, &get("/z/a/b"), 200, "allowed");
    assert_eq!(decision["input"]["params"]["rest"], "a/b");
}

#[test]
fn another_tiers_window_locks_nobody_out() {
    let text = ARTICLE.replace("tier \"pro\" ", "tier \"bulk\" { 5 per 30d }\ntier \"pro\" ");
    let ahead = json!({ "article/api/0:2:u1": { "version": 1, "log": [[1_797_156_000_000_000_i64, 100]] } });
    let request = json!({ "method": "GET", "url": "/api/posts", "user": { "id": "u1", "roles": ["user"] },
                          "facts": { "buckets": ahead } });
    let decision = check(&gate(&text), &request, 429, "rate_limited");
    assert!(decision["headers"].as_array().unwrap().contains(&json!(["retry-after", "60"])), "{decision:#}");
}

#[test]
fn what_lies_ahead_of_the_clock_is_kept_until_its_window_ends() {
    let ahead = json!({ "article/api/0:2:u1": { "version": 1, "log": [[1_795_428_030_000_000_i64, 5]] } });
    let request = json!({ "method": "GET", "url": "/api/posts", "user": { "id": "u1", "roles": ["user"] },
                          "facts": { "buckets": ahead } });
    let decision = check(&gate(ARTICLE), &request, 200, "allowed");
    let effect = &decision["effects"][0];
    assert_eq!(effect["state"]["log"], json!([[1_795_428_030_000_000_i64, 6]]));
    assert_eq!(effect["expires"], "2026-11-23T10:01:30Z");
}

#[test]
fn a_refusal_speaks_of_the_rate_that_refuses() {
    let limit = "limit l { algorithm sliding_log  key client.ip  rate 3 per 1s, 10 per 1m }\n\
                 routes /z { GET / public limit l }";
    let log = json!([[1_795_427_990_000_000_i64, 8], [1_795_427_999_900_000_i64, 2]]);
    let buckets = json!({ "article/l/0:11:203.0.113.9": { "version": 1, "log": log } });
    let request = json!({ "method": "GET", "url": "/z", "facts": { "buckets": buckets } });
    let decision = check(&article_and(limit), &request, 429, "rate_limited");
    let headers = decision["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["retry-after", "50"])), "{decision:#}");
    assert!(headers.contains(&json!(["ratelimit", "\"l\";r=0;t=60"])), "{decision:#}");
}

#[test]
fn other_schemes_are_no_credentials() {
    let gate = gate(ARTICLE);
    for scheme in ["Basic dTpw", "AWS4_HMAC x", "DPoP abc", "Digest username=\"u\""] {
        let request = json!({ "method": "GET", "url": "/api/health", "headers": { "authorization": scheme } });
        check(&gate, &request, 200, "allowed");
    }
}

#[test]
fn nobody_is_called_nothing() {
    let user = json!({ "method": "GET", "url": "/api/me", "user": { "id": "" } });
    check(&gate(ARTICLE), &user, 401, "credential_missing");
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

#[test]
fn literals_with_braces_are_no_parameters() {
    let gate = gate("policy p\nroutes / { GET /a/%7B%7D public  GET /a/{x} public }");
    assert_eq!(check(&gate, &get("/a/%7B%7D"), 200, "allowed")["input"]["params"], json!({}));
    assert_eq!(check(&gate, &get("/a/b"), 200, "allowed")["input"]["params"], json!({ "x": "b" }));
}
