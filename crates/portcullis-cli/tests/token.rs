//! Tokens from outside: `token issue`, `token verify` and `token hash`, and the tokens of cases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Run, folder_of, program};
use tempfile::TempDir;

const POLICY: &str = r#"policy shop
secret KEY, REFRESH, SIGNING
keys PARTNER { jwks "https://id.example.com/jwks.json" }
account { id: string  roles: [string] }
token access { algorithm HS256  key KEY  issuer "shop"  lifetime 15m  claims { sub: string = account.id  roles: [string] = account.roles } }
token refresh { algorithm ES256  key REFRESH  lifetime 7d  carried cookie "refresh"  single_use grace 10s  claims { sub: string = account.id } }
token signed { algorithm PS256  key SIGNING  lifetime 15m  carried header "x-signed"  claims { sub: string } }
token partner { algorithm RS256, ES384  keys PARTNER  lifetime 1h  carried header "x-partner"  claims { sub: string } }
token key { opaque  carried header "x-api-key"  claims { sub: string } }
user from access { id = claims.sub  roles = claims.roles }
user from signed { id = "signed:" + claims.sub }
user from partner { id = "partner:" + claims.sub }
user from key { id = "key:" + claims.sub }
password { algorithm argon2id }
csrf { applies ambient }
routes / {
  GET  /me       authenticated
  POST /refresh  public  csrf  no body  rotates refresh  issues access, refresh
}
"#;
const ACCOUNT: &str = "{ id: mia, roles: [user] }";

impl Run {
    /// The output of a run that succeeded.
    fn good(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// The message of a run that failed. It has no secret.
    fn bad(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        assert!(!self.err.contains("hush"), "{}", self.err);
        self.err
    }
}

fn pem(name: &str) -> Value {
    let path = format!("{}/../../tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    json!({ "pem": fs::read_to_string(path).unwrap() })
}

/// The key ring; `THEIRS` is the partner's.
fn ring() -> Value {
    json!({
        "KEY": { "text": "not a secret: the access tokens of the tests" },
        "REFRESH": pem("p256"), "SIGNING": pem("rsa2048"), "THEIRS": pem("p384"),
    })
}

fn key_set() -> Value {
    let path = format!("{}/../../tests/keys/p384.public.jwk", env!("CARGO_MANIFEST_DIR"));
    json!({ "PARTNER": { "keys": [serde_json::from_str::<Value>(&fs::read_to_string(path).unwrap()).unwrap()] } })
}

/// A folder with `shop.gate`, `keys.json`, `account.yaml`, and the files given.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let ring = ring().to_string();
    let usual = [("shop.gate", POLICY), ("keys.json", &ring), ("account.yaml", ACCOUNT)];
    folder_of(&[&usual, files].concat())
}

/// Runs the program in a folder. The arguments are split at spaces.
fn run(folder: &TempDir, args: &str, stdin: &str) -> Run {
    program(folder.path(), args.split_whitespace(), stdin)
}

const ISSUE: &str = "token issue shop.gate --keys keys.json --now 2026-11-23T10:00:00Z";
const VERIFY: &str = "token verify shop.gate --keys keys.json --now 2026-11-23T10:01:00Z";

#[test]
fn tokens_are_made_for_accounts() {
    let folder = folder(&[]);
    let token = run(&folder, &format!("{ISSUE} access --account account.yaml"), "").good();
    assert_eq!((token.lines().count(), token.matches('.').count()), (1, 2), "{token}");
    let claims = run(&folder, &format!("{VERIFY} access"), &token).good();
    assert_eq!(serde_json::from_str::<Value>(&claims).unwrap(), json!({ "sub": "mia", "roles": ["user"] }));
    let again = run(&folder, &format!("{VERIFY} access {}", token.trim()), "").good();
    assert_eq!(claims, again);
    let late = "token verify shop.gate access --keys keys.json --now 2026-11-23T10:15:00Z";
    assert_eq!(run(&folder, late, &token).bad(1), "error: the token has expired\n");

    let from_stdin = run(&folder, &format!("{ISSUE} access --account -"), ACCOUNT).good();
    assert_ne!(token, from_stdin, "each has its own `jti`");
}

#[test]
fn families_can_be_taken_into_facts() {
    let folder = folder(&[]);
    for says in ["--account account.yaml", r#"--claims {"sub":"mia"}"#] {
        let issued = run(&folder, &format!("{ISSUE} refresh --format json {says}"), "").good();
        let issued: Value = serde_json::from_str(&issued).unwrap();
        assert_eq!(issued["expires"], "2026-11-30T10:00:00Z");
        let family = &issued["family"];
        let request = json!({
            "now": "2026-11-23T11:00:00Z", "method": "POST", "url": "/refresh",
            "headers": { "cookie": format!("refresh={}", issued["token"].as_str().unwrap()) },
            "facts": { "account": { "id": "mia", "roles": [] }, "tokens": { family["id"].as_str().unwrap(): family["state"] } },
        });
        let decided = run(&folder, "decide shop.gate --keys keys.json --request -", &request.to_string());
        assert_eq!(decided.code, Some(0), "{}{}", decided.out, decided.err);
        assert!(decided.out.contains("\"tokens_issued\""), "{}", decided.out);
        assert_eq!(decided.err.matches("note: no `entropy`").count(), 1, "{}", decided.err);
    }
    let access = run(&folder, &format!("{ISSUE} access --format json --account account.yaml"), "").good();
    assert!(serde_json::from_str::<Value>(&access).unwrap().get("family").is_none(), "{access}");
}

#[test]
fn claims_are_what_they_are_told_to_be() {
    let folder = folder(&[]);
    let verified = |claims: &str| {
        let token = run(&folder, &format!("{ISSUE} access --claims {claims}"), "").good();
        run(&folder, &format!("{VERIFY} access"), &token)
    };
    let claims = verified(r#"{"sub":"u1","roles":["admin"]}"#).good();
    assert_eq!(serde_json::from_str::<Value>(&claims).unwrap(), json!({ "sub": "u1", "roles": ["admin"] }));
    assert_eq!(verified(r#"{"sub":"u1"}"#).bad(1), "error: the token lacks a required claim\n");
    assert_eq!(verified(r#"{"sub":"u1","roles":[],"iss":null}"#).bad(1), "error: the token is from another issuer\n");
}

#[test]
fn others_tokens_are_verified_by_facts() {
    let text = "defaults: { now: 2026-11-23T10:00:00Z, keys: keys.json }\ncases: []";
    let facts = json!({ "keys": key_set(), "tokens": {
        "sha256:dc8331bcb2283e89d275a1c2fe66f7bf5ac3163ec1967f149dd7e27906365f0c": { "sub": "k1" }, "sha256:00": null,
    } });
    let folder = folder(&[("shop.cases.yaml", text), ("facts.json", &facts.to_string())]);
    let id = run(&folder, "token hash shop.gate --opaque", "hush\n").good();
    assert_eq!(id.trim(), facts["tokens"].as_object().unwrap().keys().next().unwrap());
    let claims = run(&folder, &format!("{VERIFY} key --facts facts.json"), "hush\n").good();
    assert_eq!(serde_json::from_str::<Value>(&claims).unwrap(), json!({ "sub": "k1" }));
    let unknown = run(&folder, &format!("{VERIFY} key"), "hush\n").bad(1);
    assert!(unknown.starts_with("error: nothing is known of the token\nhelp: others' keys"), "{unknown}");
    let bad = run(&folder, &format!("{VERIFY} partner --facts facts.json"), "hush").bad(1);
    assert_eq!(bad, "error: the token doesn't have three parts\n");
}

#[test]
fn passwords_are_hashed() {
    let folder = folder(&[("none.gate", "policy none")]);
    let hash = run(&folder, "token hash shop.gate", "hush hush\n").good();
    assert!(hash.starts_with("$argon2id$v=19$m=") && hash.ends_with('\n'), "{hash}");
    assert_ne!(hash, run(&folder, "token hash shop.gate", "hush hush\n").good(), "each has its own salt");
    run(&folder, "token hash shop.gate", "hush hush\r\n").good();

    let check = |policy: &str, stdin: &str, problem: &str| {
        let error = run(&folder, &format!("token hash {policy}"), stdin).bad(2);
        assert!(error.contains(problem), "{error}");
    };
    check("none.gate", "hush", "the policy doesn't say how passwords are hashed: add `password");
    check("shop.gate", "", "there is no password on stdin");
    check("shop.gate", "\n", "there is no password on stdin");
    check("shop.gate", "hush\nhush\n", "stdin has more than one line");
    check("shop.gate", &"hush".repeat(1_000), "the password is too long");
    check("shop.gate --opaque", "", "there is no token on stdin");
}

#[test]
fn what_cannot_be_used_is_told_and_not_repeated() {
    let folder =
        folder(&[("list.yaml", "[hush]"), ("bad.yaml", "{ password_hash: [hush] }"), ("some.yaml", "{ id: mia }")]);
    let check = |args: &str, problem: &str| {
        let error = run(&folder, args, "").bad(2);
        assert!(error.contains(problem), "{error}");
    };
    check("token verify shop.gate hush", "the policy declares no such token: it has `access`, `refresh`, ");
    check("token issue shop.gate hush --account account.yaml", "the policy declares no such token");
    check("token issue shop.gate access --account account.yaml", "the key ring lacks the secret `KEY`");
    check("token issue shop.gate access --keys keys.json", "--account <FILE>|--claims <JSON>");
    check(&format!("{ISSUE} access --account account.yaml --claims {{}}"), "cannot be used with");
    check(&format!("{ISSUE} access --account list.yaml"), "an account is a map");
    check(&format!("{ISSUE} access --account bad.yaml"), "`facts.account.password_hash`: must be a string");
    check(&format!("{ISSUE} access --account some.yaml"), "that the claim `roles` of `access` could say");
    check(&format!("{ISSUE} access --claims hush"), "`--claims` isn't JSON, at column 1");
    check(&format!("{ISSUE} access --claims [\"hush\"]"), "`--claims` aren't a map");
    check(&format!("{ISSUE} key --claims {{}}"), "a token `key` is opaque");
    check(&format!("{ISSUE} key --account account.yaml"), "the policy doesn't make tokens `key`");
    check(&format!("{ISSUE} partner --claims {{}}"), "others sign tokens `partner`");
    check(&format!("{VERIFY} access --facts list.yaml"), "`facts`: must be a map");
    check(&format!("{VERIFY} access"), "there is no token on stdin");
}

/// Runs cases, and gives what was printed.
fn cases(cases: &str) -> String {
    let facts = json!({ "keys": key_set(), "account": { "id": "mia", "roles": [] } });
    let text = format!("defaults: {{ now: 2026-11-23T10:00:00Z, keys: keys.json, facts: {facts} }}\ncases:\n{cases}");
    run(&folder(&[("shop.cases.yaml", &text)]), "test .", "").out
}

#[test]
fn every_kind_of_token_can_stand_in_a_case() {
    let out = cases(
        "- { name: a, request: GET /me, token: { kind: access, claims: { sub: mia, roles: [] } }, expect: { user: { id: mia } } }
- { name: b, request: GET /me, token: { kind: signed, claims: { sub: mia } }, expect: { user: { id: 'signed:mia' } } }
- { name: c, request: GET /me, token: { kind: partner, key: THEIRS, algorithm: ES384, header: { kid: p384 }, claims: { sub: m7 } },
    expect: { user: { id: 'partner:m7' } } }
- { name: d, request: GET /me, token: { kind: key, claims: { sub: k1 } }, expect: { user: { id: 'key:k1' } } }
- { name: e, request: GET /me, token: { kind: key, claims: { sub: k1 } },
    facts: { tokens: { 'sha256:e5e9c9a7b8c8dc9a83c7b2b33f2a1f4b': null } }, expect: { user: { id: 'key:k1' } } }
- { name: f, request: POST /refresh, token: { kind: refresh, claims: { sub: mia } }, expect: { code: tokens_issued, effects: [{ id: family, read: 1 }] } }
- { name: g, request: POST /refresh, token: { kind: refresh, claims: { sub: mia, jti: f7.1 } }, expect: { code: tokens_issued, effects: [{ id: f7 }] } }
- { name: h, request: POST /refresh, token: { kind: refresh, claims: { sub: mia } }, repeat: 2, expect: { code: tokens_issued, effects: [] } }
- { name: i, request: { method: POST, url: /refresh, peer: null }, token: { kind: refresh, claims: { sub: mia } }, repeat: 2, expect: { code: token_reused } }
- { name: j, request: POST /refresh, token: { kind: refresh, claims: { sub: mia }, family: rotated }, expect: { code: token_reused } }
- { name: k, request: POST /refresh, token: { kind: refresh, claims: { sub: mia }, family: unknown }, expect: { code: token_unknown } }
- { name: l, request: POST /refresh, token: { kind: refresh, claims: { sub: mia }, family: live }, facts: { tokens: { family: null } }, expect: { code: tokens_issued } }
- { name: m, request: POST /refresh, token: { kind: refresh, claims: { sub: mia } }, facts: { tokens: { family: null } },
    expect: { code: invalid_token, message: there is no such family of tokens } }
",
    );
    assert!(out.ends_with("13 passed, 0 failed\n"), "{out}");
}

#[test]
fn tokens_that_cannot_be_made_are_told() {
    let check = |token: &str, problem: &str| {
        let out = cases(&format!("- {{ name: one, request: GET /me, token: {token}, expect: deny }}\n"));
        assert!(out.starts_with(&format!("FAIL shop  1  one\n       {problem}")), "{out}");
    };
    check("{ kind: access, family: live }", "`token.family`: a token `access` isn't `single_use`");
    check("{ kind: refresh, family: lively }", "`token.family` must be one of `live`, `unknown`, `none`");
    check("{ kind: key, tamper: true }", "`token`: a token `key` is opaque, and isn't signed");
    check("{ kind: partner }", "`token`: others sign `partner`: name a key pair of the key ring with `token.key`");
    check("{ kind: partner, key: THEIRS }", "`token`: the key `THEIRS` makes no such signature");
    check("{ kind: partner, key: MINE }", "`token`: the key ring has no key `MINE`");
}
