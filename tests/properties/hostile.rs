//! Hostile requests.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use portcullis::limit::{Admission, BucketState, Usage};
use portcullis::reason::Stage;
use portcullis::request::Scheme;
use portcullis::{Facts, User, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;

use super::{GATE, LAYERED, SECOND_GATE, decided};
use crate::support::article::{ACCESS_KEY, REFRESH_KEY, claims, csrf_token, sign};
use crate::support::exchange::{Call, NOW, headers as values, put_bucket, reason, status, target, verdict};

/// Text with bytes changed at random places.
fn mutated(valid: Vec<String>) -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<Index>(), 0_u8..3, any::<u8>()), 0..3);
    (select(valid), changes).prop_map(|(text, changes)| {
        let mut bytes = text.into_bytes();
        for (at, how, byte) in changes {
            let at = at.index(bytes.len() + 1);
            match how {
                0 if at < bytes.len() => bytes[at] = byte,
                1 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}

fn methods() -> impl Strategy<Value = Method> {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"];
    prop_oneof![
        8 => select(known.to_vec()).prop_map(|name| Method::from_bytes(name.as_bytes()).unwrap()),
        1 => "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}".prop_map(|name| Method::from_bytes(name.as_bytes()).unwrap()),
    ]
}

fn targets() -> impl Strategy<Value = String> {
    let paths = ["users", "users/7", "posts", "posts/42", "admin", "me", "health", "csrf", "auth/refresh"];
    let valid: Vec<String> = paths
        .iter()
        .flat_map(|path| [format!("/api/{path}"), format!("https://api.example.com:8443/api/{path}?a=%2e%2e")])
        .collect();
    let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    prop_oneof![
        6 => select(valid.clone()),
        4 => mutated(valid).prop_map(lossy),
        1 => "/api/[a-z/.%;\\\\?#@:0-9]{0,30}",
        1 => any::<String>(),
        1 => (8_000_usize..9_000).prop_map(|length| format!("/{}", "a".repeat(length))),
    ]
}

fn authorizations() -> impl Strategy<Value = Vec<u8>> {
    let bearer = |claims: serde_json::Value, key| format!("Bearer {}", sign(&claims, key));
    let mut valid: Vec<String> =
        ["user", "moderator", "admin"].iter().map(|role| bearer(claims("u1", role, Some("pro")), ACCESS_KEY)).collect();
    valid.push(bearer(claims("u1", "admin", None), REFRESH_KEY));
    valid.push(bearer(json!({ "iss": [], "aud": {}, "exp": 1e300, "iat": -1, "nbf": "x" }), ACCESS_KEY));
    valid.push("Bearer".to_owned());
    valid.push("Basic dTE6cA==".to_owned());
    mutated(valid)
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    let token = csrf_token(&GATE, "s1", std::time::Duration::ZERO);
    let cookies = ["session-id=s1", "session-id=s1; session-id=s2", "a=b; session-id=\"s1\"; =; ;", "session-id"];
    let others = [
        "host",
        "origin",
        "sec-fetch-site",
        "content-type",
        "content-length",
        "upgrade",
        "x-forwarded-for",
        "x-forwarded-proto",
        "access-control-request-method",
        "access-control-request-headers",
        "accept",
        "transfer-encoding",
        "cookie",
        "authorization",
        "x-csrf-token",
    ];
    let values = [
        "application/json",
        "0",
        "5",
        "99999999999",
        "localhost",
        "https://api.example.com:8443",
        "cross-site",
        "null",
        "same-origin",
        "websocket",
        "https",
        "198.51.100.7, 203.0.113.8",
        "POST",
        "chunked",
        "",
    ];
    let named = |name: &'static str, value: BoxedStrategy<Vec<u8>>| {
        value.prop_map(move |value| (HeaderName::from_static(name), value))
    };
    let one = prop_oneof![
        3 => named("authorization", authorizations().boxed()),
        3 => named("cookie", mutated(cookies.map(str::to_owned).to_vec()).boxed()),
        3 => named("x-csrf-token", mutated(vec![token]).boxed()),
        2 => named("content-type", Just(b"application/json".to_vec()).boxed()),
        4 => (select(others.to_vec()), mutated(values.map(str::to_owned).to_vec()))
            .prop_map(|(name, value)| (HeaderName::from_static(name), value)),
        1 => ("[a-z-]{1,20}", vec(any::<u8>(), 0..40))
            .prop_map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), value)),
    ];
    prop_oneof![30 => vec(one.clone(), 0..8), 1 => vec(one, 90..130)].prop_map(|lines| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        headers
    })
}

fn bodies() -> impl Strategy<Value = Option<Vec<u8>>> {
    let refresh = sign(&json!({ "userId": "u1", "iat": NOW, "exp": NOW + 600 }), REFRESH_KEY);
    let valid = vec![
        r#"{ "email": "a@example.com", "password": "Passw0rd!", "name": " New " }"#.to_owned(),
        r#"{ "title": "a", "text": "b" }"#.to_owned(),
        format!(r#"{{ "refreshToken": "{refresh}" }}"#),
        "[".repeat(200),
        r#"{ "title": 1e400, "text": "\ud800", "x": -0, "y": 18446744073709551616 }"#.to_owned(),
    ];
    prop_oneof![
        2 => Just(None),
        2 => Just(Some(Vec::new())),
        6 => mutated(valid).prop_map(Some),
        1 => vec(any::<u8>(), 0..200).prop_map(Some),
    ]
}

fn addresses() -> impl Strategy<Value = Option<IpAddr>> {
    prop_oneof![
        Just(None),
        Just(Some("203.0.113.9".parse().unwrap())),
        Just(Some("::ffff:203.0.113.9".parse().unwrap())),
        any::<[u8; 16]>().prop_map(|bytes| Some(IpAddr::from(bytes))),
    ]
}

fn users() -> impl Strategy<Value = Option<User>> {
    let roles =
        vec(prop_oneof![select(vec!["user", "moderator", "admin", ""]).prop_map(str::to_owned), ".{0,8}"], 0..4);
    let user = ("(u1|.{0,12})", prop::option::of(roles), prop::option::of("(pro|free|.{0,6})")).prop_map(
        |(id, roles, tier)| {
            let attributes = json!({ "email": [1, null], "tier2": {} });
            User { id, roles, tier, scopes: Some(Vec::new()), attributes: attributes.as_object().unwrap().clone() }
        },
    );
    prop::option::weighted(0.6, user)
}

fn facts() -> impl Strategy<Value = Facts> {
    let micro = NOW * 1_000_000;
    let times = prop_oneof![any::<i64>(), micro - 70_000_000..micro + 70_000_000, Just(i64::MIN), Just(i64::MAX)];
    let admissions =
        vec((times, prop_oneof![0_u32..60, any::<u32>()]).prop_map(|(at, cost)| Admission(at, cost)), 0..30);
    let state = (any::<u64>(), admissions).prop_map(|(version, log)| BucketState { version, usage: Usage::Log(log) });
    let ids = ["article/api/0:2:u1", "article/api/1:11:203.0.113.9"].map(str::to_owned).to_vec();
    prop::collection::hash_map(select(ids), state, 0..3).prop_map(|buckets| {
        let mut facts = Facts::default();
        buckets.into_iter().for_each(|(id, state)| put_bucket(&mut facts, &id, state));
        facts
    })
}

fn requests() -> impl Strategy<Value = Call> {
    let times = prop_oneof![
        6 => Just(Timestamp::from_second(NOW).unwrap()),
        1 => Just(Timestamp::MIN),
        1 => Just(Timestamp::MAX),
        1 => (-377_705_000_000_i64..253_402_000_000).prop_map(|second| Timestamp::from_second(second).unwrap()),
    ];
    let schemes = select(vec![Scheme::Http, Scheme::Https]);
    let line = (methods(), targets(), schemes, prop::option::weighted(0.2, ".{0,20}"), headers());
    let rest = (addresses(), bodies(), times, prop::option::of(any::<[u8; 32]>()), users(), facts());
    (line, rest).prop_map(|((method, target, scheme, host, headers), (peer, body, now, entropy, user, facts))| Call {
        method,
        target,
        scheme,
        host,
        headers,
        peer,
        body,
        now,
        entropy,
        user,
        facts,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// No request makes it panic, and the same request gets the same decision, from any gate of the same policy.
    #[test]
    fn decisions_depend_on_the_request_alone(call in requests()) {
        let request = call.request();
        let decision = decided(&GATE, &request);
        prop_assert_eq!(&decision, &decided(&GATE, &request));
        prop_assert_eq!(&decision, &decided(&SECOND_GATE, &request));
    }

    /// Every decision has a reason, the reason's status, the policy's headers, and a canonical target that gets the same
    /// canonical target.
    #[test]
    fn decisions_are_whole(call in requests()) {
        let decision = GATE.decide(&call.request());
        prop_assert_eq!(status(&decision), reason(&decision).code.status().as_u16());
        prop_assert!(values(&decision, "x-frame-options").contains(&"DENY".to_owned()));
        prop_assert_eq!(decision.problem().is_some(), verdict(&decision) == Verdict::Deny);
        if let Some(canonical) = target(&decision) {
            // The canonical target is its own canonical target. An absolute one hid what the headers say of the host.
            let mut forwarded = Call { target: canonical.to_owned(), host: None, ..call.clone() };
            forwarded.headers.remove(http::header::HOST);
            let again = GATE.decide(&forwarded.request());
            prop_assert_eq!(target(&again), Some(canonical));
        } else {
            prop_assert_eq!(reason(&decision).stage, Stage::Transport);
        }
    }
    /// The layers give one `Vary`, only declared origins, HSTS over https alone, and redirections to declared hosts alone.
    #[test]
    fn layers_hold(call in requests()) {
        let request = call.request();
        let decision = LAYERED.decide(&request);
        prop_assert_eq!(decided(&LAYERED, &request), decided(&LAYERED, &request));
        let values = |name: &str| values(&decision, name);
        prop_assert!(values("vary").len() <= 1);
        for origin in values("access-control-allow-origin") {
            prop_assert!(origin.starts_with("https://") && origin.contains(".example.com"), "{}", origin);
        }
        for location in values("location") {
            let own = location.starts_with("https://localhost/") || location.contains(".example.com/");
            prop_assert!(own && location.starts_with("https://"), "{}", location);
            prop_assert!(values("strict-transport-security").is_empty());
        }
        if status(&decision) == 200 {
            prop_assert_eq!(values("strict-transport-security").len(), 1);
        }
    }
}
