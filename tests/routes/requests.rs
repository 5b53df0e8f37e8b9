//! Requests before any rule: framing, hosts, paths, methods and sizes.

use serde_json::{Value, json};

use crate::support::article::article_and;
use crate::support::{ARTICLE, check, gate};

fn get(url: &str) -> Value {
    json!({ "method": "GET", "url": url })
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
fn head_has_the_headers_and_no_body() {
    let decision = check(&gate(ARTICLE), &json!({ "method": "HEAD", "url": "/api/csrf" }), 200, "csrf_issued");
    assert_eq!(decision.get("body"), None, "{decision:#}");
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
fn literals_with_braces_are_no_parameters() {
    let gate = gate("policy p\nroutes / { GET /a/%7B%7D public  GET /a/{x} public }");
    assert_eq!(check(&gate, &get("/a/%7B%7D"), 200, "allowed")["input"]["params"], json!({}));
    assert_eq!(check(&gate, &get("/a/b"), 200, "allowed")["input"]["params"], json!({ "x": "b" }));
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
