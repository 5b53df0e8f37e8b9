//! Tokens of other issuers, verified by JWK sets, and opaque tokens.

use std::sync::LazyLock;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use portcullis::facts::TokenFact;
use portcullis::inquiry::{Answer, AnswerProblem, Inquiry, Question, Step};
use portcullis::keys::KeySet;
use portcullis::{Facts, Gate, Keys};
use serde_json::{Value, json};

use crate::support::exchange::{
    Call, NOW, answer, caller_id, code, header, notes, put_key_set, put_token, reason, status,
};
use crate::support::{gate, gate_with, secret, sign};

const POLICY: &str = r#"policy p
secret OWN
keys PARTNER { jwks "https://id.example/jwks.json" }
token own     { algorithm HS256  key OWN  issuer "us"  claims { sub: string  roles: [string] } }
token partner { algorithm ES256, RS256, PS256  keys PARTNER  issuer "them"  lifetime 1h  claims { sub: string  scope: string } }
token key     { opaque  carried header "x-api-key"  claims { owner: string  exp?: timestamp } }
user from own     { id = claims.sub  roles = claims.roles }
user from partner { id = "them:" + claims.sub  roles = ["admin"]  scopes = claims.scope }
user from key     { id = "key:" + claims.owner  roles = ["reader"] }
resource posts { actions read, write }
role reader { allow posts:read }
role admin extends reader { allow posts:write }
scope "read" { allow posts:read }
routes / {
  GET  /me        authenticated
  GET  /posts     requires posts:read
  POST /posts     requires posts:write  no body
  GET  /scoped    authenticated  scope "read"
  GET  /anybody   public
}
"#;

fn public(jwk: &str, more: Value) -> Value {
    let mut jwk: Value = serde_json::from_str(jwk).unwrap();
    jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    jwk
}

fn p256(kid: &str) -> Value {
    public(include_str!("../keys/p256.public.jwk"), json!({ "kid": kid }))
}

fn rsa(kid: &str) -> Value {
    public(include_str!("../keys/rsa2048.public.jwk"), json!({ "kid": kid }))
}

fn set(keys: &[Value]) -> Facts {
    let mut facts = Facts::default();
    let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    put_key_set(&mut facts, "PARTNER", set);
    facts
}

fn token(algorithm: Algorithm, kid: Option<&str>) -> String {
    let key = match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(include_bytes!("../keys/p256.pem")),
        _ => EncodingKey::from_rsa_pem(include_bytes!("../keys/rsa2048.pem")),
    };
    let header = Header { kid: kid.map(ToOwned::to_owned), ..Header::new(algorithm) };
    let claims = json!({ "iss": "them", "iat": NOW, "exp": NOW + 600, "sub": "u1", "scope": "read other" });
    encode(&header, &claims, &key.unwrap()).unwrap()
}

#[track_caller]
fn check(facts: &Facts, token: &str, expected: (u16, &str)) {
    let gate = gate(POLICY);
    let decision = Call::new("GET /me").bearer(token).decide(&gate, facts);
    assert_eq!(code(&decision), expected, "{:?}", reason(&decision));
}

#[test]
fn a_key_is_selected_by_its_name() {
    let both = set(&[p256("e"), rsa("r")]);
    check(&both, &token(Algorithm::ES256, Some("e")), (200, "allowed"));
    check(&both, &token(Algorithm::RS256, Some("r")), (200, "allowed"));
    check(&both, &token(Algorithm::PS256, Some("r")), (200, "allowed"));
    check(&both, &token(Algorithm::ES256, None), (200, "allowed"));
    check(&both, &token(Algorithm::ES256, Some("r")), (401, "invalid_token"));
    check(&both, &token(Algorithm::ES256, Some("x")), (401, "invalid_token"));
    check(&both, &token(Algorithm::RS384, Some("r")), (401, "invalid_token"));
    check(&set(&[]), &token(Algorithm::ES256, None), (401, "invalid_token"));
}

#[test]
fn what_a_key_is_for_holds() {
    let key = |more: Value| set(&[public(include_str!("../keys/rsa2048.public.jwk"), more)]);
    let rs256 = token(Algorithm::RS256, None);
    check(&key(json!({ "alg": "RS256" })), &rs256, (200, "allowed"));
    check(&key(json!({ "alg": "PS256" })), &rs256, (401, "invalid_token"));
    check(&key(json!({ "use": "sig" })), &rs256, (200, "allowed"));
    check(&key(json!({ "use": "enc" })), &rs256, (401, "invalid_token"));
    check(&key(json!({ "key_ops": ["verify"] })), &rs256, (200, "allowed"));
    check(&key(json!({ "key_ops": ["sign"] })), &rs256, (401, "invalid_token"));
}

#[test]
fn two_keys_of_one_name_are_none() {
    let other = public(include_str!("../keys/p256.public.jwk"), json!({ "kid": "e", "alg": "ES256" }));
    check(&set(&[p256("e"), other]), &token(Algorithm::ES256, Some("e")), (401, "invalid_token"));
    check(&set(&[p256("e"), rsa("e")]), &token(Algorithm::ES256, Some("e")), (200, "allowed"));
    check(&set(&[p256("e"), p256("f")]), &token(Algorithm::ES256, None), (401, "invalid_token"));
}

#[test]
fn private_and_symmetric_keys_of_a_set_verify_nothing() {
    let private = public(include_str!("../keys/p256.jwk"), json!({ "kid": "e" }));
    check(&set(&[private]), &token(Algorithm::ES256, Some("e")), (401, "invalid_token"));
    let oct = json!({ "kty": "oct", "kid": "e", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" });
    check(&set(&[oct]), &token(Algorithm::ES256, Some("e")), (401, "invalid_token"));
}

#[test]
fn keys_that_nobody_knows_are_asked_for() {
    let token = token(Algorithm::ES256, Some("e"));
    check(&Facts::default(), &token, (503, "keys_unknown"));
    let gate = gate(POLICY);
    let (decision, questions) = Call::new("GET /me").bearer(&token).decide_and_questions(&gate, &set(&[p256("e")]));
    assert_eq!(code(&decision), (200, "allowed"));
    let asked = Question::KeySet {
        name: "PARTNER".to_owned(),
        url: "https://id.example/jwks.json".to_owned(),
        key_id: Some("e".to_owned()),
    };
    assert_eq!(questions, [[asked]]);
    // On a public route unknown keys are a note, not a denial.
    let decision = Call::new("GET /anybody").bearer(&token).decide(&gate, &Facts::default());
    assert_eq!((status(&decision), notes(&decision)[0].code.as_str()), (200, "keys_unknown"));
}

#[test]
fn a_ring_may_hold_the_set() {
    let keys = KeySet::parse(json!({ "keys": [p256("e")] }).to_string().as_bytes()).unwrap();
    let gate = gate_with(POLICY, Keys::new().with_key_set("PARTNER", keys));
    let (decision, questions) =
        Call::new("GET /me").bearer(&token(Algorithm::ES256, Some("e"))).decide_and_questions(&gate, &Facts::default());
    assert_eq!((code(&decision), questions.len()), ((200, "allowed"), 0));
}

#[test]
fn scopes_cap_roles() {
    let facts = set(&[p256("e")]);
    let gate = gate(POLICY);
    let token = token(Algorithm::ES256, Some("e"));
    let ask = |call: &str| Call::new(call).bearer(&token).decide(&gate, &facts);
    assert_eq!(code(&ask("GET /posts")), (200, "allowed"));
    assert_eq!(code(&ask("GET /scoped")), (200, "allowed"));
    let decision = ask("POST /posts");
    assert_eq!(code(&decision), (403, "insufficient_scope"));
    let challenge = header(&decision, "www-authenticate").unwrap();
    assert_eq!(challenge, "Bearer error=\"insufficient_scope\"");
    assert_eq!(caller_id(&decision).unwrap(), "them:u1");
}

/// A token of one issuer isn't accepted as another issuer's, whatever key signs it.
#[test]
fn mappings_stay_apart() {
    let ours = |issuer: &str| {
        let claims = json!({ "iss": issuer, "exp": NOW + 600, "sub": "u1", "roles": ["admin"], "scope": "read" });
        sign(Algorithm::HS256, &claims, secret("OWN"))
    };
    let facts = set(&[p256("e")]);
    check(&facts, &ours("us"), (200, "allowed"));
    check(&facts, &ours("them"), (401, "invalid_token"));
    check(&facts, &ours("somebody"), (401, "invalid_token"));
}

#[test]
fn opaque_tokens_are_known_by_their_digests() {
    let gate = gate(POLICY);
    let digest_of = |text: &str| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        digest.as_ref().iter().fold("sha256:".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
    };
    let facts = |fact: Option<TokenFact>| {
        let mut facts = Facts::default();
        put_token(&mut facts, &digest_of("k1"), fact);
        facts
    };
    let claims = |claims: Value| Some(TokenFact::Claims(claims.as_object().unwrap().clone()));
    let ask = |key: &str, facts: &Facts| Call::new("GET /posts").header("x-api-key", key).decide(&gate, facts);
    let known = facts(claims(json!({ "owner": "ci" })));
    let decision = ask("k1", &known);
    assert_eq!((code(&decision), caller_id(&decision).unwrap()), ((200, "allowed"), "key:ci"));
    assert_eq!(code(&ask("k2", &known)), (503, "token_unknown"));
    assert_eq!(code(&ask("k1", &facts(None))), (401, "invalid_token"));
    assert_eq!(code(&ask("k1", &facts(claims(json!({}))))), (401, "invalid_token"));
    assert_eq!(code(&ask("k1", &facts(claims(json!({ "owner": 1 }))))), (401, "invalid_token"));
    let until = |second: i64| facts(claims(json!({ "owner": "ci", "exp": second })));
    assert_eq!(code(&ask("k1", &until(NOW + 1))), (200, "allowed"));
    assert_eq!(code(&ask("k1", &until(NOW))), (401, "invalid_token"));
    let (_, questions) = Call::new("GET /me").header("x-api-key", "k1").decide_and_questions(&gate, &known);
    assert_eq!(questions, [[Question::Token { kind: "key".to_owned(), id: digest_of("k1") }]]);
}

/// An answer that doesn't fit its question is an error, which gives the inquiry back.
#[test]
fn answers_that_do_not_fit_are_errors() {
    let gate = gate(POLICY);
    let facts = set(&[p256("e")]);
    let call = Call::new("GET /me").bearer(&token(Algorithm::ES256, Some("e")));
    let wrong = [
        Answer::Context(serde_json::Map::new()),
        Answer::Resource(None),
        Answer::Charge(Vec::new()),
        Answer::Body(Vec::new()),
        Answer::Token(None),
        Answer::Account(None),
    ];
    let Step::Ask(mut inquiry) = gate.inquire(&call.request()) else { panic!("it needs the key set") };
    let id = inquiry.questions()[0].id;
    for wrong in wrong {
        let kind = wrong.kind();
        let error = inquiry.answer([(id, wrong)]).unwrap_err();
        assert_eq!(*error.problem(), AnswerProblem::WrongKind { id, question: "KeySet", answer: kind });
        assert_eq!(error.to_string(), format!("question 0 is of the kind KeySet, and its answer of the kind {kind}"));
        inquiry = error.into_inquiry();
    }
    let answer_of = |inquiry: &Inquiry<'_>| answer(&inquiry.questions()[0].question, &facts, b"", call.now).unwrap();
    let right = answer_of(&inquiry);
    let error = inquiry.answer([(id, right.clone()), (id, right.clone())]).unwrap_err();
    assert_eq!(*error.problem(), AnswerProblem::AnsweredTwice { id, question: "KeySet" });
    let Step::Decided(decision) = error.into_inquiry().answer([(id, right.clone())]).unwrap() else {
        panic!("it knows all")
    };
    assert_eq!(code(&decision), (200, "allowed"));
    // The id of another inquiry's later question.
    let Step::Ask(other) = gate.inquire(&call.request()) else { panic!("it needs the key set") };
    let Step::Ask(later) = later_inquiry() else { panic!("it needs a second answer") };
    let unknown = later.questions()[0].id;
    let error = other.answer([(unknown, right)]).unwrap_err();
    assert_eq!(*error.problem(), AnswerProblem::UnknownQuestion { id: unknown });
    let (decision, _) = call.inquire(&gate, |_| None);
    assert_eq!(code(&decision), (503, "keys_unknown"));
    let (decision, _) = call.inquire(&gate, |question| answer(question, &facts, b"", call.now));
    assert_eq!(code(&decision), (200, "allowed"));
}

/// The second step of a decision that charges a limit and then needs a resource.
fn later_inquiry() -> Step<'static, 'static> {
    static GATE: LazyLock<Gate> = LazyLock::new(|| {
        gate(
            "resource posts { actions read  open: bool }
             limit l { algorithm fixed_window  key client.ip  rate 2 per 1m }
             routes / { limit l  GET /posts/{id} public when resource.open on posts(id) }",
        )
    });
    let call = Call::new("GET /posts/42");
    let Step::Ask(inquiry) = GATE.inquire(&call.request()) else { panic!("it needs the limit") };
    let [pending] = inquiry.questions() else { panic!("{:?}", inquiry.questions()) };
    let id = pending.id;
    let right = answer(&pending.question, &Facts::default(), b"", call.now).unwrap();
    let error = inquiry.answer([(id, Answer::Charge(Vec::new()))]).unwrap_err();
    assert_eq!(*error.problem(), AnswerProblem::WrongCount { id, charges: 1, outcomes: 0 });
    error.into_inquiry().answer([(id, right)]).unwrap()
}
