//! A decision by questions and answers equals the decision with all facts given beforehand: for blog.gate, with random
//! requests, tokens and facts, some of which are missing.

use portcullis::facts::{Account, TokenFact};
use portcullis::inquiry::{Answer, Inquiry, Question, Step};
use portcullis::value::Known;
use portcullis::{Facts, Gate, Keys};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::exchange::{
    Call, NOW, at, code, put_account, put_context, put_resources, put_token, record, status,
};
use crate::support::{BLOG, gate, gate_with};

fn blog() -> Gate {
    gate_with(BLOG, Keys::new().with_pem("ACCESS_KEY", include_str!("../keys/ed25519.pem")))
}

fn account(roles: &[&str], suspended: bool) -> Account {
    let attributes = json!({ "id": "mia", "roles": roles, "tier": "pro", "suspended": suspended });
    Account::new(attributes.as_object().unwrap().clone())
}

/// A request, and a host's facts.
#[derive(Debug, Clone)]
struct Scene {
    call: &'static str,
    body: Option<Value>,
    role: &'static str,
    suspended: bool,
    credential: Credential,
    context: Option<Value>,
    resource: Option<Option<Value>>,
    knows_account: bool,
    knows_family: bool,
}

#[derive(Debug, Clone, Copy)]
enum Credential {
    None,
    Access,
    Refresh,
    Bad,
}

fn scenes() -> impl Strategy<Value = Scene> {
    let posts = json!({ "title": "Hello", "text": "World", "tags": ["a"] });
    let login = json!({ "email": "mia@example.com", "password": "a long password" });
    let calls = prop_oneof![
        Just(("GET /posts", None)),
        Just(("GET /posts/feed?limit=3", None)),
        Just(("GET /posts/42", None)),
        Just(("PUT /posts/42", Some(posts.clone()))),
        Just(("POST /posts", Some(posts))),
        Just(("POST /posts", Some(json!({ "title": 1 })))),
        Just(("DELETE /posts/42", None)),
        Just(("DELETE /posts/42/comments/7", None)),
        Just(("DELETE /users/7", None)),
        Just(("GET /audit", None)),
        Just(("POST /auth/login", Some(login))),
        Just(("POST /auth/refresh", None)),
        Just(("POST /auth/logout", None)),
        Just(("GET /nowhere", None)),
    ];
    let credential = prop_oneof![
        1 => Just(Credential::None),
        4 => Just(Credential::Access),
        3 => Just(Credential::Refresh),
        1 => Just(Credential::Bad)
    ];
    let context = prop_oneof![
        1 => Just(None),
        1 => Just(Some(json!({}))),
        4 => (any::<bool>(), 0_i64..100).prop_map(|(mfa, risk)| Some(json!({ "mfa": mfa, "risk": risk })))
    ];
    let resource = prop_oneof![
        1 => Just(None),
        1 => Just(Some(None)),
        4 => (prop_oneof![Just("mia"), Just("leo")], prop_oneof![Just("draft"), Just("published"), Just("odd")]).prop_map(
            |(author, status)| Some(Some(json!({
                "author": author, "status": status, "editors": ["leo"], "created": "2026-11-23T09:50:00Z",
            })))
        ),
    ];
    let role = prop_oneof![Just("reader"), Just("writer"), Just("moderator"), Just("admin")];
    (calls, role, any::<bool>(), credential, context, resource, any::<bool>(), any::<bool>()).prop_map(
        |((call, body), role, suspended, credential, context, resource, knows_account, knows_family)| Scene {
            call,
            body,
            role,
            suspended: suspended && role == "writer",
            credential,
            context,
            resource,
            knows_account,
            knows_family,
        },
    )
}

impl Scene {
    fn facts(&self, gate: &Gate) -> (Facts, Call) {
        let mut facts = Facts::default();
        let account = account(&[self.role], self.suspended);
        put_context(&mut facts, self.context.as_ref().map(|context| context.as_object().unwrap().clone()));
        for id in ["posts/42", "comments/7"] {
            if let Some(resource) = &self.resource {
                let resource = resource.as_ref().map(|record| record.as_object().unwrap().clone());
                put_resources(&mut facts, [(id.to_owned(), resource)]);
            }
        }
        let call = Call::new(self.call).header("sec-fetch-site", "same-origin").header("cookie", "__Host-session=s1");
        let csrf = gate.csrf_token("s1", at(NOW), &[4; 32]).unwrap().token;
        let mut call = Call { host: Some("api.example.com".to_owned()), ..call.header("x-csrf-token", &csrf) };
        if let Some(body) = &self.body {
            call = call.json(body);
        }
        match self.credential {
            Credential::None => {}
            Credential::Bad => call = call.bearer("a.b.c"),
            Credential::Access => {
                let issued = gate.issue(gate.policy().token("access").unwrap(), &account, at(NOW), &[5; 32]).unwrap();
                call = call.bearer(&issued.text);
            }
            Credential::Refresh => {
                let issued = gate.issue(gate.policy().token("refresh").unwrap(), &account, at(NOW), &[6; 32]).unwrap();
                call.headers
                    .insert("cookie", format!("__Host-session=s1; __Host-refresh={}", issued.text).parse().unwrap());
                let (family, state) = issued.family.unwrap();
                if self.knows_family {
                    put_token(&mut facts, &family, Some(TokenFact::Family(state)));
                }
            }
        }
        if self.knows_account {
            put_account(&mut facts, Known::Value(account));
        }
        (facts, call)
    }
}

proptest! {
    // A case may hash a password.
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn asked_or_told_it_is_the_same(scene in scenes()) {
        let gate = blog();
        let (mut facts, call) = scene.facts(&gate);
        // `Call::decide` compares the two ways.
        let first = call.decide(&gate, &facts);
        record(&mut facts, &first);
        let again = call.decide(&gate, &facts);
        if code(&first).1 == "tokens_issued" && scene.call == "POST /auth/refresh" {
            prop_assert!(matches!(status(&again), 200 | 401), "within the grace, by the same client");
        }
    }
}

fn is_send<T: Send + 'static>(_: &T) {}

/// An inquiry is `Send` and borrows nothing from the request.
#[test]
fn an_inquiry_owns_what_it_keeps() {
    let gate: &'static Gate = Box::leak(Box::new(blog()));
    let inquiry: Inquiry<'static> = {
        let (facts, call) = Scene {
            call: "PUT /posts/42",
            body: Some(json!({ "title": "Hello", "text": "World" })),
            role: "writer",
            suspended: false,
            credential: Credential::Access,
            context: Some(json!({ "mfa": true, "risk": 1 })),
            resource: None,
            knows_account: true,
            knows_family: true,
        }
        .facts(gate);
        drop(facts);
        let call = Call { body: None, entropy: None, ..call };
        match gate.inquire(&call.request()) {
            Step::Ask(inquiry) => inquiry,
            Step::Decided(decision) => panic!("{decision:?}"),
        }
    };
    is_send(&inquiry);
    assert_eq!(inquiry.questions().len(), 1, "the buckets, all in one");
}

/// A route without a body asks for the body if the host hasn't read the request.
#[test]
fn a_body_that_nobody_announced_is_asked_for() {
    let gate = gate("routes / { GET / public }");
    let check = |body: &'static [u8], expected: u16| {
        let call = Call { body: None, ..Call::new("GET /") };
        let Step::Ask(inquiry) = gate.inquire(&call.request()) else { panic!("it knows nothing of a body") };
        let [asked] = inquiry.questions() else { panic!("{:?}", inquiry.questions()) };
        assert_eq!(asked.question, Question::Body { max: 0 });
        let id = asked.id;
        let Step::Decided(decision) = inquiry.answer([(id, Answer::Body(body.to_owned()))]).unwrap() else {
            panic!("it knows all")
        };
        assert_eq!(status(&decision), expected);
    };
    check(b"", 200);
    check(b"x", 400);
}
