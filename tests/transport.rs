//! Transport: hosts, https, sizes, and whose word on the client counts. Tables of requests, each with its outcome.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use http::{HeaderMap, HeaderValue, Method};
use portcullis::document::{DecisionDocument, RequestDocument};
use portcullis::{Facts, Gate, Keys, Policy, Request, Scheme, Source};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: &str = "2026-11-23T10:00:00Z";

#[track_caller]
fn gate(text: &str) -> Gate {
    let text = format!("policy p\n{text}");
    let policy = Policy::compile(&[Source::new("test.gate", text)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    policy.bind(&Keys::new()).unwrap()
}

fn decide(gate: &Gate, request: &Value) -> Value {
    let document: RequestDocument = serde_json::from_value(request.clone()).unwrap();
    let decision = gate.decide(&document.request(NOW.parse().unwrap(), None));
    serde_json::to_value(DecisionDocument::new(&decision, gate.policy())).unwrap()
}

/// What became of a request, in a line: status, code, where it was sent, and the address that was counted.
fn outcome(decision: &Value) -> String {
    let header = |name: &str| {
        let headers = decision["headers"].as_array().unwrap();
        headers.iter().find(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap().to_owned())
    };
    let counted = decision["effects"][0]["id"].as_str().map(|id| id.splitn(3, ':').nth(2).unwrap().to_owned());
    let mut line = format!("{} {}", decision["status"], decision["reason"]["code"].as_str().unwrap());
    for (what, value) in [("to", header("location")), ("from", counted), ("hsts", header("strict-transport-security"))]
    {
        if let Some(value) = value {
            line.push_str(&format!("  {what} {value}"));
        }
    }
    line
}

/// Snapshots requests beside their outcomes.
#[track_caller]
fn check(name: &str, gate: &Gate, requests: &[Value]) {
    let lines: Vec<String> =
        requests.iter().map(|request| format!("{request}\n    {}", outcome(&decide(gate, request)))).collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("transport_{name}"), lines.join("\n"));
    });
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
        let text = format!("policy p\ntransport {{ hosts {} }}", names.join(", "));
        Policy::compile(&[Source::new("test.gate", text)])
    };
    assert!(hosts(1_000).is_ok());
    let errors = hosts(1_001).unwrap_err();
    assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), ["too_many_entries"]);
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
    let (headers, facts) = (HeaderMap::new(), Facts::default());
    let decide = |scheme: Scheme, target: &str| {
        let decision = gate.decide(&Request {
            method: &Method::GET,
            target,
            scheme,
            host: Some("api.example.com"),
            headers: &headers,
            peer: None,
            body: Some(b""),
            now: NOW.parse().unwrap(),
            entropy: None,
            user: None,
            facts: &facts,
        });
        decision.status.as_u16()
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

const PROXIES: &str = "proxies 10.0.0.0/8, 2001:db8::/32, ::ffff:192.0.2.0/120";
const COUNTED: &str = "limit each { algorithm sliding_log  key client.ip  rate 5 per 1m }\n\
                       headers { Strict-Transport-Security \"max-age=60\" }\nroutes / { GET / public limit each }";

fn from(peer: &str, headers: Value) -> Value {
    json!({ "method": "GET", "url": "/", "peer": peer, "headers": headers })
}

#[test]
fn x_forwarded_for() {
    let gate = gate(&format!("transport {{ {PROXIES} }}\n{COUNTED}"));
    let by = |value: Value| from("10.0.0.1", json!({ "x-forwarded-for": value }));
    let mut requests = vec![
        from("203.0.113.9", json!({})),
        from("203.0.113.9", json!({ "x-forwarded-for": "198.51.100.7" })),
        from("::ffff:203.0.113.9", json!({})),
        from("10.0.0.1", json!({})),
        from("192.0.2.9", json!({ "x-forwarded-for": "198.51.100.7" })),
        from("::ffff:10.0.0.1", json!({ "x-forwarded-for": "198.51.100.7" })),
        json!({ "method": "GET", "url": "/", "peer": null, "headers": { "x-forwarded-for": "198.51.100.7" } }),
        // The other header isn't read.
        from("10.0.0.1", json!({ "forwarded": "for=198.51.100.7" })),
    ];
    for value in [
        json!("198.51.100.7"),
        json!("1.1.1.1, 198.51.100.7"),
        json!("1.1.1.1, 198.51.100.7, 10.9.9.9, 2001:db8::5"),
        json!(["1.1.1.1", "198.51.100.7, 10.9.9.9"]),
        json!(["1.1.1.1, 198.51.100.7", "10.9.9.9"]),
        json!("198.51.100.7:4711"),
        json!("[2001:db9::7]:4711"),
        json!("[2001:db9::7]"),
        json!("2001:db9::7"),
        json!("fe80::7%eth0"),
        json!("::ffff:198.51.100.7"),
        json!(" 198.51.100.7 ,"),
        json!("198.51.100.7,,  10.9.9.9"),
        // Who names nobody leaves it unknown.
        json!(""),
        json!(","),
        json!("10.9.9.9"),
        json!("unknown"),
        json!("198.51.100.7, unknown"),
        json!("198.51.100.7, _hidden"),
        json!("198.51.100.7, 256.1.1.1"),
        json!("198.51.100.7:99999"),
        json!("198.51.100.7:"),
        json!("[198.51.100.7]"),
        json!("[2001:db9::7"),
        json!("\"198.51.100.7\""),
        json!("198.51.100.7 10.9.9.9"),
        // What stands left of the first untrusted hop is the client's.
        json!("unknown, \"; drop, 198.51.100.7"),
        json!("10.0.0.9, 198.51.100.7"),
    ] {
        requests.push(by(value));
    }
    check("x_forwarded_for", &gate, &requests);
}

#[test]
fn forwarded() {
    let gate = gate(&format!(
        "transport {{ {PROXIES}  forwarded forwarded  https required  hosts \"h.example\" }}\n{COUNTED}"
    ));
    let by = |value: Value| from("10.0.0.1", json!({ "forwarded": value }));
    let mut requests = vec![
        from("203.0.113.9", json!({ "forwarded": "for=198.51.100.7;proto=http" })),
        from("10.0.0.1", json!({ "x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "http" })),
    ];
    for value in [
        json!("for=198.51.100.7"),
        json!("For=198.51.100.7;Proto=HTTPS;by=10.0.0.1"),
        json!("for=\"198.51.100.7:4711\""),
        json!("for=\"[2001:db9::7]:4711\""),
        json!("for=1.1.1.1, for=198.51.100.7, for=10.9.9.9"),
        json!(["for=1.1.1.1", "for=198.51.100.7, for=10.9.9.9"]),
        json!("for=198.51.100.7;proto=http"),
        json!("for=1.1.1.1;proto=http, for=198.51.100.7;proto=https"),
        json!("for=198.51.100.7;proto=http, for=10.9.9.9;proto=https"),
        json!("for=198.51.100.7;host=\"a, b; c\\\" d\""),
        json!(", for=198.51.100.7 ,"),
        // Who names nobody leaves it unknown.
        json!("for=unknown"),
        json!("for=\"_hidden\""),
        json!("proto=https"),
        json!("for=198.51.100.7, for=unknown"),
        json!("for=198.51.100.7, by=10.9.9.9"),
        // So does a line that isn't well-formed, whoever spoilt it.
        json!("for=198.51.100.7:4711"),
        json!("for=[2001:db9::7]"),
        json!("for=1.1.1.1;for=198.51.100.7"),
        json!("for=\"1.1.1.1, for=198.51.100.7"),
        json!("for=1.1.1.1;x=\", for=\"198.51.100.7\""),
        json!("for = 198.51.100.7"),
        // In a line of its own, the client spoils nothing.
        json!(["for=\"1.1.1.1", "for=198.51.100.7"]),
    ] {
        requests.push(by(value));
    }
    check("forwarded", &gate, &requests);
}

#[test]
fn x_forwarded_proto() {
    let gate = gate(&format!("transport {{ {PROXIES}  https required  hosts \"h.example\" }}\n{COUNTED}"));
    let request = |url: &str, peer: &str, proto: Value| {
        let headers = json!({ "x-forwarded-for": "198.51.100.7", "x-forwarded-proto": proto });
        json!({ "method": "GET", "url": url, "peer": peer, "headers": headers })
    };
    let (clear, secure) = ("http://h.example/", "https://h.example/");
    let requests = [
        request(clear, "10.0.0.1", json!("https")),
        request(clear, "10.0.0.1", json!("HTTPS")),
        request(secure, "10.0.0.1", json!("http")),
        request(clear, "203.0.113.9", json!("https")),
        request(secure, "203.0.113.9", json!("http")),
        request(clear, "10.0.0.1", json!("https, https")),
        request(clear, "10.0.0.1", json!("https, http")),
        request(clear, "10.0.0.1", json!(["http", "https"])),
        request(secure, "10.0.0.1", json!("nonsense")),
        request(secure, "10.0.0.1", json!("")),
        request(clear, "10.0.0.1", json!("")),
    ];
    check("x_forwarded_proto", &gate, &requests);
}

/// The address that a request counts for, where it is known.
fn counted(gate: &Gate, name: &str, lines: &[Vec<u8>]) -> Option<String> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        headers.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    let facts = Facts::default();
    let decision = gate.decide(&Request {
        method: &Method::GET,
        target: "/",
        scheme: Scheme::Https,
        host: None,
        headers: &headers,
        peer: "10.0.0.1".parse().ok(),
        body: Some(b""),
        now: NOW.parse().unwrap(),
        entropy: None,
        user: None,
        facts: &facts,
    });
    let document = serde_json::to_value(DecisionDocument::new(&decision, gate.policy())).unwrap();
    let id = document["effects"][0]["id"].as_str()?;
    id.splitn(3, ':').nth(2).map(ToOwned::to_owned)
}

/// What a client may write before its own address.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "1.1.1.1",
        "10.0.0.2",
        "unknown",
        "for=",
        "for=1.1.1.1",
        "\"",
        "\\",
        ",",
        ";",
        "=",
        "proto=http",
        "[",
        "]",
        ":",
        "%",
        " ",
        "2001:db8::1",
        "é",
        "x",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn nobody_speaks_for_another(text in hostile(), trusted in 0_usize..3, same_line in any::<bool>()) {
        let plain = gate(&format!("transport {{ {PROXIES} }}\n{COUNTED}"));
        let standard = gate(&format!("transport {{ {PROXIES}  forwarded forwarded }}\n{COUNTED}"));
        let written = |before: &str, own: String| match same_line {
            true => vec![format!("{before}, {own}").into_bytes()],
            false => vec![before.as_bytes().to_vec(), own.into_bytes()],
        };

        // After whatever the client wrote, its own address as the first proxy saw it, and the proxies' own.
        let hops: Vec<String> = std::iter::once("198.51.100.7".to_owned()).chain((0..trusted).map(|n| format!("10.1.1.{n}"))).collect();
        let found = counted(&plain, "x-forwarded-for", &written(&text, hops.join(", ")));
        prop_assert_eq!(found.as_deref(), Some("198.51.100.7"));

        let hops: Vec<String> = hops.iter().map(|hop| format!("for=\"{hop}\"")).collect();
        let found = counted(&standard, "forwarded", &written(&text, hops.join(", ")));
        if same_line {
            // A line that the client spoilt says nothing; it never says something else.
            prop_assert!(found.is_none() || found.as_deref() == Some("198.51.100.7"), "{:?}", found);
        } else {
            prop_assert_eq!(found.as_deref(), Some("198.51.100.7"));
        }
    }

    #[test]
    fn no_bytes_are_too_odd(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4)) {
        for forwarded in ["x_forwarded_for", "forwarded"] {
            let gate = gate(&format!("transport {{ {PROXIES}  forwarded {forwarded} }}\n{COUNTED}"));
            for name in ["x-forwarded-for", "x-forwarded-proto", "forwarded"] {
                counted(&gate, name, &lines);
            }
        }
    }
}
