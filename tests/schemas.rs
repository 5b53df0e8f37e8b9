//! Schemas: what input they take, what they hand on, and what they say is wrong with the rest. Each case is a text
//! beside its outcome: the normal form, or the pointers and codes of the violations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use portcullis::document::DecisionDocument;
use portcullis::{Decision, Facts, Gate, Keys, Policy, Request, Scheme, Source};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A gate whose `/` takes a body `A`, and a query `A` where the schema is one for queries.
#[track_caller]
fn gate(schemas: &str, clause: &str) -> Gate {
    let text = format!("policy p\n{schemas}\nroutes / {{ POST / public {clause} }}");
    let policy = Policy::compile(&[Source::new("test.gate", &*text)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    policy.bind(&Keys::new()).unwrap()
}

fn decide<'g>(gate: &'g Gate, target: &str, media_type: &str, body: &str) -> Decision<'g> {
    let mut headers = http::HeaderMap::new();
    if !media_type.is_empty() {
        headers.insert("content-type", media_type.parse().unwrap());
    }
    let facts = Facts::default();
    gate.decide(&Request {
        method: &http::Method::POST,
        target,
        scheme: Scheme::Https,
        host: None,
        headers: &headers,
        peer: None,
        body: Some(body.as_bytes()),
        now: "2026-11-23T10:00:00Z".parse().unwrap(),
        entropy: None,
        user: None,
        facts: &facts,
    })
}

/// The normal form, or what is wrong: `POINTER CODE, …`, or the reason's code alone.
fn outcome(decision: &Decision<'_>, normal: Option<&Value>) -> String {
    if decision.status == 200 {
        return normal.unwrap().to_string();
    }
    let problem = decision.problem().unwrap();
    let told: Vec<String> =
        problem.errors.iter().map(|error| format!("{} {}", error.pointer, error.code).trim().to_owned()).collect();
    if told.is_empty() { problem.code.to_owned() } else { told.join(", ") }
}

#[track_caller]
fn bodies(schemas: &str, cases: &[(&str, &str)]) {
    let gate = gate(schemas, "body A");
    for (body, expected) in cases {
        let decision = decide(&gate, "/", "application/json", body);
        assert_eq!(outcome(&decision, decision.input.body.as_ref()), *expected, "{body}");
        // What is handed on is left as it is.
        if let Some(normal) = &decision.input.body {
            let again = decide(&gate, "/", "application/json", &normal.to_string());
            assert_eq!(again.input.body.as_ref(), Some(normal), "{body}");
        }
    }
}

/// Values of the one field `a`.
#[track_caller]
fn values(ty: &str, cases: &[(&str, &str)]) {
    let cases: Vec<(String, String)> = cases
        .iter()
        .map(|(value, expected)| {
            let expected = match *expected {
                "=" => format!("{{\"a\":{value}}}"),
                wrong if wrong.starts_with(|c: char| c.is_ascii_lowercase()) && wrong != "true" => {
                    format!("/a {wrong}")
                }
                wrong if wrong.starts_with('/') => format!("/a{wrong}"),
                normal => format!("{{\"a\":{normal}}}"),
            };
            (format!("{{\"a\":{value}}}"), expected)
        })
        .collect();
    let cases: Vec<(&str, &str)> = cases.iter().map(|(one, other)| (one.as_str(), other.as_str())).collect();
    bodies(&format!("schema A {{ a: {ty} }}"), &cases);
}

#[track_caller]
fn queries(schemas: &str, cases: &[(&str, &str)]) {
    let gate = gate(schemas, "query A no body");
    for (query, expected) in cases {
        let target = if query.is_empty() { "/".to_owned() } else { format!("/?{query}") };
        let decision = decide(&gate, &target, "", "");
        assert_eq!(outcome(&decision, decision.input.query.as_ref()), *expected, "{query}");
    }
}

#[test]
fn timestamps() {
    values(
        "timestamp",
        &[
            (r#""2026-11-23T10:00:00Z""#, "="),
            (r#""2026-11-23t12:00:00.250+02:00""#, r#""2026-11-23T10:00:00.25Z""#),
            (r#""0000-01-01T00:00:00Z""#, "="),
            (r#""0000-01-01T00:00:00+01:00""#, "timestamp"),
            (r#""9999-12-31T23:59:59-23:00""#, "timestamp"),
            (r#""2026-11-23T10:00Z""#, "timestamp"),
            (r#""2026-11-23 10:00:00Z""#, "timestamp"),
            (r#""2026-11-23T10:00:00""#, "timestamp"),
            (r#""2026-02-29T10:00:00Z""#, "timestamp"),
            (r#""2026-12-31T23:59:60Z""#, "timestamp"),
            (r#""2026-11-23T10:00:00.0123456789Z""#, "timestamp"),
            (r#""2026-11-23T10:00:00Z[UTC]""#, "timestamp"),
            (r#""20261123T100000Z""#, "timestamp"),
            ("1795428000", "type"),
        ],
    );
}

#[test]
fn durations() {
    values(
        "duration",
        &[
            (r#""15m""#, "="),
            (r#""90m""#, r#""1h30m""#),
            (r#""36h""#, r#""1d12h""#),
            (r#""250ms""#, "="),
            (r#""0s""#, "="),
            (r#""0ms""#, r#""0s""#),
            (r#""1d2h3m4s5ms""#, "="),
            (r#""30m1h""#, "duration"),
            (r#""1m1m""#, "duration"),
            (r#""1_000s""#, "duration"),
            (r#""-1s""#, "duration"),
            (r#""1.5h""#, "duration"),
            (r#""15""#, "duration"),
            (r#""""#, "duration"),
            (r#""PT15M""#, "duration"),
            (r#""9223372036854775808ms""#, "duration"),
            (r#""99999999999999999999d""#, "duration"),
            ("900", "type"),
        ],
    );
}

#[test]
fn addresses_and_networks() {
    values(
        "ip",
        &[
            (r#""203.0.113.9""#, "="),
            (r#""2001:DB8:0::1""#, r#""2001:db8::1""#),
            (r#""::ffff:203.0.113.9""#, r#""203.0.113.9""#),
            (r#""203.0.113.09""#, "ip"),
            (r#""203.0.113""#, "ip"),
            (r#""fe80::1%eth0""#, "ip"),
            (r#"" 203.0.113.9""#, "ip"),
        ],
    );
    values(
        "cidr",
        &[
            (r#""10.0.0.0/8""#, "="),
            (r#""2001:DB8::/32""#, r#""2001:db8::/32""#),
            (r#""::ffff:10.0.0.0/104""#, r#""10.0.0.0/8""#),
            (r#""0.0.0.0/0""#, "="),
            (r#""10.0.0.1/8""#, "cidr"),
            (r#""10.0.0.0""#, "cidr"),
            (r#""10.0.0.0/33""#, "cidr"),
            (r#""10.0.0.0/08""#, "cidr"),
            (r#""10.0.0.0/+8""#, "cidr"),
        ],
    );
}

#[test]
fn forms_of_strings() {
    let string = |facet: &str, fine: &[&str], wrong: &[&str]| {
        let quoted: Vec<(String, &str)> = (fine.iter().map(|text| (Value::from(*text).to_string(), "=")))
            .chain(wrong.iter().map(|text| (Value::from(*text).to_string(), facet)))
            .collect();
        let cases: Vec<(&str, &str)> = quoted.iter().map(|(text, expected)| (text.as_str(), *expected)).collect();
        values(&format!("string {facet}"), &cases);
    };
    string(
        "email",
        &["a@example.com", "a.b+c@localhost"],
        &["a@", "@b", ".a@b.c", "a..b@c.d", "a@b@c", "a b@c.d", "a@-b.c"],
    );
    string(
        "url",
        &[
            "https://example.com",
            "HTTP://Example.com:8080/a%20b?c=d#e",
            "http://[2001:db8::1]/",
            "http://203.0.113.9/",
            "https://xn--bcher-kva.example/",
        ],
        &[
            "example.com",
            "//example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "https:example.com",
            "https:/example.com",
            "https:\\\\example.com",
            "https://user@example.com/",
            "https://example.com\\@evil.example/",
            "https://example.com/a b",
            "https://example.com/\n",
            " https://example.com",
            "https://example.com/%zz",
            "https://example.com/a#b#c",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://203.0.113.009/",
            "https://exa%6dple.com/",
            "https://bücher.example/",
            "https://example.com:99999/",
            "https://",
            "https:///path",
        ],
    );
    string("uuid", &["0190d2a0-7b1a-7c3e-8f00-0123456789ab"], &["0190d2a07b1a7c3e8f000123456789ab", "{0190d2a0}"]);
    string("date", &["2026-11-23", "2028-02-29"], &["2026-02-29", "2026-11-23T10:00:00Z", "20261123", "2026-1-2"]);
    string("datetime", &["2026-11-23T10:00:00+02:00", "2026-11-23t10:00:00z"], &["2026-11-23", "2026-11-23 10:00:00Z"]);
    string("ip", &["203.0.113.9", "::1"], &["localhost", "203.0.113.9/32"]);
    string(
        "hostname",
        &["example.com", "localhost", "3com.com", "a.1b"],
        &["", ".", "a.", "-a.b", "a-.b", "a_b.c", "203.0.113.9", "a.1", "a.0x7f", "bücher.example"],
    );
    let label = "a".repeat(64);
    string("hostname", &[&label[1..]], &[&label, &[&label[1..]; 4].join(".")]);
}

#[test]
fn transforms_run_before_checks() {
    values("string trim lowercase email max 13", &[(r#""  A@Example.COM ""#, r#""a@example.com""#)]);
    values("string max 1 nfc", &[(r#""e\u0301""#, "\"\u{e9}\"")]);
    values("string min 2 else \"m\" trim", &[(r#"" a ""#, "too_short")]);
    // A change of case can leave the normal form, whichever facet is written first.
    values("string nfc uppercase", &[("\"\u{390}\"", "\"\u{3aa}\u{301}\"")]);
    values("string trim nfc", &[("\"\u{2003}a\u{2003}\"", "\"a\"")]);
}

#[test]
fn numbers() {
    values("int 1..10 multiple_of 5", &[("5", "="), ("10.0", "10"), ("3", "multiple_of"), ("15", "too_large")]);
    values("float min 0.5", &[("1", "="), ("0.5", "="), ("0.4", "too_small"), ("\"1\"", "type")]);
    values("bool", &[("true", "="), ("1", "type"), ("\"true\"", "type")]);
}

#[test]
fn maps() {
    values(
        "{ string: int min 0 } max 2",
        &[
            ("{}", "="),
            (r#"{"x":1,"y":2.0}"#, r#"{"x":1,"y":2}"#),
            (r#"{"x":-1}"#, "/x too_small"),
            (r#"{"x/y~z":null}"#, "/x~1y~0z type"),
            (r#"{"x":1,"y":2,"z":3}"#, "too_many"),
            ("[]", "type"),
        ],
    );
    let long = "k".repeat(100);
    let cut = format!("/{}… type", "k".repeat(64));
    values("{ string: bool }", &[(&format!("{{\"{long}\":1}}"), &cut)]);
}

#[test]
fn unions() {
    values(
        "int 1..5 | string trim | null",
        &[("3", "="), ("3.0", "3"), ("\" x \"", "\"x\""), ("null", "="), ("7", "union"), ("[]", "union")],
    );
    values("\"all\" | int | \"none\"", &[("\"all\"", "="), ("\"none\"", "="), ("4", "="), ("\"some\"", "union")]);
    // The first that takes the value; what another would make of it doesn't matter.
    bodies(
        "schema Small strip { x: int }\nschema Large { x: int, y: string }\nschema A { v: [Small | Large] }",
        &[
            (r#"{"v":[{"x":1,"y":"z"}]}"#, r#"{"v":[{"x":1}]}"#),
            (r#"{"v":[{"x":1},{"x":"1"},3]}"#, "/v/1 union, /v/2 union"),
        ],
    );
}

#[test]
fn tagged_unions() {
    bodies(
        "schema Card { number: string }\nschema Loose strip { kind: \"loose\" }\n\
         schema A { pay: union on \"kind\" { \"card\": Card, \"iban\": { iban: string, kind?: string }, \"loose\": Loose } }",
        &[
            (r#"{"pay":{"kind":"card","number":"1"}}"#, r#"{"pay":{"kind":"card","number":"1"}}"#),
            (r#"{"pay":{"number":"1","kind":"card"}}"#, r#"{"pay":{"kind":"card","number":"1"}}"#),
            (r#"{"pay":{"kind":"iban","iban":"DE"}}"#, r#"{"pay":{"iban":"DE","kind":"iban"}}"#),
            (r#"{"pay":{"kind":"loose","more":1}}"#, r#"{"pay":{"kind":"loose"}}"#),
            (r#"{"pay":{"kind":"card","iban":"DE"}}"#, "/pay/number required, /pay/iban unknown_field"),
            (r#"{"pay":{"kind":"cash"}}"#, "/pay/kind one_of"),
            (r#"{"pay":{"kind":1}}"#, "/pay/kind one_of"),
            (r#"{"pay":{"number":"1"}}"#, "/pay/kind required"),
            (r#"{"pay":"card"}"#, "/pay type"),
        ],
    );
}

#[test]
fn recursion_ends_with_the_body() {
    bodies(
        "schema A { value: int, next?: A | null, more: [A] = [] }",
        &[
            (r#"{"value":1}"#, r#"{"value":1,"more":[]}"#),
            (r#"{"value":1,"next":{"value":"x","more":[{}]}}"#, "/next/value type, /next/more/0/value required"),
        ],
    );
    // One finite member is enough for a finite schema.
    bodies("schema A { next: A | int }", &[(r#"{"next":{"next":{"next":1}}}"#, r#"{"next":{"next":{"next":1}}}"#)]);
}

#[test]
fn defaults_of_all_types() {
    bodies(
        "schema A { at: timestamp = 2026-11-23T10:00:00Z  for: duration = 90m  from: ip = 203.0.113.9  \
         net: cidr = 10.0.0.0/8  size: int = 1KiB  more: { string: int | null } = { x: null }  \
         rec: { a: int, b: bool } = { a: 1, b: true } }",
        &[(
            "{}",
            r#"{"at":"2026-11-23T10:00:00Z","for":"1h30m","from":"203.0.113.9","net":"10.0.0.0/8","size":1024,"more":{"x":null},"rec":{"a":1,"b":true}}"#,
        )],
    );
}

/// Members that differ in the last level alone: without memory, each level would double the work, and this wouldn't end.
#[test]
fn nested_unions_are_tried_in_linear_time() {
    let gate = gate(
        "schema A { v: L | R }\nschema L { v: L | R | \"l\", w: [L | R] = [] }\nschema R { v: L | R | \"r\", w: [R | L] = [] }",
        "body A",
    );
    let nested = |inner: &str| format!("{}{inner}{}", "{\"v\":".repeat(31), "}".repeat(31));
    for (inner, status) in [("\"l\"", 200), ("\"r\"", 200), ("\"x\"", 422)] {
        assert_eq!(decide(&gate, "/", "application/json", &nested(inner)).status, status, "{inner}");
    }
    let wide = nested(&format!("{{\"v\":\"x\",\"w\":[{}]}}", vec!["{\"v\":\"r\"}"; 1_000].join(",")));
    assert_eq!(decide(&gate, "/", "application/json", &wide).status, 400);
    let wide = wide.replacen("{\"v\":", "", 2).replacen("}}}", "}", 1);
    assert_eq!(decide(&gate, "/", "application/json", &wide).status, 422);
}

#[test]
fn what_is_told_is_capped() {
    let gate = gate("schema A { a: [int | bool], b?: { string: int } }", "body A");
    let many = vec!["\"x\""; 500].join(",");
    let decision = decide(&gate, "/", "application/json", &format!("{{\"a\":[{many}]}}"));
    let problem = decision.problem().unwrap();
    assert_eq!((problem.errors.len(), problem.truncated), (32, true));
}

#[test]
fn secrets_are_masked_wherever_they_are() {
    let gate = gate(
        "schema Key { id: string, key: string secret }\n\
         schema A { keys: { string: Key }  one: string | Key  list: [Key]  pin?: int secret = 7  \
         way: union on \"kind\" { \"k\": Key } }",
        "body A",
    );
    let long = "k/~".repeat(100);
    let key = |name: &str| json!({ "id": name, "key": "hunter2" });
    let body = json!({
        "keys": { &long: key("a") }, "one": key("b"), "list": [key("c"), key("d")],
        "way": { "kind": "k", "id": "e", "key": "hunter2" },
    });
    let decision = decide(&gate, "/", "application/json", &body.to_string());
    assert_eq!(decision.input.body.as_ref().unwrap()["keys"][&long]["key"], "hunter2");
    let masked = decision.input.masked_body().unwrap();
    assert!(!masked.to_string().contains("hunter2"));
    assert_eq!(masked["keys"][&long], json!({ "id": "a", "key": "[secret]" }));
    assert_eq!((&masked["pin"], &masked["one"]["id"]), (&json!("[secret]"), &json!("b")));
    assert!(!format!("{decision:?}").contains("hunter2"));
}

#[test]
fn queries_are_read_by_type() {
    queries(
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
    queries("schema A open { n?: int }", &[("n=1&m=x&k=1&k=2", r#"{"n":1,"m":"x","k":["1","2"]}"#)]);
    queries("schema A strip { n?: int }", &[("n=1&m=x", r#"{"n":1}"#)]);
}

#[test]
fn a_secret_of_the_query_stands_in_no_log() {
    let gate = gate("schema A { token: string min 8 secret, page?: int }", "query A no body");
    for (query, status) in [("token=hunter2hunter2&page=2", 200), ("token=hunter2", 422), ("token=hunter2%", 400)] {
        let decision = decide(&gate, &format!("/?{query}"), "", "");
        assert_eq!(decision.status, status);
        assert_eq!(decision.target.as_deref(), Some(&*format!("/?{query}")));
        let document = serde_json::to_value(DecisionDocument::new(&decision, gate.policy())).unwrap();
        assert_eq!(document["target"], "/?[secret]");
        assert!(!format!("{decision:?}{document}").contains("hunter2"), "{document:#}");
    }
    let decision = decide(&gate, "/?token=hunter2hunter2&page=2", "", "");
    assert_eq!(decision.input.query, Some(json!({ "token": "hunter2hunter2", "page": 2 })));
    assert_eq!(decision.input.masked_query(), Some(json!({ "token": "[secret]", "page": 2 })));
}

#[test]
fn a_query_without_a_schema_passes_unread() {
    let gate = gate("", "no body");
    let decision = decide(&gate, "/?a=%zz&a=1", "", "");
    assert_eq!((decision.status.as_u16(), decision.input.query.as_ref()), (200, None));
}

#[test]
fn a_routes_query_replaces_the_blocks() {
    let text = "policy p\nschema A { a?: int }\nschema B { b?: int }\n\
                routes / { query A  POST /one public no body  POST /two public no body query B }";
    let gate = Policy::compile(&[Source::new("test.gate", text)]).unwrap().bind(&Keys::new()).unwrap();
    for (target, status) in [("/one?a=1", 200), ("/one?b=1", 422), ("/two?a=1", 422), ("/two?b=1", 200)] {
        assert_eq!(decide(&gate, target, "", "").status, status, "{target}");
    }
}

#[test]
fn media_types() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let check = |accepts: &str, cases: &[(&str, &str, &str)]| {
        let gate = gate(&format!("schema A {{ n: int, tags: [string] = [] {accepts} }}"), "body A");
        for (media_type, body, expected) in cases {
            let decision = decide(&gate, "/", media_type, body);
            assert_eq!(outcome(&decision, decision.input.body.as_ref()), *expected, "{accepts}: {media_type}");
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

/// The input of the large example, but for its rule.
#[test]
fn the_blogs_schemas() {
    let blog = include_str!("../policies/blog.gate");
    let from = blog.find("schema Login").unwrap();
    let to = blog[from..].find("// ──").unwrap();
    let schemas: Vec<&str> = blog[from..from + to].lines().filter(|line| !line.trim().starts_with("check")).collect();
    let gate = gate(&schemas.join("\n"), "query Page body NewPost");
    let body = json!({
        "title": "  Cafe\u{301} ", "text": "…", "tags": [" Rust ", "api"], "publish": { "at": "2026-12-01T09:00:00+01:00" },
    });
    let decision = decide(&gate, "/?cursor=abc%2F1", "application/json", &body.to_string());
    assert_eq!(decision.status, 200, "{decision:?}");
    assert_eq!(decision.input.query, Some(json!({ "limit": 20, "cursor": "abc/1" })));
    let expected = json!({
        "title": "Café", "text": "…", "tags": ["rust", "api"],
        "publish": { "at": "2026-12-01T08:00:00Z", "notify": true },
    });
    assert_eq!(decision.input.body, Some(expected));
    let body = json!({ "title": " ", "text": 1, "tags": ["a", "A", "b c"], "publish": { "at": "soon", "when": 1 } });
    let told = |target: &str| outcome(&decide(&gate, target, "application/json", &body.to_string()), None);
    assert_eq!(
        told("/"),
        "/title too_short, /text type, /tags/1 duplicate, /tags/2 pattern, /publish/at timestamp, /publish/when unknown_field"
    );
    // The query is looked at before the body.
    assert_eq!(told("/?limit=0&limits=1"), "/limit too_small, /limits unknown_field");
}

const EVERYTHING: &str = "
schema Leaf { id: string trim nfc uppercase max 20, n?: int | null }
schema Node strip { kind?: string, left?: Node | Leaf | int, right?: [Node | string lowercase] }
schema A open {
  s?: string trim lowercase nfc
  t?: timestamp | duration | ip | cidr
  f?: float min -1 | bool
  m?: { string: [int] unique }
  tree?: Node
  tagged?: union on \"kind\" { \"node\": Node, \"leaf\": Leaf }
  d: { a: int = 1 } = { a: 1 }
  secret?: string secret
}";

/// JSON that now and then is what the schema above takes.
fn hostile_json() -> impl Strategy<Value = Value> {
    let key = || {
        prop::sample::select(vec![
            "s", "t", "f", "m", "tree", "tagged", "kind", "left", "right", "id", "n", "d", "a", "x/~",
        ])
    };
    let text = prop::sample::select(vec![
        "node",
        "leaf",
        " ΐ ",
        "90m",
        "::1",
        "10.0.0.0/8",
        "2026-11-23T12:00:00+02:00",
        "ŉ",
        "e\u{301}",
        "İ",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        text.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..5).prop_map(|members| Value::Object(
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing panics, and what is handed on is taken again and left as it is.
    #[test]
    fn normal_forms_stay(body in hostile_json()) {
        static GATE: std::sync::LazyLock<Gate> = std::sync::LazyLock::new(|| gate(EVERYTHING, "body A"));
        let decision = decide(&GATE, "/", "application/json", &body.to_string());
        if let Some(normal) = &decision.input.body {
            let again = decide(&GATE, "/", "application/json", &normal.to_string());
            prop_assert_eq!(again.input.body.as_ref(), Some(normal));
        }
    }

    #[test]
    fn no_query_panics(query in "[ -~]{0,40}|([nft]|tags)=[%+0-9a-zA-Z]{0,4}(&([nft]|tags)=[%0-9a-z.-]{0,5}){0,3}") {
        static GATE: std::sync::LazyLock<Gate> = std::sync::LazyLock::new(|| {
            gate("schema A { n?: int  f?: float  t?: int | bool | string  tags?: [int | null] }", "query A no body")
        });
        let decision = decide(&GATE, &format!("/?{query}"), "", "");
        prop_assert_eq!(decision.status == 200, decision.input.query.is_some());
    }
}
