//! CSRF: origins, tokens, and the cookies of both. Each snapshot shows requests and their outcomes.

use jsonwebtoken::Algorithm;
use portcullis::Gate;
use serde_json::{Value, json};

use crate::support::exchange::{NOW, now};
use crate::support::{decide, gate, header, secret, sign, snapshot};

const CALLERS: &str = "secret KEY, CSRF\n\
                       token access { algorithm HS256  key KEY  claims { sub: string } }\n\
                       user from access { id = claims.sub }";

/// A policy after declarations of callers.
#[track_caller]
fn gate_with_callers(text: &str) -> Gate {
    gate(&format!("{CALLERS}\n{text}"))
}

/// Compares requests with their outcomes: status and code. Snapshots name bearer tokens, and don't show them.
#[track_caller]
fn check(name: &str, gate: &Gate, requests: &[Value]) {
    let line = |request: &Value| {
        let mut signed = request.clone();
        if request["headers"]["authorization"] == "a good token" {
            let token = sign(Algorithm::HS256, &json!({ "sub": "u1", "exp": NOW + 900 }), secret("KEY"));
            signed["headers"]["authorization"] = json!(format!("Bearer {token}"));
        }
        let decision = decide(gate, &signed);
        let code = decision["reason"]["code"].as_str().unwrap();
        format!("{request}\n    {} {code}", decision["status"])
    };
    let lines: Vec<String> = requests.iter().map(line).collect();
    snapshot!(format!("csrf_{name}"), lines.join("\n"));
}

fn request(method: &str, url: &str, headers: Value) -> Value {
    json!({ "method": method, "url": format!("https://api.example.com{url}"), "headers": headers })
}

#[test]
fn origins() {
    let gate = gate_with_callers(
        "cors { origins \"https://blog.example.com\" }\ncors partner { origins \"https://partner.example\" }\n\
         cors open { origins \"*\" }\ncsrf { }\n\
         routes / { csrf  GET /a public  POST /a public no body  POST /partner public no body cors partner\n\
           POST /open public no body cors open  POST /none public no body no cors  POST /free public no body no csrf }",
    );
    let (own, blog, evil) = ("https://api.example.com", "https://blog.example.com", "https://evil.example");
    let mut requests = Vec::new();
    for headers in [
        json!({}),
        json!({ "sec-fetch-site": "same-origin" }),
        json!({ "sec-fetch-site": "none" }),
        json!({ "sec-fetch-site": "same-site" }),
        json!({ "sec-fetch-site": "cross-site" }),
        json!({ "sec-fetch-site": "nonsense" }),
        json!({ "sec-fetch-site": "same-origin", "origin": evil }),
        json!({ "sec-fetch-site": "same-site", "origin": blog }),
        json!({ "sec-fetch-site": "cross-site", "origin": own }),
        json!({ "sec-fetch-site": "cross-site", "origin": evil }),
        json!({ "sec-fetch-site": ["same-origin", "same-origin"] }),
        json!({ "origin": own }),
        json!({ "origin": "https://api.example.com:443" }),
        json!({ "origin": "http://api.example.com" }),
        json!({ "origin": "https://evil.example@api.example.com" }),
        json!({ "origin": blog }),
        json!({ "origin": evil }),
        json!({ "origin": "null" }),
        json!({ "origin": "https://partner.example" }),
        json!({ "origin": [own, own] }),
    ] {
        requests.push(request("POST", "/a", headers));
    }
    requests.push(request("GET", "/a", json!({ "origin": evil })));
    requests.push(request("GET", "/a", json!({ "origin": evil, "upgrade": "websocket" })));
    requests.push(request("POST", "/partner", json!({ "origin": "https://partner.example" })));
    requests.push(request("POST", "/partner", json!({ "origin": blog })));
    requests.push(request("POST", "/open", json!({ "origin": evil })));
    requests.push(request("POST", "/none", json!({ "origin": blog })));
    requests.push(request("POST", "/free", json!({ "origin": evil })));
    check("origins", &gate, &requests);
}

#[test]
fn ambient_credentials() {
    let gate = gate_with_callers(
        "csrf { secret CSRF  session cookie \"session\"  header \"x-csrf\"  lifetime 1h }\n\
         cookie \"handlers-own\" { secure }\nroutes / { csrf  POST /a authenticated no body  POST /b public no body }",
    );
    let token = "a good token";
    let requests = [
        request("POST", "/a", json!({ "authorization": token })),
        request("POST", "/a", json!({ "authorization": token, "cookie": "other=1" })),
        request("POST", "/a", json!({ "authorization": token, "cookie": "session=1" })),
        request("POST", "/a", json!({ "authorization": token, "cookie": "other=1; handlers-own=2" })),
        request("POST", "/a", json!({ "authorization": token, "cookie": ["other=1", "handlers-own=2"] })),
        request("POST", "/a", json!({ "authorization": token, "cookie": "session" })),
        request("POST", "/a", json!({ "authorization": token, "cookie": "session=1; session=2" })),
        request("POST", "/b", json!({})),
        request("POST", "/b", json!({ "authorization": token })),
        request("POST", "/b", json!({ "authorization": "Bearer bad" })),
    ];
    check("ambient", &gate, &requests);
}

/// Compares the attributes of the `Set-Cookie` that issues a new session.
#[track_caller]
fn check_cookie(block: &str, name: &str, expected: &str) {
    let csrf = format!("csrf {{ secret CSRF  session cookie \"{name}\"  header \"x-csrf\"  lifetime 1h }}");
    let gate = gate_with_callers(&format!("{csrf}\n{block}\nroutes / {{ GET /csrf public issues csrf }}"));
    let decision = decide(&gate, &request("GET", "/csrf", json!({})));
    let cookie = header(&decision, "set-cookie").unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap_or((cookie, ""));
    assert_eq!((pair.split_once('=').unwrap().0, attributes), (name, expected));
}

#[test]
fn session_cookies() {
    check_cookie("", "sid", "HttpOnly; SameSite=Lax; Secure; Path=/");
    check_cookie("", "__Host-session", "HttpOnly; SameSite=Lax; Secure; Path=/");
    check_cookie("cookie \"other\" { }", "sid", "HttpOnly; SameSite=Lax; Secure; Path=/");
    check_cookie("cookie \"sid\" { }", "sid", "");
    check_cookie(
        "cookie \"__Host-s\" { secure  path \"/\"  same_site strict }",
        "__Host-s",
        "SameSite=Strict; Secure; Path=/",
    );
    check_cookie(
        "cookie \"sid\" { http_only secure partitioned same_site none path \"/app\" domain \"Example.com\" max_age 1h }",
        "sid",
        "HttpOnly; SameSite=None; Partitioned; Secure; Path=/app; Domain=example.com; Max-Age=3600",
    );
}

#[test]
fn a_policy_without_tokens_issues_none() {
    let gate = gate_with_callers("csrf { applies always }");
    assert!(gate.csrf_token("session", now(), &[7; 32]).is_none());
}
