//! Allocations of a decision: none where a request without a body, a token or a limit is allowed, and none where it is
//! denied before that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

#[allow(dead_code, unused_imports, unused_macros, reason = "the other tests use more of it")]
mod support;

#[path = "allocation/counting.rs"]
mod counting;

use counting::allocations;
use portcullis::{Decision, User};

use support::exchange::{Call, document, status};
use support::gate;

const POLICY: &str = r#"
policy p

secret TOKENS
token access { algorithm HS256  key TOKENS  issuer "i"  audience "a"  lifetime 15m  claims { sub: string  roles: [string] } }
user from access { id = claims.sub  roles = claims.roles }

resource posts { actions read, write }
role reader { allow posts:read }
role writer extends reader { allow posts:write }

transport { hosts "api.example.com", "*.example.org"  proxies 203.0.113.0/24, 2001:db8::/32 }
cors { origins "https://app.example.com", "https://*.example.net"  headers "accept"  credentials  expose "ETag" }
cors any { origins "*" }
csrf { }
headers { preset api  Vary "Accept-Encoding"  X-Frame-Options "DENY" }

routes / {
  GET  /                          public
  GET  /health                    public
  GET  /any                       public  cors any
  GET  /bare                      public  no cors  no headers
  GET  /.well-known/security.txt  public
  GET  /posts/{id: int}           public
  GET  /posts/{id: int}/{slug}    public
  GET  /ids/{id: uuid}            public
  GET  /files/{*path}             public
  POST /ping                      public  no body  csrf
  GET  /me                        authenticated
  GET  /mine/{id}                 requires posts:read
  PUT  /mine/{id}                 requires posts:write  no body  csrf
}
"#;

/// Compares the status of a decision, and the number of its allocations.
#[track_caller]
fn check(line: &str, headers: &[(&str, &str)], user: Option<&User>, expected: (u16, usize)) {
    check_by(POLICY, line, headers, user, expected);
}

#[track_caller]
fn check_by(policy: &str, line: &str, headers: &[(&str, &str)], user: Option<&User>, expected: (u16, usize)) {
    let gate = gate(policy);
    let call = Call::new(line).headers(headers).user(user);
    let request = call.request();
    let (decision, allocations) = allocations(|| gate.decide(&request));
    assert_eq!((status(&decision), allocations), expected, "{line} {headers:?}");
}

#[test]
fn it_counts() {
    assert_eq!(allocations(|| String::from("a")).1, 1);
    assert_eq!(allocations(String::new).1, 0);
}

const HOST: (&str, &str) = ("host", "api.example.com");
const BROWSER: [(&str, &str); 9] = [
    ("host", "www.example.org:443"),
    ("accept", "application/json"),
    ("accept-encoding", "gzip, br"),
    ("cookie", "theme=dark; session=abc"),
    ("origin", "https://app.example.com"),
    ("referer", "https://app.example.com/"),
    ("sec-fetch-site", "cross-site"),
    ("user-agent", "Mozilla/5.0"),
    ("x-forwarded-for", "198.51.100.7, 203.0.113.77"),
];

#[test]
fn public_routes() {
    for line in ["GET /", "GET /health", "HEAD /health", "GET /health?a=b&c=%20d", "GET /bare"] {
        for headers in [&[][..], &[HOST], &BROWSER] {
            check(line, headers, None, (200, 0));
        }
    }
    check("GET https://api.example.com/health", &[HOST], None, (200, 0));
}

#[test]
fn path_parameters() {
    for line in [
        "GET /posts/42",
        "GET /posts/42/on-gates",
        "GET /ids/01890a5d-ac96-774b-bcce-b302099a8057",
        "GET /files/a/b/c.txt",
        "GET /.well-known/security.txt",
    ] {
        check(line, &BROWSER, None, (200, 0));
    }
    // A decoded parameter needs memory of its own.
    let gate = gate(POLICY);
    let call = Call::new("GET /files/a%20b").headers(&[HOST]);
    assert_eq!(document(&gate.decide(&call.request()), gate.policy())["input"]["params"]["path"], "a b");
}

#[test]
fn origins() {
    let from = |origin| [HOST, ("origin", origin)];
    for origin in ["https://app.example.com", "https://a.example.net", "https://evil.example", "null"] {
        check("GET /health", &from(origin), None, (200, 0));
        check("GET /any", &from(origin), None, (200, 0));
    }
    // Declared origins may send unsafe methods.
    for origin in ["https://app.example.com", "https://api.example.com"] {
        check("POST /ping", &from(origin), None, (200, 0));
    }
}

#[test]
fn proxies() {
    let forwarded: [(&str, &str); 3] = [
        ("host", "api.example.com"),
        ("forwarded", "for=198.51.100.7;proto=https, for=\"[2001:db8::7]:443\""),
        ("forwarded", "for=203.0.113.8;by=203.0.113.7;host=api.example.com"),
    ];
    let policy = POLICY.replace("proxies", "forwarded forwarded  proxies");
    check_by(&policy, "GET /health", &forwarded, None, (200, 0));
}

#[test]
fn nothing_there() {
    for headers in [&[HOST][..], &BROWSER] {
        check("GET /nowhere", headers, None, (404, 0));
        check("GET /health/", headers, None, (404, 0));
        check("GET /wp-login.php?a=b", headers, None, (404, 0));
        check("DELETE /health", headers, None, (405, 0));
        check("OPTIONS /health", headers, None, (204, 0));
        check("GET /me", headers, None, (401, 0));
    }
    check("GET /health", &[("host", "evil.example")], None, (421, 0));
}

#[test]
fn callers_that_the_host_authenticated() {
    let user = User { id: "mia".to_owned(), roles: Some(vec!["writer".to_owned()]), ..User::default() };
    for line in ["GET /me", "GET /mine/42?a=b", "PUT /mine/42"] {
        check(line, &[HOST], Some(&user), (200, 0));
        check(line, &BROWSER, Some(&user), (200, 0));
    }
}

/// A decision that owns its parts equals the one that borrows them.
#[test]
fn into_owned() {
    let gate = gate(POLICY);
    let mia = User { id: "mia".to_owned(), roles: Some(vec!["writer".to_owned()]), ..User::default() };
    for line in ["GET /mine/42?a=b", "GET /files/a/b", "GET /nowhere", "DELETE /health", "GET /me"] {
        for user in [Some(&mia), None] {
            let call = Call::new(line).headers(&BROWSER).user(user);
            let decision = gate.decide(&call.request());
            let owned: Decision<'_, 'static> = decision.clone().into_owned();
            assert_eq!(owned, decision);
            let printed = format!("{decision:?}");
            drop(decision);
            drop(call);
            assert_eq!(format!("{owned:?}"), printed);
        }
    }
}
