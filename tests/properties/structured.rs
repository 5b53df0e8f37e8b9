//! Requests of known parts against a second implementation.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use portcullis::decision::Effect;
use portcullis::limit::{Admission, BucketState, Usage};
use portcullis::{Facts, User, Verdict};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::GATE;
use super::oracle::{Body, Credential, Csrf, ROLES, ROUTES, Sent, Takes, rate, status};
use crate::support::article::{ACCESS_KEY, REFRESH_KEY, claims, csrf_token, sign};
use crate::support::exchange::{self, Call, NOW, caller, effects, put_bucket, put_token, reason, verdict};

const PEER: &str = "203.0.113.9";

fn authorization(sent: &Sent) -> Vec<String> {
    let mut claims = claims("u1", sent.role, sent.tier);
    let mut key = ACCESS_KEY;
    match sent.credential {
        Credential::None | Credential::VouchedFor => return Vec::new(),
        Credential::OtherScheme => return vec!["Basic dTE6cA==".to_owned()],
        Credential::Nonsense => return vec!["Bearer nonsense".to_owned()],
        Credential::NoToken => return vec!["Bearer".to_owned()],
        Credential::Good | Credential::Twice => {}
        Credential::Expired => {
            claims["iat"] = (NOW - 900).into();
            claims["exp"] = NOW.into();
        }
        Credential::NotYet => claims["nbf"] = (NOW + 1).into(),
        Credential::TooLongLived => claims["exp"] = (NOW + 901).into(),
        Credential::WrongKey => key = REFRESH_KEY,
        Credential::WrongIssuer => claims["iss"] = "another-app".into(),
        Credential::WrongAudience => claims["aud"] = json!(["another-api"]),
        Credential::LacksClaim => claims["email"] = Value::Null,
    }
    let line = format!("Bearer {}", sign(&claims, key));
    if sent.credential == Credential::Twice { vec![line.clone(), line] } else { vec![line] }
}

fn forgery(csrf: Csrf) -> Vec<(&'static str, String)> {
    let token = |session: &str, age| ("x-csrf-token", csrf_token(&GATE, session, age));
    let session = || ("cookie", "session-id=s1".to_owned());
    let good = || vec![session(), token("s1", Duration::from_secs(3_599))];
    let with = |name, value: &str| [good(), vec![(name, value.to_owned())]].concat();
    match csrf {
        Csrf::None => Vec::new(),
        Csrf::SessionAlone => vec![session()],
        Csrf::TokenAlone => vec![token("s1", Duration::ZERO)],
        Csrf::Good => good(),
        Csrf::GoodFromHere => with("sec-fetch-site", "same-origin"),
        Csrf::GoodFromElsewhere => with("sec-fetch-site", "cross-site"),
        Csrf::GoodOfForeignOrigin => with("origin", "https://evil.example"),
        Csrf::OtherSession => vec![session(), token("s2", Duration::ZERO)],
        Csrf::Old => vec![session(), token("s1", Duration::from_secs(3_600))],
        Csrf::TwoSessions => with("cookie", "session-id=s2"),
    }
}

fn body(body: Body) -> (&'static str, String) {
    let carried = |claims: Value, key| json!({ "refreshToken": sign(&claims, key) }).to_string();
    let refresh = |exp: i64| json!({ "userId": "u1", "iat": NOW - 600, "exp": exp, "jti": "family.token" });
    let text = match body {
        Body::None => return ("application/json", String::new()),
        Body::NotJson => return ("text/plain", "{}".to_owned()),
        Body::User => json!({ "email": "a@example.com", "password": "Passw0rd!", "name": "New" }).to_string(),
        Body::WeakPassword => json!({ "email": "a@example.com", "password": "password", "name": "New" }).to_string(),
        Body::Post => json!({ "title": "a", "text": "" }).to_string(),
        Body::UntypedPost => json!({ "title": 1, "text": "" }).to_string(),
        Body::KeyTwice => r#"{ "a": 1, "a": 1 }"#.to_owned(),
        Body::RefreshToken => carried(refresh(NOW + 600), REFRESH_KEY),
        Body::OldRefreshToken => carried(refresh(NOW), REFRESH_KEY),
        Body::AccessToken => carried(claims("u1", "user", None), ACCESS_KEY),
        Body::Empty => "{}".to_owned(),
    };
    ("application/json", text)
}

fn sent() -> impl Strategy<Value = Sent> {
    // Good parts are more frequent: otherwise the first layers would deny nearly all requests.
    let credentials =
        prop_oneof![Just(Credential::Good), Just(Credential::VouchedFor), select(Credential::ALL.to_vec()),];
    let csrf = prop_oneof![Just(Csrf::Good), select(Csrf::ALL.to_vec())];
    let bodies = prop_oneof![2 => Just(None), 1 => select(Body::ALL.to_vec()).prop_map(Some)];
    let used = prop_oneof![
        3 => Just(0_u64),
        1 => select(vec![1, 99, 100, 101, 999, 1_000, 9_999, 10_000, u64::MAX]),
    ];
    let tiers = select(vec![None, Some("free"), Some("pro"), Some("enterprise"), Some("platinum")]);
    let who = (select(ROLES.to_vec()), tiers, credentials, prop::bool::weighted(0.9));
    (select(ROUTES.to_vec()), any::<bool>(), who, csrf, bodies, used).prop_map(
        |(route, head, (role, tier, credential, peer_known), csrf, body, used)| {
            let fitting = match route.takes {
                Takes::Nothing => Body::None,
                Takes::User => Body::User,
                Takes::Post => Body::Post,
                Takes::RefreshToken => Body::RefreshToken,
            };
            let body = body.unwrap_or(fitting);
            Sent { route, head: head && route.method == "GET", role, tier, credential, csrf, body, used, peer_known }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A request is allowed only by all layers, and each layer denies with its own status. A limit is charged once, and not at
    /// all if it refuses.
    #[test]
    fn every_layer_has_its_say(sent in sent()) {
        let method = Method::from_bytes(if sent.head { b"HEAD" } else { sent.route.method.as_bytes() }).unwrap();
        let mut headers = HeaderMap::new();
        for line in authorization(&sent) {
            headers.append("authorization", HeaderValue::try_from(line).unwrap());
        }
        for (name, value) in forgery(sent.csrf) {
            headers.append(name, HeaderValue::try_from(value).unwrap());
        }
        let (media_type, body) = body(sent.body);
        headers.append("content-type", HeaderValue::from_static(media_type));
        let user = (sent.credential == Credential::VouchedFor).then(|| User {
            id: "u1".to_owned(),
            roles: Some(vec![sent.role.to_owned()]),
            tier: sent.tier.map(str::to_owned),
            ..User::default()
        });
        let bucket = if sent.credential.holds() { "article/api/0:2:u1" } else { "article/api/1:11:203.0.113.9" };
        let mut facts = Facts::default();
        put_token(&mut facts, "family", None);
        if sent.used > 0 {
            let usage = Usage::Log(vec![Admission((NOW - 59) * 1_000_000, u32::try_from(sent.used).unwrap_or(u32::MAX))]);
            put_bucket(&mut facts, bucket, BucketState { version: 3, usage });
        }
        let call = Call {
            method,
            target: format!("https://api.example.com{}", sent.route.path),
            headers,
            peer: sent.peer_known.then(|| PEER.parse().unwrap()),
            body: Some(body.into_bytes()),
            user,
            facts,
            ..Call::new("GET /")
        };
        let decision = GATE.decide(&call.request());
        prop_assert_eq!(exchange::status(&decision), status(&sent), "{:?}", reason(&decision));
        prop_assert_eq!(verdict(&decision) == Verdict::Deny, status(&sent) != 200);
        prop_assert_eq!(caller(&decision).is_some(), sent.credential.holds());

        let charged = sent.route.limited && !matches!(status(&sent), 429 | 503);
        prop_assert_eq!(effects(&decision).len(), usize::from(charged));
        for effect in effects(&decision) {
            let Effect::Bucket { id, read, state, .. } = effect else { panic!("{effect:?}") };
            prop_assert_eq!(id, bucket);
            prop_assert_eq!(*read, if sent.used > 0 { 3 } else { 0 });
            prop_assert_eq!(state.version, read + 1);
            let Usage::Log(log) = &state.usage else { panic!("{state:?}") };
            prop_assert_eq!(log.iter().map(|admission| u64::from(admission.1)).sum::<u64>(), sent.used + 1);
            let tier = if sent.credential.holds() { sent.tier } else { None };
            prop_assert!(sent.used < rate(tier));
        }
    }
}
