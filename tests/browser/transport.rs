//! Transport: hosts, https and sizes. Each snapshot shows requests and their outcomes.

use portcullis::Gate;
use portcullis::request::Scheme;
use serde_json::{Value, json};

use crate::support::exchange::{Call, status};
use crate::support::{codes, decide, gate, header, snapshot, try_compile};

/// A decision in a line: status, code, redirection, the address that was counted, and HSTS.
fn outcome(decision: &Value) -> String {
    let counted = decision["effects"][0]["id"].as_str().map(|id| id.splitn(3, ':').nth(2).unwrap());
    let mut line = format!("{} {}", decision["status"], decision["reason"]["code"].as_str().unwrap());
    let (location, hsts) = (header(decision, "location"), header(decision, "strict-transport-security"));
    for (what, value) in [("to", location), ("from", counted), ("hsts", hsts)] {
        if let Some(value) = value {
            line.push_str(&format!("  {what} {value}"));
        }
    }
    line
}

/// Compares requests with their outcomes.
#[track_caller]
pub(super) fn check(name: &str, gate: &Gate, requests: &[Value]) {
    let lines: Vec<String> =
        requests.iter().map(|request| format!("{request}\n    {}", outcome(&decide(gate, request)))).collect();
    snapshot!(format!("transport_{name}"), lines.join("\n"));
}

fn get(url: &str, headers: Value) -> Value {
    json!({ "method": "GET", "url": url, "headers": headers })
}

#[test]
fn hosts() {
    let gate = gate(
        "transport { hosts \"API.example.com\", \"localhost:3000\", \"*.tenant.example\", \"[2001:db8::1]\" }\n\
         routes / { GET / public }",
    );
    let urls = [
        "https://api.example.com/",
        "https://api.example.com:443/",
        "http://api.example.com:80/",
        "https://api.example.com:80/",
        "https://api.example.com:8443/",
        "https://api.example.com./",
        "https://evil.example/",
        "http://evil.example/",
        "https://api.example.com.evil.example/",
        "http://localhost:3000/",
        "http://localhost/",
        "https://a.tenant.example/",
        "https://a.b.tenant.example/",
        "https://.tenant.example/",
        "https://tenant.example/",
        "https://[2001:db8::1]/",
        "/",
    ];
    let mut requests: Vec<Value> = urls.iter().map(|url| get(url, json!({}))).collect();
    requests.push(get("/", json!({ "host": "API.EXAMPLE.COM" })));
    requests.push(get("/", json!({ "host": "evil.example" })));
    requests.push(get("https://api.example.com/", json!({ "host": "evil.example" })));
    requests.push(get("/", json!({ "x-forwarded-host": "evil.example" })));
    check("hosts", &gate, &requests);
}

#[test]
fn lists_stay_short() {
    let hosts = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("\"h{n}.example\"")).collect();
        try_compile(&format!("transport {{ hosts {} }}", names.join(", ")))
    };
    assert!(hosts(1_000).is_ok());
    assert_eq!(codes(&hosts(1_001).unwrap_err()), ["too_many_entries"]);
}

#[test]
fn only_patterns_are_nobodys_default() {
    let gate = gate("transport { hosts \"*.tenant.example\" }\nroutes / { GET / public }");
    check("only_patterns", &gate, &[get("/", json!({})), get("https://a.tenant.example/", json!({}))]);
}

const SECURE: &str = "transport { https required  hosts \"api.example.com\", \"*.tenant.example\" }\n\
                      headers { Strict-Transport-Security \"max-age=60\" }\n\
                      routes / { GET / public  GET /{id} public  POST / public no body }";

#[test]
fn https() {
    let gate = gate(SECURE);
    let url = "http://api.example.com/";
    let requests = [
        get("https://api.example.com/", json!({})),
        get(url, json!({})),
        get("http://api.example.com:80/a%41?q=1&r=%20", json!({})),
        get("http://a.tenant.example/", json!({})),
        get("http://api.example.com/nowhere/at/all", json!({})),
        get("http://evil.example/", json!({})),
        get(url, json!({ "authorization": "Bearer x" })),
        get(url, json!({ "authorization": "nonsense" })),
        get(url, json!({ "cookie": "a=b" })),
        get(url, json!({ "upgrade": "websocket", "connection": "upgrade" })),
        json!({ "method": "HEAD", "url": url }),
        json!({ "method": "OPTIONS", "url": url }),
        json!({ "method": "POST", "url": url }),
        json!({ "method": "GET", "url": url, "user": { "id": "u1" } }),
        get(url, json!({ "x-forwarded-proto": "https" })),
    ];
    check("https", &gate, &requests);
}

#[test]
fn https_without_hosts_sends_nobody_anywhere() {
    let gate = gate("transport { https required }\nroutes / { GET / public }");
    check(
        "https_without_hosts",
        &gate,
        &[get("http://api.example.com/", json!({})), get("https://x.example/", json!({}))],
    );
}

/// RFC 9110 §7.4: a target of `https` doesn't make a connection in the clear secure.
#[test]
fn a_target_doesnt_make_a_connection_secure() {
    let gate = gate(SECURE);
    let decide = |scheme: Scheme, target: &str| {
        let call = Call { host: Some("api.example.com".to_owned()), scheme, ..Call::new(&format!("GET {target}")) };
        status(&gate.decide(&call.request()))
    };
    assert_eq!(decide(Scheme::Http, "https://api.example.com/"), 308);
    assert_eq!(decide(Scheme::Https, "http://api.example.com/"), 308);
    assert_eq!(decide(Scheme::Https, "https://api.example.com/"), 200);
    assert_eq!(decide(Scheme::Http, "/"), 308);
    assert_eq!(decide(Scheme::Https, "/"), 200);
}

#[test]
fn sizes() {
    let gate = gate(
        "transport { max_target 64B  max_header 256B  max_header_lines 3  max_body 32B  max_depth 2 }\n\
         schema A { a: any }\nroutes / { GET /{*rest} public  POST / public body A  PUT / public body raw }",
    );
    let post = |body: Value| json!({ "method": "POST", "url": "/", "body": body });
    let raw = |length: usize| json!({ "method": "PUT", "url": "/", "body": "x".repeat(length) });
    let requests = [
        get(&format!("/{}", "a".repeat(63)), json!({})),
        get(&format!("/{}", "a".repeat(64)), json!({})),
        get("/a", json!({ "a": "1", "b": "2", "c": "3" })),
        get("/a", json!({ "a": "1", "b": "2", "c": ["3", "4"] })),
        get("/a", json!({ "a": "1".repeat(251) })),
        get("/a", json!({ "a": "1".repeat(252) })),
        post(json!({ "a": [1] })),
        post(json!({ "a": [[1]] })),
        post(json!({ "a": "0123456789012345678901234" })),
        raw(32),
        raw(33),
        json!({ "method": "PUT", "url": "/", "headers": { "content-length": "33" } }),
        json!({ "method": "PUT", "url": "/", "headers": { "content-length": "99999999999999999999" } }),
    ];
    check("sizes", &gate, &requests);
}
