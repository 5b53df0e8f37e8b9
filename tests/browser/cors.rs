//! CORS: the origins that may read answers, and preflights. Each snapshot shows requests and their outcomes.

use portcullis::Gate;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{decide, gate, header, snapshot};

/// Compares requests with their outcomes: status, stage, code and the headers of CORS.
#[track_caller]
fn check(name: &str, gate: &Gate, requests: &[Value]) {
    let mut lines = Vec::new();
    for request in requests {
        let decision = decide(gate, request);
        let (stage, code) = (&decision["reason"]["stage"], &decision["reason"]["code"]);
        lines.push(request.to_string());
        lines.push(format!("    {} {} {}", decision["status"], stage.as_str().unwrap(), code.as_str().unwrap()));
        for pair in decision["headers"].as_array().unwrap() {
            let (name, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
            if name.starts_with("access-control-") || ["vary", "allow"].contains(&name) {
                lines.push(format!("    {name}: {value}"));
            }
        }
    }
    snapshot!(format!("cors_{name}"), lines.join("\n"));
}

fn from(method: &str, url: &str, origin: Value) -> Value {
    json!({ "method": method, "url": url, "headers": { "origin": origin } })
}

fn preflight(url: &str, origin: &str, method: &str, headers: Option<&str>) -> Value {
    let mut request = from("OPTIONS", url, json!(origin));
    request["headers"]["access-control-request-method"] = json!(method);
    if let Some(headers) = headers {
        request["headers"]["access-control-request-headers"] = json!(headers);
    }
    request
}

const CALLERS: &str = "secret KEY\n\
                       token access { algorithm HS256  key KEY  claims { sub: string } }\n\
                       user from access { id = claims.sub }\n\
                       resource posts { actions read, write }\nrole writer { allow posts:* }\n\
                       limit once { algorithm sliding_log  key client.ip  rate 1 per 1m }";
const BLOG: &str = "cors {\n\
                      origins     \"https://blog.example.com\", \"https://*.preview.example.com\", \"http://localhost:3000\"\n\
                      headers     \"Authorization\", \"content-type\"\n\
                      expose      \"ratelimit\"\n\
                      credentials\n\
                      max_age     10m\n\
                    }";
const ROUTES: &str = "routes / {\n\
                        GET    /posts       public\n\
                        POST   /posts       requires posts:write  no body\n\
                        DELETE /posts/{id}  requires posts:write\n\
                        GET    /once        public  limit once\n\
                        GET    /raw         public  no cors\n\
                        POST   /raw         public  no body\n\
                        OPTIONS /own        public\n\
                      }";
const GOOD: &str = "https://blog.example.com";

#[test]
fn answers() {
    let gate = gate(&format!("{CALLERS}\n{BLOG}\n{ROUTES}"));
    let full = json!({ "p/once/0:11:203.0.113.9": { "version": 1, "log": [[1_795_428_000_000_000_i64, 1]] } });
    let mut limited = from("GET", "/once", json!(GOOD));
    limited["peer"] = json!("203.0.113.9");
    limited["facts"] = json!({ "buckets": full });
    let mut forbidden = from("POST", "/posts", json!(GOOD));
    forbidden["user"] = json!({ "id": "u1" });
    let requests = [
        json!({ "method": "GET", "url": "/posts" }),
        from("GET", "/posts", json!(GOOD)),
        from("GET", "/posts", json!("http://localhost:3000")),
        from("GET", "/posts", json!("https://a-1.preview.example.com")),
        // A foreign origin isn't denied: the browser keeps the answer from its page.
        from("GET", "/posts", json!("https://evil.example")),
        from("GET", "/posts", json!("null")),
        from("GET", "/posts", json!("")),
        from("GET", "/posts", json!("https://blog.example.com.evil.example")),
        from("GET", "/posts", json!("https://blog.example.com:443")),
        from("GET", "/posts", json!("https://Blog.example.com")),
        from("GET", "/posts", json!("http://blog.example.com")),
        from("GET", "/posts", json!("https://a.b.preview.example.com")),
        from("GET", "/posts", json!("https://.preview.example.com")),
        from("GET", "/posts", json!("https://evil.example/.preview.example.com")),
        from("GET", "/posts", json!("https://preview.example.com")),
        from("GET", "/posts", json!([GOOD, GOOD])),
        // The page may read denials, too.
        from("POST", "/posts", json!(GOOD)),
        forbidden,
        limited,
        from("GET", "/nowhere", json!(GOOD)),
        from("PUT", "/posts", json!(GOOD)),
        from("GET", "//", json!(GOOD)),
        from("OPTIONS", "/posts", json!(GOOD)),
        // Routes may switch CORS off.
        from("GET", "/raw", json!(GOOD)),
        from("POST", "/raw", json!(GOOD)),
    ];
    check("answers", &gate, &requests);
}

#[test]
fn preflights() {
    let gate = gate(&format!("{CALLERS}\n{BLOG}\n{ROUTES}"));
    let mut twice = preflight("/posts", GOOD, "POST", None);
    twice["headers"]["access-control-request-method"] = json!(["POST", "GET"]);
    let mut not_one = preflight("/posts", GOOD, "POST", None);
    not_one["headers"].as_object_mut().unwrap().remove("origin");
    let requests = [
        preflight("/posts", GOOD, "POST", None),
        preflight("/posts", GOOD, "POST", Some("authorization,content-type")),
        preflight("/posts", GOOD, "POST", Some(" Authorization , CONTENT-TYPE,")),
        preflight("/posts", GOOD, "POST", Some("x-other")),
        preflight("/posts", GOOD, "POST", Some("not a name")),
        preflight("/posts", GOOD, "HEAD", None),
        preflight("/posts/42", "https://x.preview.example.com", "DELETE", None),
        preflight("/posts", "https://evil.example", "POST", None),
        preflight("/posts", "null", "POST", None),
        preflight("/posts", GOOD, "PUT", None),
        preflight("/posts", GOOD, "post", None),
        preflight("/posts", GOOD, "", None),
        twice,
        not_one,
        preflight("/nowhere", GOOD, "GET", None),
        // The other method of the path has no CORS: a browser mustn't learn of it here.
        preflight("/raw", GOOD, "POST", None),
        preflight("/raw", GOOD, "GET", None),
        preflight("/own", GOOD, "GET", None),
        preflight("/own", GOOD, "OPTIONS", None),
    ];
    check("preflights", &gate, &requests);
}

#[test]
fn anybody() {
    let gate = gate(
        "cors { origins \"*\"  headers \"*\"  expose \"*\"  methods GET, DELETE }\n\
         routes / { GET /a public  PUT /a public no body  DELETE /a public }",
    );
    let requests = [
        json!({ "method": "GET", "url": "/a" }),
        from("GET", "/a", json!("https://evil.example")),
        from("GET", "/a", json!("null")),
        preflight("/a", "https://evil.example", "DELETE", Some("x-anything")),
        preflight("/a", "https://evil.example", "DELETE", Some("authorization")),
        preflight("/a", "https://evil.example", "PUT", None),
    ];
    check("anybody", &gate, &requests);
}

#[test]
fn blocks_by_name() {
    let gate = gate(
        "cors one { origins \"https://one.example\" }\ncors two { origins \"https://two.example\"  methods GET }\n\
         routes /a { cors one  GET / public  POST / public no body cors two  DELETE / public no cors }\n\
         routes /b { GET / public }",
    );
    let requests = [
        from("GET", "/a", json!("https://one.example")),
        from("GET", "/a", json!("https://two.example")),
        from("POST", "/a", json!("https://two.example")),
        from("DELETE", "/a", json!("https://one.example")),
        from("GET", "/b", json!("https://one.example")),
        from("GET", "/nowhere", json!("https://one.example")),
        from("PUT", "/a", json!("https://one.example")),
        preflight("/a", "https://one.example", "GET", None),
        preflight("/a", "https://two.example", "GET", None),
        preflight("/a", "https://two.example", "POST", None),
        preflight("/a", "https://one.example", "DELETE", None),
        preflight("/b", "https://one.example", "GET", None),
    ];
    check("blocks_by_name", &gate, &requests);
}

/// A preflight is an ordinary OPTIONS in a policy without `cors`.
#[test]
fn none_at_all() {
    let gate = gate("routes / { GET /a public  OPTIONS /b public }");
    let requests = [
        from("GET", "/a", json!(GOOD)),
        preflight("/a", GOOD, "GET", None),
        preflight("/a", GOOD, "DELETE", None),
        preflight("/b", GOOD, "GET", None),
    ];
    check("none_at_all", &gate, &requests);
}

#[test]
fn one_line_lists_all_headers_that_answers_vary_by() {
    let cors = "cors { origins \"https://one.example\" }";
    let routes = "headers all { Vary \"*\" }\nheaders own { Vary \"Accept, Origin\" }\nheaders none { X-A \"b\" }\n\
                  routes / { GET / public  GET /all public headers all  GET /own public headers own  GET /none public headers none }";
    let gate = gate(&format!("{cors}\nheaders {{ Vary \"Accept-Encoding\" }}\n{routes}"));
    let requests = ["/", "/all", "/own", "/none"].map(|url| json!({ "method": "GET", "url": url }));
    check("varies", &gate, &requests);
}

/// Header values of a hostile page, or of a client that is no browser.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "https://",
        "http://",
        "blog.example.com",
        ".preview.example.com",
        "a",
        "*",
        ".",
        ":",
        "443",
        "/",
        "@",
        "null",
        " ",
        ",",
        "GET",
        "POST",
        "authorization",
        "content-type",
        "x-y",
        "é",
        "evil.example",
    ]);
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Only an origin that the policy names may read an answer. The answer repeats it byte by byte.
    #[test]
    fn only_named_origins_read(origin in texts(), method in texts(), names in texts(), options in any::<bool>()) {
        let gate = gate(&format!("{CALLERS}\n{BLOG}\n{ROUTES}"));
        let mut request = preflight("/posts", &origin, &method, Some(&names));
        if !options {
            request["method"] = json!("GET");
        }
        let decision = decide(&gate, &request);
        let allowed = header(&decision, "access-control-allow-origin");
        let label = origin.strip_prefix("https://").and_then(|rest| rest.strip_suffix(".preview.example.com"));
        let named = origin == GOOD
            || origin == "http://localhost:3000"
            || label.is_some_and(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        prop_assert_eq!(allowed, named.then_some(origin.as_str()));
        if decision["status"] == 204 {
            prop_assert!(named && ["GET", "POST"].contains(&method.as_str()), "{decision:#}");
        }
    }
}
