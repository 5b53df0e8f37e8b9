//! Further entries of a limit: `skip`, `cost`, `key`, `headers`, `dry_run`, `concurrency` and `lease`, also with unknown
//! facts.

use portcullis::Gate;
use portcullis::limit::BucketState;
use serde_json::{Value, json};

use super::{START, decide, limited};
use crate::support::header;

const RATE: &str = "algorithm token_bucket  key user.id ?? client.ip  rate 10 per 1m";

/// A limit of that rate with further entries.
#[track_caller]
fn with(more: &str) -> Gate {
    limited(&format!("limit l {{ {RATE}  {more} }}"))
}

fn user(attributes: &Value) -> Value {
    let mut user = json!({ "id": "u" });
    user.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    json!({ "user": user })
}

fn status(decision: &Value) -> (u64, &str, &str) {
    let reason = &decision["reason"];
    (decision["status"].as_u64().unwrap(), reason["code"].as_str().unwrap(), reason["stage"].as_str().unwrap())
}

fn told(decision: &Value, name: &str) -> Option<String> {
    header(decision, name).map(str::to_owned)
}

fn remaining(decision: &Value) -> Option<String> {
    told(decision, "x-ratelimit-remaining")
}

const ADMITTED: (u64, &str, &str) = (200, "allowed", "allow");
const UNDECIDED: (u64, &str, &str) = (503, "limit_undecided", "limit");

#[test]
fn the_dearest_cost_that_holds_counts() {
    let gate = with("cost 2  cost 4 when user.heavy ?? false  cost user.weight ?? 1 when true");
    for (attributes, left) in [
        (json!({}), "8"),
        (json!({ "heavy": false }), "8"),
        (json!({ "heavy": true }), "6"),
        // An unknown condition counts as true.
        (json!({ "heavy": "yes" }), "6"),
        (json!({ "heavy": true, "weight": 9 }), "1"),
    ] {
        let decision = decide(&gate, &user(&attributes));
        assert_eq!((status(&decision), remaining(&decision).as_deref()), (ADMITTED, Some(left)), "{attributes}");
    }
    let dear = decide(&gate, &user(&json!({ "weight": 11 })));
    assert_eq!((status(&dear), told(&dear, "retry-after")), ((429, "rate_limited", "limit"), None));
    assert_eq!(dear["reason"]["message"], "the request costs more than the limit `l` ever admits");
}

#[test]
fn a_cost_below_one_denies_whatever_the_limit_says_of_failures() {
    for on_failure in ["deny", "allow"] {
        let gate = with(&format!("cost user.weight ?? 1  on_failure {on_failure}"));
        for weight in [0, -1, i64::MIN] {
            assert_eq!(status(&decide(&gate, &user(&json!({ "weight": weight })))), UNDECIDED);
        }
        let unknown = decide(&gate, &user(&json!({ "weight": "1" })));
        assert_eq!(status(&unknown), if on_failure == "deny" { UNDECIDED } else { ADMITTED });
        assert_eq!(unknown["effects"], json!([]));
    }
}

#[test]
fn only_a_certain_condition_skips() {
    let gate = with("skip when user.heavy ?? false");
    let skipped = decide(&gate, &user(&json!({ "heavy": true })));
    assert_eq!((status(&skipped), remaining(&skipped), &skipped["effects"]), (ADMITTED, None, &json!([])));
    for heavy in [json!(false), json!(null), json!("true")] {
        let charged = decide(&gate, &user(&json!({ "heavy": heavy })));
        assert_eq!(remaining(&charged).as_deref(), Some("9"), "{heavy}");
    }
}

#[test]
fn what_is_unknown_is_a_failure() {
    let key = |on_failure: &str| {
        let text = "limit l { algorithm fixed_window  key user.group ?? \"none\"  rate 10 per 1m  on_failure ";
        decide(&limited(&format!("{text}{on_failure} }}")), &user(&json!({ "group": 7 })))
    };
    assert_eq!(status(&key("deny")), UNDECIDED);
    let passed = key("allow");
    assert_eq!(status(&passed), ADMITTED);
    assert_eq!(passed["notes"][0]["code"], "limit_undecided");
    let tier = limited(
        "tier \"free\" { 1 per 1m }\nlimit l { algorithm fixed_window  key client.ip  tier user.group ?? \"free\" }",
    );
    assert_eq!(status(&decide(&tier, &user(&json!({ "group": "platinum" })))), UNDECIDED);
    assert_eq!(status(&decide(&tier, &user(&json!({})))), ADMITTED);
}

#[test]
fn a_limit_that_does_not_read_the_user_is_a_guard() {
    let gate = limited("limit l { algorithm fixed_window  key client.ip  rate 1 per 1m }");
    let first = decide(&gate, &json!({}));
    let effect = &first["effects"][0];
    let next = json!({ "facts": { "buckets": { effect["id"].as_str().unwrap(): effect["state"] } } });
    assert_eq!(status(&decide(&gate, &next)), (429, "rate_limited", "guard"));
    let nowhere = json!({ "peer": null });
    assert_eq!(status(&decide(&gate, &nowhere)), (503, "limit_undecided", "guard"));
}

#[test]
fn a_condition_on_the_user_waits_for_the_user() {
    let gate =
        limited("limit l { algorithm fixed_window  key client.ip  rate 1 per 1m  skip when user.heavy ?? false }");
    let first = decide(&gate, &json!({}));
    let effect = &first["effects"][0];
    let mut next = user(&json!({ "heavy": true }));
    next["facts"] = json!({ "buckets": { effect["id"].as_str().unwrap(): effect["state"] } });
    assert_eq!(status(&decide(&gate, &next)), ADMITTED);
    next["user"]["heavy"] = json!(false);
    assert_eq!(status(&decide(&gate, &next)), (429, "rate_limited", "limit"));
}

#[test]
fn a_dry_run_counts_and_reports_and_never_denies() {
    let gate = with("dry_run  cost user.weight ?? 1");
    let counted = decide(&gate, &user(&json!({ "weight": 9 })));
    assert_eq!((status(&counted), remaining(&counted)), (ADMITTED, None));
    let effect = &counted["effects"][0];
    let mut next = user(&json!({ "weight": 9 }));
    next["facts"] = json!({ "buckets": { effect["id"].as_str().unwrap(): effect["state"] } });
    for (weight, code) in [(json!(9), "rate_limited"), (json!("9"), "limit_undecided"), (json!(0), "limit_undecided")] {
        next["user"]["weight"] = weight;
        let decision = decide(&gate, &next);
        assert_eq!((status(&decision), &decision["effects"]), (ADMITTED, &json!([])));
        assert_eq!(decision["notes"][0]["code"], code);
        assert_eq!((remaining(&decision), told(&decision, "retry-after")), (None, None));
    }
}

#[test]
fn clients_are_told_in_the_dialects_of_the_limit() {
    let names = |more: &str| -> Vec<String> {
        let decision = decide(&with(more), &json!({}));
        let headers = decision["headers"].as_array().unwrap().iter();
        headers.map(|pair| format!("{}: {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect()
    };
    let legacy = ["x-ratelimit-limit: 10", "x-ratelimit-remaining: 9", "x-ratelimit-reset: 1795392006"];
    let standard = ["ratelimit-policy: \"l\";q=10;w=60", "ratelimit: \"l\";r=9;t=6"];
    assert_eq!(names("headers legacy"), legacy);
    assert_eq!(names("headers standard"), standard);
    assert_eq!(names("headers both"), [legacy.as_slice(), &standard].concat());
    assert_eq!(names(""), [legacy.as_slice(), &standard].concat());
}

/// A bucket's quota is its burst, and its window is the time that the burst takes to refill.
#[test]
fn a_burst_is_told_as_the_quota() {
    let gate = limited("limit l { algorithm token_bucket  key client.ip  rate 10 per 1m burst 15 }");
    let decision = decide(&gate, &json!({}));
    assert_eq!(told(&decision, "ratelimit-policy").as_deref(), Some("\"l\";q=15;w=90"));
    assert_eq!(told(&decision, "ratelimit").as_deref(), Some("\"l\";r=14;t=6"));
}

#[test]
fn addresses_are_counted_by_their_subnet() {
    let id = |more: &str, peer: &str| {
        decide(&with(more), &json!({ "peer": peer }))["effects"][0]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id("", "2001:db8:1:2:3::4"), "p/l/1:17:2001:db8:1:2::/64");
    assert_eq!(id("ipv6_prefix 56", "2001:db8:1:2ff:3::4"), "p/l/1:19:2001:db8:1:200::/56");
    assert_eq!(id("ipv6_prefix 128", "2001:db8::4"), "p/l/1:15:2001:db8::4/128");
    assert_eq!(id("ipv6_prefix 1", "203.0.113.9"), "p/l/1:11:203.0.113.9");
    assert_eq!(id("ipv6_prefix 1", "::ffff:203.0.113.9"), "p/l/1:11:203.0.113.9");
}

/// The bucket states of a decision's effects.
fn kept(decision: &Value) -> Value {
    let effects = decision["effects"].as_array().unwrap().iter().filter(|effect| effect["kind"] == "bucket");
    let states = effects.map(|effect| (effect["id"].as_str().unwrap().to_owned(), effect["state"].clone()));
    Value::Object(states.collect())
}

#[test]
fn so_many_run_at_once() {
    let gate = limited("limit l { key user.id ?? client.ip  concurrency 2 timeout 30s }");
    assert!(!gate.policy().warnings().iter().any(|warning| warning.code == "not_running"));
    let mut request = user(&json!({}));
    let mut slots = Vec::new();
    for _ in 0..2 {
        let decision = decide(&gate, &request);
        assert_eq!((status(&decision), remaining(&decision)), (ADMITTED, None));
        let slot = &decision["effects"][1];
        assert_eq!((&slot["kind"], &slot["bucket"]), (&json!("slot"), &json!("p/l/concurrency/0:1:u")));
        slots.push(slot["slot"].as_i64().unwrap());
        request["facts"] = json!({ "buckets": kept(&decision) });
    }
    assert_eq!(slots, [START, START + 1]);
    let refused = decide(&gate, &request);
    assert_eq!(
        (status(&refused), told(&refused, "retry-after").as_deref()),
        ((429, "rate_limited", "limit"), Some("1"))
    );
    assert_eq!(refused["reason"]["message"], "as many requests run as the limit `l` lets run at once");
    assert_eq!((remaining(&refused), &refused["effects"]), (None, &json!([])));
    // After a release, one more may run.
    let bucket = "p/l/concurrency/0:1:u";
    let mut state: BucketState = serde_json::from_value(request["facts"]["buckets"][bucket].clone()).unwrap();
    assert!(state.usage.release(slots[0]) && !state.usage.release(slots[0]));
    request["facts"] = json!({ "buckets": { bucket: serde_json::to_value(state).unwrap() } });
    let decision = decide(&gate, &request);
    assert_eq!((status(&decision), &decision["effects"][1]["slot"]), (ADMITTED, &json!(START + 2)));
    // After a timeout, one more may run.
    request["facts"] =
        json!({ "buckets": { bucket: { "version": 9, "slots": [START - 30_000_000, START - 29_999_999] } } });
    assert_eq!(status(&decide(&gate, &request)), ADMITTED);
    request["facts"] =
        json!({ "buckets": { bucket: { "version": 9, "slots": [START - 29_999_998, START - 29_999_999] } } });
    assert_eq!(status(&decide(&gate, &request)).0, 429);
}

#[test]
fn a_rate_and_what_runs_at_once_are_admitted_together() {
    let gate = with("concurrency 1  cost 3");
    let first = decide(&gate, &user(&json!({})));
    let kinds: Vec<&str> =
        first["effects"].as_array().unwrap().iter().map(|effect| effect["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds, remaining(&first).as_deref()), (vec!["bucket", "bucket", "slot"], Some("7")));
    let mut next = user(&json!({}));
    next["facts"] = json!({ "buckets": kept(&first) });
    let second = decide(&gate, &next);
    assert_eq!((status(&second), &second["effects"]), ((429, "rate_limited", "limit"), &json!([])));
}

#[test]
fn a_lease_is_for_stores_that_are_asked() {
    let request = user(&json!({}));
    let (with, without) = (decide(&with("lease 10"), &request), decide(&with(""), &request));
    assert_eq!((&with["effects"], &with["headers"]), (&without["effects"], &without["headers"]));
}
