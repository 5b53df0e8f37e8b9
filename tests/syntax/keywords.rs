//! Keywords as names: the checker finds declarations whose names are keywords.

use portcullis::permission::Resource;
use portcullis::{User, Verdict};
use serde_json::{Value as Json, json};

use super::names::keywords;
use crate::support::exchange::now;
use crate::support::try_compile;

/// A policy in which every name is `K`.
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
    // Built-in attributes have these names already; `null`, `true` and `false` are values.
    let taken = ["id", "sub", "roles", "tier", "scopes", "token", "null", "true", "false"];
    for word in keywords().iter().filter(|word| !taken.contains(&word.as_str())) {
        check(word);
    }
}

fn check(word: &str) {
    let text = POLICY.replace('K', word);
    let policy = try_compile(&text).unwrap_or_else(|errors| {
        let told: Vec<String> = errors.iter().map(|error| format!("{}: {}", error.code, error.message)).collect();
        panic!("`{word}`: {}\n{text}", told.join("\n"))
    });
    let mia = User { id: "mia".to_owned(), roles: Some(vec![format!("{word}:x")]), ..User::default() };
    let scene = policy.scene(now()).user(&mia).build();
    let verdict = |thing: &Json| {
        policy
            .check(
                &scene,
                policy.permission(&format!("{word}:{word}")).unwrap(),
                thing.as_object().map(Resource::of).as_ref(),
            )
            .verdict()
    };
    let mut thing = json!({});
    thing[word] = json!("mia");
    thing[format!("x{word}")] = json!({ word: true });
    assert_eq!(verdict(&thing), Verdict::Allow, "{text}");
    thing[word] = json!("eve");
    assert_eq!(verdict(&thing), Verdict::Deny, "{text}");
}
