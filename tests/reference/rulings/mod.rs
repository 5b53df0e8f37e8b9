//! The sentences of the language's pages, a line each: compared with the reference and with the library.

mod callers;
mod doors;
mod facts;
mod grants;
mod input;
mod logic;
mod operators;
mod tokens;

use serde_json::{Value as Json, json};

use crate::engine::Engine;
use crate::policy::Reference;
use crate::scene::{Outcome, Scene};

pub(crate) const ALLOW: Outcome = Outcome::Allow;
pub(crate) const DENY: Outcome = Outcome::Deny;

pub(crate) fn status(status: u16) -> Outcome {
    Outcome::Status(status)
}

/// Callers, resources and a context: an attribute of each type, and an optional one of each source.
const PRELUDE: &str = r#"policy rulings
secret FIRST_KEY
tier "free" { 10 per 1m }
tier "pro" { 100 per 1m }
token first {
  algorithm HS256  key FIRST_KEY  issuer "first"  audience "api"  lifetime 15m
  claims { sub: string, roles: [string], tier?: string, level?: int, team: string, verified?: bool }
}
user from first {
  id = claims.sub  roles = claims.roles  tier = claims.tier
  level = claims.level  team = claims.team  verified = claims.verified ?? false
}
resource posts {
  actions read, write, delete
  author: string      status: "draft" | "published"   editors: [string]   note?: string   size: int
  created: timestamp  ttl: duration  origin: ip  net: cidr  nets: [cidr]  ratio: float  flag: bool  locked?: bool
  parent: string | null  place: { x: int, tag: string, note?: string }  sizes: [int]
}
resource notes { actions read, write  flag: bool }
context { mfa: bool, risk: int, device?: string }
"#;

/// The defaults of a scene.
fn usual() -> Json {
    json!({
        "ask": "posts:read",
        "user": { "id": "u1", "roles": ["writer"], "team": "red", "verified": true },
        "context": { "mfa": true, "risk": 10 },
        "resource": {
            "id": "p1", "author": "u1", "status": "draft", "editors": ["u2", "u3"], "size": 5,
            "created": "2026-11-23T09:50:00Z", "ttl": "15m", "origin": "10.0.0.1", "net": "10.0.0.0/8",
            "nets": ["192.168.0.0/16", "2001:db8::/32"], "ratio": 0.5, "flag": true, "parent": "p0",
            "place": { "x": 1, "tag": "a" }, "sizes": [1, 2],
        },
        "ip": "10.0.0.1",
        "now": "2026-11-23T10:00:00Z",
    })
}

/// `"-"` takes a key away; maps are merged; everything else replaces.
fn merge(into: &mut Json, change: Json) {
    let (Json::Object(into), Json::Object(change)) = (into, change) else { panic!("a scene is an object") };
    for (key, value) in change {
        match (into.get_mut(&key), value) {
            (_, Json::String(gone)) if gone == "-" => drop(into.shift_remove(&key)),
            (Some(old @ Json::Object(_)), value @ Json::Object(_)) => merge(old, value),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

fn scene(change: Json) -> Scene {
    let mut scene = usual();
    merge(&mut scene, change);
    Scene::read(scene)
}

/// The differences between the expected outcome, the reference and the library.
fn wrong(policy: &str, scene: &Scene, expected: Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let asked = serde_json::to_string(scene).unwrap();
    let reference = Reference::new(policy).answer(scene);
    if reference != expected {
        wrong.push(format!("the reference says {reference:?}, not {expected:?}: {asked}"));
    }
    match Engine::compile(policy) {
        Ok(engine) => {
            let said = engine.answer(scene);
            if said != expected {
                wrong.push(format!("the library says {said:?}, not {expected:?}: {asked}"));
            }
        }
        Err(diagnostics) => {
            let told: Vec<String> = diagnostics.iter().map(|it| format!("{}: {}", it.code, it.message)).collect();
            wrong.push(format!("the library refuses it: {}", told.join("; ")));
        }
    }
    wrong
}

/// Compares outcomes: each line has rules after the prelude, a scene and its outcome.
fn decided<const N: usize>(table: [(&str, Json, Outcome); N]) {
    report(table.into_iter().map(|(rules, change, expected)| {
        (rules.to_owned(), wrong(&format!("{PRELUDE}{rules}\n"), &scene(change), expected))
    }));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worth {
    True,
    False,
    Unknown,
}

/// Compares values: each line has an expression, a scene and the value. A grant detects true, and a `forbid` detects
/// false.
fn worth<const N: usize>(table: [(&str, Json, Worth); N]) {
    worth_under("", table);
}

/// The same with declarations before it.
fn worth_under<const N: usize>(declarations: &str, table: [(&str, Json, Worth); N]) {
    report(table.into_iter().map(|(expression, change, worth)| {
        let roles = "role reader {}\nrole writer extends reader {}\nrole \"org:admin\" extends writer {}";
        let rules = format!("{PRELUDE}{roles}\n{declarations}\nallow posts:read when {expression}\nallow posts:write\nforbid posts:write when {expression}\n");
        (expression.to_owned(), told_apart(&rules, &change, worth))
    }));
}

/// The same for an anonymous caller.
fn worth_to_anyone<const N: usize>(table: [(&str, Worth); N]) {
    report(table.into_iter().map(|(expression, worth)| {
        let rules = format!("{PRELUDE}role reader {{}}\nallow anyone posts:read when {expression}\nallow anyone posts:write\nforbid posts:write when {expression}\n");
        (expression.to_owned(), told_apart(&rules, &json!({ "user": "-" }), worth))
    }));
}

fn told_apart(policy: &str, change: &Json, worth: Worth) -> Vec<String> {
    let mut reading = scene(change.clone());
    reading.ask = "posts:read".to_owned();
    let mut writing = reading.clone();
    writing.ask = "posts:write".to_owned();
    let mut all = wrong(policy, &reading, if worth == Worth::True { ALLOW } else { DENY });
    all.extend(wrong(policy, &writing, if worth == Worth::False { ALLOW } else { DENY }));
    all
}

fn report(lines: impl Iterator<Item = (String, Vec<String>)>) {
    let wrong: Vec<String> = lines
        .filter(|(_, wrong)| !wrong.is_empty())
        .map(|(line, wrong)| format!("{line}\n  {}", wrong.join("\n  ")))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
