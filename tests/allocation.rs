//! What a decision costs in memory: nothing, where a request is let in without a body, a token or a limit, and where there
//! is nothing to be let into.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "allocation/counting.rs"]
mod counting;

use counting::allocations;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use portcullis::{Decision, Facts, Gate, Keys, Policy, Request, Scheme, Source, User};

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

fn gate() -> Gate {
    bound(POLICY)
}

fn bound(text: &str) -> Gate {
    let policy = Policy::compile(&[Source::new("p.gate", text)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let secret = "0123456789abcdef0123456789abcdef";
    policy.bind(&Keys::new().with_secret("TOKENS", secret)).unwrap()
}

/// A request of a method to a target, with headers.
fn with_request<T>(
    line: &str,
    headers: &[(&'static str, &'static str)],
    user: Option<&User>,
    then: impl FnOnce(&Request<'_>) -> T,
) -> T {
    let (method, target) = line.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    then(&Request {
        method: &method,
        target,
        scheme: Scheme::Https,
        host: None,
        headers: &map,
        peer: "203.0.113.9".parse().ok(),
        body: Some(b""),
        now: "2026-11-23T10:00:00Z".parse().unwrap(),
        entropy: None,
        user,
        facts: &Facts::default(),
    })
}

/// What a decision comes to, and how often it allocates.
#[track_caller]
fn check(line: &str, headers: &[(&'static str, &'static str)], user: Option<&User>, expected: (u16, usize)) {
    let gate = gate();
    let found = with_request(line, headers, user, |request| {
        let (decision, allocations) = allocations(|| gate.decide(request));
        (decision.status.as_u16(), allocations)
    });
    assert_eq!(found, expected, "{line} {headers:?}");
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
    // What is decoded has to be kept somewhere.
    let gate = gate();
    with_request("GET /files/a%20b", &[HOST], None, |request| {
        assert_eq!(gate.decide(request).input.params.get("path"), Some("a b"));
    });
}

#[test]
fn origins() {
    let from = |origin| [HOST, ("origin", origin)];
    for origin in ["https://app.example.com", "https://a.example.net", "https://evil.example", "null"] {
        check("GET /health", &from(origin), None, (200, 0));
        check("GET /any", &from(origin), None, (200, 0));
    }
    // A page of the policy's own may send what is unsafe.
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
    let gate = bound(&policy);
    let (status, allocations) = with_request("GET /health", &forwarded, None, |request| {
        let (decision, allocations) = allocations(|| gate.decide(request));
        (decision.status.as_u16(), allocations)
    });
    assert_eq!((status, allocations), (200, 0));
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

/// The id, the names of the roles, one of them, and the set of the roles that the policy knows.
const IDENTITY: usize = 0;

#[test]
fn callers_of_the_hosts_own_word() {
    let user = User { id: "mia".to_owned(), roles: Some(vec!["writer".to_owned()]), ..User::default() };
    for line in ["GET /me", "GET /mine/42?a=b", "PUT /mine/42"] {
        check(line, &[HOST], Some(&user), (200, IDENTITY));
        check(line, &BROWSER, Some(&user), (200, IDENTITY));
    }
}

/// What is kept when the request is handed on is the same decision.
#[test]
fn into_owned() {
    let gate = gate();
    let mia = User { id: "mia".to_owned(), roles: Some(vec!["writer".to_owned()]), ..User::default() };
    for line in ["GET /mine/42?a=b", "GET /files/a/b", "GET /nowhere", "DELETE /health", "GET /me"] {
        for user in [Some(&mia), None] {
            let (kept, told) = with_request(line, &BROWSER, user, |request| {
                let decision = gate.decide(request);
                let kept: Decision<'_, 'static> = decision.clone().into_owned();
                assert_eq!(kept, decision);
                (kept, format!("{decision:?}"))
            });
            assert_eq!(format!("{kept:?}"), told);
        }
    }
}
