//! Proxies: the client's address and scheme by `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded`.

use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis::Gate;
use portcullis::decision::Effect;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::transport::check;
use crate::support::exchange::{Call, effects};
use crate::support::gate;

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
        // A header without a valid address makes the client unknown.
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
        // The client controls everything left of the first untrusted hop.
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
        // A header without a valid address makes the client unknown.
        json!("for=unknown"),
        json!("for=\"_hidden\""),
        json!("proto=https"),
        json!("for=198.51.100.7, for=unknown"),
        json!("for=198.51.100.7, by=10.9.9.9"),
        // A malformed line makes the client unknown, too.
        json!("for=198.51.100.7:4711"),
        json!("for=[2001:db9::7]"),
        json!("for=1.1.1.1;for=198.51.100.7"),
        json!("for=\"1.1.1.1, for=198.51.100.7"),
        json!("for=1.1.1.1;x=\", for=\"198.51.100.7\""),
        json!("for = 198.51.100.7"),
        // A malformed line of the client doesn't affect the proxies' line.
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

/// The client's address in the name of the charged bucket; `None` without one.
fn counted(gate: &Gate, name: &str, lines: &[Vec<u8>]) -> Option<String> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    let call = Call { headers, peer: "10.0.0.1".parse().ok(), ..Call::new("GET /") };
    let decision = gate.decide(&call.request());
    let [Effect::Bucket { id, .. }] = effects(&decision) else { return None };
    id.splitn(3, ':').nth(2).map(ToOwned::to_owned)
}

/// Text that a client may write before its own address.
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

        // The text of the client, its address as the first proxy saw it, and the proxies' addresses.
        let hops: Vec<String> = std::iter::once("198.51.100.7".to_owned()).chain((0..trusted).map(|n| format!("10.1.1.{n}"))).collect();
        let found = counted(&plain, "x-forwarded-for", &written(&text, hops.join(", ")));
        prop_assert_eq!(found.as_deref(), Some("198.51.100.7"));

        let hops: Vec<String> = hops.iter().map(|hop| format!("for=\"{hop}\"")).collect();
        let found = counted(&standard, "forwarded", &written(&text, hops.join(", ")));
        if same_line {
            // A line that the client made malformed gives no address, and never another one.
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
