//! No word is reserved, not even where names are looked up: every keyword can name a thing and be read by that name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;

use portcullis::{Policy, Resource, Source, User, Verdict};
use regex::Regex;
use serde_json::{Value as Json, json};

/// Everything that can have a name is called `K`.
const POLICY: &str = "policy K
secret K
account { K: string  K_x?: int }
token K { algorithm HS256  key K  claims { sub: string = account.K  K?: string  K_x: bool } }
user from K { id = claims.sub  K_ = claims.K  K_x = claims.K_x }
resource K { actions K, K_x  K: string  K_x?: int  xK: { K: bool, K_x?: string } }
context { K: int  K_x?: bool }
condition K_ = resource.K == user.id and resource.xK.K
permissions K = K:[K, K_x]
role K { allow K except K:K_x when K_ }
role \"K:x\" extends K { }
scope \"K\" { allow K }
allow K:K_x when user is K and (resource.K_x ?? 0) < context.K or has(context.K_x) and context.K_x
tier \"K\" { 5 per 1s }
limit K { algorithm token_bucket  key user.K_ ?? client.ip  tier user.tier ?? \"K\" }
schema K { K: string  K_x?: int  check has(K_x) or K != \"\" }
headers K { X-K \"K\" }
routes /K {
  limit K
  headers K
  POST /{K}/K requires K:K  on K(K)  body K  when body.K != params.K
}";

#[test]
fn every_keyword_names_everything() {
    let grammar = include_str!("../grammar/portcullis.pest");
    let words = Regex::new(r#""([a-z][a-z_0-9]+)""#).unwrap();
    let rules = grammar.lines().filter(|line| !line.trim_start().starts_with("//"));
    let found: BTreeSet<&str> =
        rules.flat_map(|line| words.captures_iter(line).map(|found| found.get(1).unwrap().as_str())).collect();
    assert!(found.len() > 130, "{}", found.len());
    // What is built in has its name already, and `null`, `true` and `false` are values.
    let taken = ["id", "sub", "roles", "tier", "scopes", "token", "null", "true", "false"];
    for word in found.into_iter().filter(|word| !taken.contains(word)) {
        check(word);
    }
}

fn check(word: &str) {
    let text = POLICY.replace('K', word);
    let compiled = Policy::compile(&[Source::new("names.gate", &text)]);
    let policy = compiled.unwrap_or_else(|errors| {
        let told: Vec<String> = errors.iter().map(|error| format!("{}: {}", error.code, error.message)).collect();
        panic!("`{word}`: {}\n{text}", told.join("\n"))
    });
    let mia = User { id: "mia".to_owned(), roles: Some(vec![format!("{word}:x")]), ..User::default() };
    let scene = policy.scene(Some(&mia), None, None, jiff::Timestamp::UNIX_EPOCH);
    let verdict = |thing: &Json| {
        policy
            .check(
                &scene,
                policy.permission(&format!("{word}:{word}")).unwrap(),
                thing.as_object().map(Resource::of).as_ref(),
            )
            .verdict
    };
    let mut thing = json!({});
    thing[word] = json!("mia");
    thing[format!("x{word}")] = json!({ word: true });
    assert_eq!(verdict(&thing), Verdict::Allow, "{text}");
    thing[word] = json!("eve");
    assert_eq!(verdict(&thing), Verdict::Deny, "{text}");
}
