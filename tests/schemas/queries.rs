//! Query strings, forms and media types.

use serde_json::json;

use super::{decide, outcome, query_strings, route};
use crate::support::exchange::{body_input, document, masked_query, query_input, status, target};
use crate::support::gate;

#[test]
fn queries_are_read_by_type() {
    query_strings(
        "schema A { n?: int 1..9  on?: bool  f?: float  at?: timestamp  for?: duration  from?: ip  kind?: \"a\" | \"b\"  \
         tags: [string trim min 1] max 3 = []  either?: int 1..5 | string min 2  text?: string | null  x?: any }",
        &[
            ("", r#"{"tags":[]}"#),
            ("n=5&on=false&f=1e1", r#"{"n":5,"on":false,"f":10.0,"tags":[]}"#),
            ("at=2026-11-23T12:00:00%2B02:00&for=90m", r#"{"at":"2026-11-23T10:00:00Z","for":"1h30m","tags":[]}"#),
            ("tags=a&n=1&tags=+b+", r#"{"n":1,"tags":["a","b"]}"#),
            ("tags=a", r#"{"tags":["a"]}"#),
            ("either=5", r#"{"tags":[],"either":5}"#),
            ("either=77", r#"{"tags":[],"either":"77"}"#),
            ("either=7", "/either union"),
            ("text=null&x=1", r#"{"tags":[],"text":"null","x":"1"}"#),
            ("text=%C3%A9+%26", r#"{"tags":[],"text":"é &"}"#),
            ("&&n=1&", r#"{"n":1,"tags":[]}"#),
            ("text", r#"{"tags":[],"text":""}"#),
            ("n=01&on=1&f=+1", "/n type, /on type, /f type"),
            ("n=-0", "/n type"),
            ("n=1.0", "/n type"),
            ("n=%2B1", "/n type"),
            ("n=&on=TRUE&f=NaN", "/n type, /on type, /f type"),
            ("f=1e999", "/f type"),
            ("n=1&n=1", "/n duplicate"),
            ("n=1&%6E=2", "/n duplicate"),
            ("either=1&either=2", "/either duplicate"),
            ("x=1&x=2", "/x duplicate"),
            ("tags=a&tags=&tags=b&tags=c", "/tags too_many"),
            ("tags=a&tags=", "/tags/1 too_short"),
            ("kind=c&other=1&at=now", "/at timestamp, /kind one_of, /other unknown_field"),
            ("text=%zz", "query_malformed"),
            ("text=%", "query_malformed"),
            ("%f=1", "query_malformed"),
            ("text=%ff", "query_malformed"),
            ("text=%C3", "query_malformed"),
        ],
    );
    query_strings("schema A open { n?: int }", &[("n=1&m=x&k=1&k=2", r#"{"n":1,"m":"x","k":["1","2"]}"#)]);
    query_strings("schema A strip { n?: int }", &[("n=1&m=x", r#"{"n":1}"#)]);
}

#[test]
fn a_secret_of_the_query_stands_in_no_log() {
    let gate = route("schema A { token: string min 8 secret, page?: int }", "query A no body");
    for (query, expected) in [("token=hunter2hunter2&page=2", 200), ("token=hunter2", 422), ("token=hunter2%", 400)] {
        let decision = decide(&gate, &format!("/?{query}"), "", "");
        assert_eq!(status(&decision), expected);
        assert_eq!(target(&decision), Some(&*format!("/?{query}")));
        let document = document(&decision, gate.policy());
        assert_eq!(document["target"], "/?[secret]");
        assert!(!format!("{decision:?}{document}").contains("hunter2"), "{document:#}");
    }
    let decision = decide(&gate, "/?token=hunter2hunter2&page=2", "", "");
    assert_eq!(query_input(&decision), Some(&json!({ "token": "hunter2hunter2", "page": 2 })));
    assert_eq!(masked_query(&decision), Some(json!({ "token": "[secret]", "page": 2 })));
}

#[test]
fn a_query_without_a_schema_passes_unread() {
    let gate = route("", "no body");
    let decision = decide(&gate, "/?a=%zz&a=1", "", "");
    assert_eq!((status(&decision), query_input(&decision)), (200, None));
}

#[test]
fn a_routes_query_replaces_the_blocks() {
    let text = "schema A { a?: int }\nschema B { b?: int }\n\
                routes / { query A  POST /one public no body  POST /two public no body query B }";
    let gate = gate(text);
    for (target, expected) in [("/one?a=1", 200), ("/one?b=1", 422), ("/two?a=1", 422), ("/two?b=1", 200)] {
        assert_eq!(status(&decide(&gate, target, "", "")), expected, "{target}");
    }
}

#[test]
fn media_types() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let check = |accepts: &str, cases: &[(&str, &str, &str)]| {
        let gate = route(&format!("schema A {{ n: int, tags: [string] = [] {accepts} }}"), "body A");
        for (media_type, body, expected) in cases {
            let decision = decide(&gate, "/", media_type, body);
            assert_eq!(outcome(&decision, body_input(&decision)), *expected, "{accepts}: {media_type}");
        }
    };
    let (json, fine, other) = (r#"{"n":1}"#, r#"{"n":1,"tags":[]}"#, "media_type_unsupported");
    check(
        "",
        &[
            ("application/json", json, fine),
            ("Application/JSON; charset=UTF-8", json, fine),
            ("application/json; charset=latin1", json, other),
            ("application/merge-patch+json", json, other),
            (FORM, "n=1", other),
            ("", json, other),
        ],
    );
    check(
        "accepts \"application/*+json\", \"Text/Csv+json\"",
        &[
            ("application/merge-patch+json", json, fine),
            ("text/csv+json", json, fine),
            ("application/json", json, other),
            ("application/+json", json, other),
            ("text/x+json", json, other),
        ],
    );
    check(
        "accepts \"application/json\", \"application/x-www-form-urlencoded\"",
        &[
            ("application/json", json, fine),
            ("application/json", r#"{"n":"1"}"#, "/n type"),
            (FORM, "n=1&tags=a&tags=b", r#"{"n":1,"tags":["a","b"]}"#),
            ("application/x-www-form-urlencoded; charset=utf-8", "n=1", fine),
            (FORM, "n=1&n=2", "/n duplicate"),
            (FORM, "n=%", "body_malformed"),
            (FORM, "n=1&tags=\u{e9}", r#"{"n":1,"tags":["é"]}"#),
            (FORM, json, "/n required, /{\"n\":1} unknown_field"),
            ("multipart/form-data; boundary=x", "n=1", other),
        ],
    );
}
