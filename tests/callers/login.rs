//! Logins with a password: issued tokens, failures, and accounts that rules forbid.

use portcullis::decision::Effect;
use portcullis::facts::{Account, TokenFact};
use portcullis::inquiry::Question;
use portcullis::value::Known;
use portcullis::{Decision, Facts, Gate, Keys};
use serde_json::{Value, json};

use crate::support::exchange::{
    Call, NOW, answer_body, at, caller_id, code, effects, headers, put_account, put_context, put_token, reason, record,
};
use crate::support::{compile, gate, gate_with};

const POLICY: &str = r#"policy p
secret ACCESS, REFRESH
account { id: string  roles: [string]  name?: string  suspended: bool }
password { algorithm argon2id  memory 7MiB  iterations 5  accept bcrypt }
token access  { algorithm EdDSA  key ACCESS   lifetime 15m  issuer "us"  audience "a", "b"  typ "at+jwt"
  claims { sub: string = account.id  roles: [string] = account.roles  name?: string = account.name  suspended: bool = account.suspended } }
token refresh { algorithm HS256  key REFRESH  lifetime 30d  carried cookie "refresh"  single_use grace 10s
  claims { sub: string = account.id } }
user from access { id = claims.sub  roles = claims.roles  suspended = claims.suspended }
context { risk: int }
resource posts { actions read }
role reader { allow posts:read }
forbid * when user.suspended because "The account is suspended"
forbid * when context.risk >= 90
schema Login { email: string trim lowercase email max 255  password: string bytes 1..2000 secret }
cookie "refresh" { http_only  secure  same_site strict  path "/" }
routes / {
  POST /login    public  body Login  login with password(body.email, body.password)  issues access, refresh
  POST /refresh  public  no body     rotates refresh  issues access, refresh
  POST /logout   public  no body     revokes refresh
  GET  /me       authenticated
}
"#;

const PASSWORD: &str = "correct horse battery staple";

fn door() -> Gate {
    gate_with(POLICY, Keys::new().with_pem("ACCESS", include_str!("../keys/ed25519.pem")))
}

fn account(gate: &Gate, more: Value) -> Account {
    let mut attributes = json!({ "id": "mia", "roles": ["reader"], "suspended": false });
    attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let hash = gate.policy().hash_password(PASSWORD, &[9; 16]).unwrap();
    Account::new(attributes.as_object().unwrap().clone()).with_password_hash(hash)
}

fn facts(account: Known<Account>) -> Facts {
    let mut facts = Facts::default();
    put_account(&mut facts, account);
    put_context(&mut facts, json!({ "risk": 1 }).as_object().cloned());
    facts
}

fn login(email: &str, password: &str) -> Call {
    Call::new("POST /login").json(&json!({ "email": email, "password": password }))
}

fn cookies(decision: &Decision<'_, '_>) -> Vec<String> {
    headers(decision, "set-cookie")
}

#[test]
fn a_login_gets_tokens_that_hold() {
    let gate = door();
    let facts = facts(Known::Value(account(&gate, json!({ "name": "Mia" }))));
    let decision = login(" Mia@Example.com", PASSWORD).decide(&gate, &facts);
    assert_eq!(code(&decision), (200, "tokens_issued"));
    let answer = answer_body(&decision);
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(answer.as_object().unwrap().len(), 3, "the refresh token travels in its cookie: {answer}");
    let [cookie] = &*cookies(&decision) else { panic!("one cookie") };
    let (refresh, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(attributes, " HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=2592000");
    for name in ["cache-control", "pragma"] {
        assert!(headers(&decision, name).iter().any(|value| value.starts_with("no-")));
    }
    let printed = format!("{decision:?}");
    let access = answer["access_token"].as_str().unwrap();
    assert!(!printed.contains(access) && !printed.contains(&refresh[8..]), "{printed}");

    let claims = gate.verify(gate.policy().token("access").unwrap(), access, &Facts::default(), at(NOW)).unwrap();
    assert_eq!(Value::from(claims), json!({ "sub": "mia", "roles": ["reader"], "name": "Mia", "suspended": false }));
    let decision = Call::new("GET /me").bearer(access).decide(&gate, &facts);
    assert_eq!((code(&decision), caller_id(&decision).unwrap()), ((200, "allowed"), "mia"));
    // A refresh token is no access token.
    let [_, sealed] = &*refresh.split('=').collect::<Vec<_>>() else { panic!("{refresh}") };
    assert_eq!(code(&Call::new("GET /me").bearer(sealed).decide(&gate, &facts)), (401, "invalid_token"));
}

#[test]
fn issued_times_are_whole_seconds_of_the_request() {
    let gate = door();
    let facts = facts(Known::Value(account(&gate, json!({}))));
    let issued = |entropy| {
        let decision = Call { entropy: Some([entropy; 32]), ..login("a@b.example", PASSWORD) }.decide(&gate, &facts);
        (answer_body(&decision)["access_token"].clone(), cookies(&decision))
    };
    assert_eq!(issued(1), issued(1), "the same request, the same tokens");
    assert_ne!(issued(1), issued(2), "other random bytes, other tokens");
}

/// A failed login doesn't reveal whether the account exists.
#[test]
fn failures_are_alike() {
    let gate = door();
    let known = account(&gate, json!({}));
    let no_hash = Account::new(known.attributes.clone());
    let answers = [
        login("a@b.example", "another password").decide(&gate, &facts(Known::Value(known.clone()))),
        login("a@b.example", PASSWORD).decide(&gate, &facts(Known::Absent)),
        login("a@b.example", PASSWORD).decide(&gate, &facts(Known::Value(no_hash))),
        login("a@b.example", PASSWORD).decide(&gate, &facts(Known::Value(known.with_password_hash("not a hash")))),
    ];
    for answer in &answers {
        assert_eq!(code(answer), (401, "login_failed"));
        assert_eq!(
            (answer_body(answer), &reason(answer).message),
            (answer_body(&answers[0]), &reason(&answers[0]).message)
        );
        assert!(answer.headers().eq(answers[0].headers()));
        assert!(effects(answer).is_empty() && !format!("{answer:?}").contains(PASSWORD));
    }
}

#[test]
fn who_logs_in_to_nothing_known_is_asked_to_come_back() {
    let gate = door();
    let decision = login("a@b.example", PASSWORD).decide(&gate, &facts(Known::Unknown));
    assert_eq!(code(&decision), (503, "account_unknown"));
    let mut odd = account(&gate, json!({}));
    odd.attributes.remove("roles");
    let decision = login("a@b.example", PASSWORD).decide(&gate, &facts(Known::Value(odd)));
    assert_eq!(code(&decision), (503, "account_incomplete"));
}

#[test]
fn who_would_be_forbidden_everything_gets_nothing() {
    let gate = door();
    let suspended = facts(Known::Value(account(&gate, json!({ "suspended": true }))));
    let decision = login("a@b.example", PASSWORD).decide(&gate, &suspended);
    assert_eq!(code(&decision), (403, "forbidden"));
    assert!(effects(&decision).is_empty());
    let mut risky = facts(Known::Value(account(&gate, json!({}))));
    put_context(&mut risky, json!({ "risk": 95 }).as_object().cloned());
    assert_eq!(code(&login("a@b.example", PASSWORD).decide(&gate, &risky)), (403, "forbidden"));
    put_context(&mut risky, None);
    assert_eq!(code(&login("a@b.example", PASSWORD).decide(&gate, &risky)), (403, "forbidden"), "unknown forbids");
}

#[test]
fn an_old_hash_is_to_be_renewed() {
    let gate = door();
    // bcrypt, cost 5, of "correct horse battery staple".
    let weak = "policy old\npassword { algorithm bcrypt  cost 10 }\nroutes / { GET / public }";
    let hash = compile(weak).hash_password(PASSWORD, &[3; 16]).unwrap();
    let old = account(&gate, json!({})).with_password_hash(hash);
    let decision = login("a@b.example", PASSWORD).decide(&gate, &facts(Known::Value(old.clone())));
    assert_eq!(code(&decision), (200, "tokens_issued"));
    assert!(
        effects(&decision).contains(&Effect::Rehash { login: "a@b.example".to_owned() }),
        "{:?}",
        effects(&decision)
    );
    let long = "x".repeat(73);
    let decision = login("a@b.example", &long).decide(&gate, &facts(Known::Value(old)));
    assert_eq!(code(&decision), (401, "login_failed"), "bcrypt reads 72 bytes");
}

#[test]
fn a_login_asks_step_by_step() {
    let gate = door();
    let facts = facts(Known::Value(account(&gate, json!({}))));
    let (decision, questions) = login("a@b.example", PASSWORD).decide_and_questions(&gate, &facts);
    assert_eq!(code(&decision), (200, "tokens_issued"));
    let kinds: Vec<&str> = questions
        .iter()
        .map(|questions| match questions.as_slice() {
            [Question::Body { max: 1_048_576 }] => "body",
            [Question::Account(_)] => "account",
            [Question::Password(_)] => "password",
            [Question::Context] => "context",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["body", "account", "password", "context"]);
    let printed = format!("{questions:?}");
    assert!(!printed.contains(PASSWORD) && !printed.contains("argon2id$"), "{printed}");
}

#[test]
fn a_refresh_by_cookie_and_a_logout() {
    let gate = door();
    let mut facts = facts(Known::Value(account(&gate, json!({}))));
    let first = login("a@b.example", PASSWORD).decide(&gate, &facts);
    record(&mut facts, &first);
    let refresh = |cookie: &str| Call::new("POST /refresh").header("cookie", cookie).at(NOW + 60);
    let cookie = cookies(&first)[0].split(';').next().unwrap().to_owned();
    let decision = refresh(&cookie).decide(&gate, &facts);
    assert_eq!(code(&decision), (200, "tokens_issued"));
    assert!(cookies(&decision)[0].contains("Max-Age=2591940"), "the family's end stays where it is");
    record(&mut facts, &decision);
    let next = cookies(&decision)[0].split(';').next().unwrap().to_owned();
    let out = Call::new("POST /logout").header("cookie", &next).at(NOW + 70).decide(&gate, &facts);
    assert_eq!((code(&out), answer_body(&out)), ((204, "token_revoked"), json!(null)));
    assert!(cookies(&out)[0].starts_with("refresh=;") && cookies(&out)[0].contains("Max-Age=0"), "{:?}", cookies(&out));
    record(&mut facts, &out);
    assert_eq!(code(&refresh(&next).at(NOW + 80).decide(&gate, &facts)), (401, "invalid_token"));
    assert_eq!(code(&Call::new("POST /logout").decide(&gate, &facts)), (401, "credential_missing"));
}

/// A refresh asks for the account again, and finds it suspended.
#[test]
fn a_refresh_of_the_suspended_is_forbidden_and_spends_nothing() {
    let gate = door();
    let mut facts = facts(Known::Value(account(&gate, json!({}))));
    let first = login("a@b.example", PASSWORD).decide(&gate, &facts);
    record(&mut facts, &first);
    put_account(&mut facts, Known::Value(account(&gate, json!({ "suspended": true }))));
    let cookie = cookies(&first)[0].split(';').next().unwrap().to_owned();
    let decision = Call::new("POST /refresh").header("cookie", &cookie).decide(&gate, &facts);
    assert_eq!(code(&decision), (403, "forbidden"));
    assert!(effects(&decision).is_empty());
}

/// The caller of a rotation may differ from the account of the token: rules read the attributes of the right one.
#[test]
fn a_forbid_is_asked_of_the_caller_that_the_tokens_make() {
    let text = r#"policy p
secret ACCESS, REFRESH
account { id: string  org: { blocked: bool } }
token access  { algorithm HS256  key ACCESS   lifetime 15m  claims { sub: string = account.id  org: { blocked: bool } = account.org } }
token refresh { algorithm HS256  key REFRESH  lifetime 30d  carried body "token"  single_use  claims { sub: string = account.id } }
user from access { id = claims.sub  org = claims.org }
resource posts { actions read }
allow posts:read
forbid * when user.org.blocked
routes / { POST /refresh  authenticated  rotates refresh  issues access, refresh }
"#;
    let gate = gate(text);
    let of = |id: &str, blocked: bool| {
        Account::new(json!({ "id": id, "org": { "blocked": blocked } }).as_object().unwrap().clone())
    };
    let check = |caller: &Account, account: &Account, expected: (u16, &str)| {
        let access = gate.issue(gate.policy().token("access").unwrap(), caller, at(NOW), &[1; 32]).unwrap().text;
        let refresh = gate.issue(gate.policy().token("refresh").unwrap(), account, at(NOW), &[2; 32]).unwrap();
        let (family, state) = refresh.family.unwrap();
        let mut facts = Facts::default();
        put_token(&mut facts, &family, Some(TokenFact::Family(state)));
        put_account(&mut facts, Known::Value(account.clone()));
        let call = Call::new("POST /refresh").bearer(&access).json(&json!({ "token": refresh.text }));
        let decision = call.decide(&gate, &facts);
        assert_eq!(code(&decision), expected);
        assert_eq!(effects(&decision).is_empty(), expected.0 != 200);
    };
    check(&of("a", false), &of("b", false), (200, "tokens_issued"));
    check(&of("a", false), &of("b", true), (403, "forbidden"));
    check(&of("a", true), &of("b", false), (403, "forbidden"));
}

/// A token that would be too long isn't issued, and the login has no effects.
#[test]
fn what_would_be_too_long_is_not_issued() {
    let gate = door();
    let roles: Vec<String> = (0..900).map(|number| format!("role-{number}")).collect();
    let decision =
        login("a@b.example", PASSWORD).decide(&gate, &facts(Known::Value(account(&gate, json!({ "roles": roles })))));
    assert_eq!((code(&decision), effects(&decision).len()), ((503, "account_incomplete"), 0));
}
