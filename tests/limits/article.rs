//! Limits of the article's policy.

use serde_json::{Value, json};

use crate::support::article::article_and;
use crate::support::exchange::NOW;
use crate::support::{ARTICLE, check, check_article, gate, header_values};

fn get(url: &str) -> Value {
    json!({ "method": "GET", "url": url })
}

#[test]
fn a_limit_with_room() {
    check_article!(
        "a_limit_with_room",
        json!({
            "method": "GET", "url": "/api/posts?page=2", "user": { "id": "u1", "roles": ["user"] },
            "facts": { "buckets": { "article/api/0:2:u1": {
                "version": 4,
                "log": [[(NOW - 61) * 1_000_000, 9], [(NOW - 30) * 1_000_000, 40], [(NOW - 1) * 1_000_000, 2]],
            } } },
        }),
    );
}

#[test]
fn a_limit_used_up() {
    check_article!(
        "a_limit_used_up",
        json!({
            "method": "GET", "url": "/api/posts", "user": { "id": "u1", "roles": ["user"] },
            "facts": { "buckets": { "article/api/0:2:u1": {
                "version": 9, "log": [[(NOW - 30) * 1_000_000, 1], [(NOW - 10) * 1_000_000 + 1, 99]],
            } } },
        }),
    );
}

#[test]
fn an_unknown_address() {
    check_article!("an_unknown_address", json!({ "method": "GET", "url": "/api/posts" }));
}

#[test]
fn a_route_switches_defaults_off_wherever_it_says_so() {
    let rest = "limit other { algorithm sliding_log  key client.ip  rate 1 per 1m }\n\
                routes /z { limit api  GET /one public limit other no limit  GET /two public no limit limit other }";
    let gate = article_and(rest);
    for url in ["/z/one", "/z/two"] {
        let decision = check(&gate, &get(url), 200, "allowed");
        let ids: Vec<&Value> = decision["effects"].as_array().unwrap().iter().map(|effect| &effect["id"]).collect();
        assert_eq!(ids, [&json!("article/other/0:11:203.0.113.9")], "{url}");
    }
}

#[test]
fn headers_speak_of_the_rate_with_the_least_left() {
    let limits = "limit tight { algorithm sliding_log  key client.ip  rate 5 per 1m }\n\
                  limit wide  { algorithm sliding_log  key user.id ?? client.ip  rate 50 per 1m, 500 per 1h }\n\
                  routes /z { GET / public limit wide limit tight }";
    let gate = article_and(limits);
    let decision = check(&gate, &get("/z"), 200, "allowed");
    assert_eq!(header_values(&decision, "ratelimit"), ["\"tight\";r=4;t=60"]);
    assert_eq!(header_values(&decision, "x-ratelimit-limit"), ["5"]);
    assert_eq!(decision["effects"].as_array().unwrap().len(), 2);

    // The guard's limit is charged first, and stays charged; the refusal of the other is what the client hears of.
    let full = json!({ "article/wide/1:11:203.0.113.9": { "version": 9, "log": [[1_795_427_990_000_000_i64, 50]] } });
    let request = json!({ "method": "GET", "url": "/z", "facts": { "buckets": full } });
    let decision = check(&gate, &request, 429, "rate_limited");
    assert_eq!(header_values(&decision, "ratelimit"), ["\"wide\";r=0;t=50"]);
    assert_eq!(header_values(&decision, "retry-after"), ["50"]);
    let ids: Vec<&Value> = decision["effects"].as_array().unwrap().iter().map(|effect| &effect["id"]).collect();
    assert_eq!(ids, [&json!("article/tight/0:11:203.0.113.9")]);
}

#[test]
fn another_tier_forgets_nothing() {
    let text = ARTICLE.replace("{ 100 per 1m }", "{ 100 per 1h }");
    let gate = gate(&text);
    let used_up = json!({ "article/api/0:2:u1": { "version": 1, "log": [[1_795_427_880_000_000_i64, 100]] } });
    let request = |tier: &str, buckets: &Value| {
        json!({ "method": "GET", "url": "/api/posts", "user": { "id": "u1", "roles": ["user"], "tier": tier },
                "facts": { "buckets": buckets } })
    };
    check(&gate, &request("free", &used_up), 429, "rate_limited");
    let after = check(&gate, &request("pro", &used_up), 200, "allowed");
    let effect = &after["effects"][0];
    let carried_over = json!({ effect["id"].as_str().unwrap(): effect["state"] });
    check(&gate, &request("free", &carried_over), 429, "rate_limited");
    assert_eq!(effect["expires"], "2026-11-23T11:00:00Z");
}

#[test]
fn another_tiers_window_locks_nobody_out() {
    let text = ARTICLE.replace("tier \"pro\" ", "tier \"bulk\" { 5 per 30d }\ntier \"pro\" ");
    let ahead = json!({ "article/api/0:2:u1": { "version": 1, "log": [[1_797_156_000_000_000_i64, 100]] } });
    let request = json!({ "method": "GET", "url": "/api/posts", "user": { "id": "u1", "roles": ["user"] },
                          "facts": { "buckets": ahead } });
    let decision = check(&gate(&text), &request, 429, "rate_limited");
    assert!(decision["headers"].as_array().unwrap().contains(&json!(["retry-after", "60"])), "{decision:#}");
}

#[test]
fn what_lies_ahead_of_the_clock_is_kept_until_its_window_ends() {
    let ahead = json!({ "article/api/0:2:u1": { "version": 1, "log": [[1_795_428_030_000_000_i64, 5]] } });
    let request = json!({ "method": "GET", "url": "/api/posts", "user": { "id": "u1", "roles": ["user"] },
                          "facts": { "buckets": ahead } });
    let decision = check(&gate(ARTICLE), &request, 200, "allowed");
    let effect = &decision["effects"][0];
    assert_eq!(effect["state"]["log"], json!([[1_795_428_030_000_000_i64, 6]]));
    assert_eq!(effect["expires"], "2026-11-23T10:01:30Z");
}

#[test]
fn a_refusal_speaks_of_the_rate_that_refuses() {
    let limit = "limit l { algorithm sliding_log  key client.ip  rate 3 per 1s, 10 per 1m }\n\
                 routes /z { GET / public limit l }";
    let log = json!([[1_795_427_990_000_000_i64, 8], [1_795_427_999_900_000_i64, 2]]);
    let buckets = json!({ "article/l/0:11:203.0.113.9": { "version": 1, "log": log } });
    let request = json!({ "method": "GET", "url": "/z", "facts": { "buckets": buckets } });
    let decision = check(&article_and(limit), &request, 429, "rate_limited");
    let headers = decision["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["retry-after", "50"])), "{decision:#}");
    assert!(headers.contains(&json!(["ratelimit", "\"l\";r=0;t=60"])), "{decision:#}");
}
