//! Properties of all input: no panic, and a stable normal form.

use portcullis::Gate;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{decide, route};
use crate::support::exchange::{body_input, query_input, status};

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

fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "90m",
        "::1",
        "10.0.0.0/8",
        "2026-11-23T12:00:00+02:00",
        " ΐ ",
        "ŉ",
        "e\u{301}",
        "İ",
        "",
    ]);
    prop_oneof![3 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

/// Any JSON.
fn any_json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![any::<i64>().prop_map(Value::from), any::<f64>().prop_map(|number| json!(number))];
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, text().prop_map(Value::from)];
    let key = prop::sample::select(vec!["kind", "left", "right", "id", "n", "d", "a", "x/~"]);
    leaf.prop_recursive(4, 20, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

/// Values of the field `tree`.
fn node() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (-3_i64..3).prop_map(|number| json!({ "left": number })),
        (text(), any::<bool>())
            .prop_map(|(id, null)| json!({ "left": { "id": id, "n": if null { json!(null) } else { json!(1.0) } } })),
        Just(json!({ "more": 1 })),
    ];
    leaf.prop_recursive(4, 20, 3, |inner| {
        let right = prop::collection::vec(prop_oneof![inner.clone(), text().prop_map(Value::from)], 0..3);
        prop_oneof![
            (inner, right.clone()).prop_map(|(left, right)| json!({ "left": left, "right": right })),
            right.prop_map(|right| json!({ "kind": "k", "right": right })),
        ]
    })
}

/// JSON that the schema above mostly accepts.
fn likely_json() -> impl Strategy<Value = Value> {
    let map = prop::collection::btree_map(text(), prop::collection::vec(-2_i64..9, 0..3), 0..3);
    let tagged = prop_oneof![
        node().prop_map(|mut node| {
            node["kind"] = json!("node");
            node
        }),
        text().prop_map(|id| json!({ "id": id, "kind": "leaf" })),
    ];
    let member = prop_oneof![
        text().prop_map(|text| ("s", json!(text))),
        text().prop_map(|text| ("t", json!(text))),
        any::<f64>().prop_map(|number| ("f", json!(number.abs()))),
        map.prop_map(|map| ("m", json!(map))),
        node().prop_map(|node| ("tree", node)),
        tagged.prop_map(|tagged| ("tagged", tagged)),
        any_json().prop_map(|other| ("other", other)),
    ];
    let members = prop::collection::vec(member, 0..4);
    members
        .prop_map(|members| Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The normal form of a body is its own normal form.
    #[test]
    fn normal_forms_stay(body in prop_oneof![4 => likely_json(), 1 => any_json()]) {
        static GATE: std::sync::LazyLock<Gate> = std::sync::LazyLock::new(|| route(EVERYTHING, "body A"));
        let decision = decide(&GATE, "/", "application/json", &body.to_string());
        if let Some(normal) = body_input(&decision) {
            let again = decide(&GATE, "/", "application/json", &normal.to_string());
            prop_assert_eq!(body_input(&again), Some(normal));
        }
    }

    #[test]
    fn no_query_panics(query in "[ -~]{0,40}|([nft]|tags)=[%+0-9a-zA-Z]{0,4}(&([nft]|tags)=[%0-9a-z.-]{0,5}){0,3}") {
        static GATE: std::sync::LazyLock<Gate> = std::sync::LazyLock::new(|| {
            route("schema A { n?: int  f?: float  t?: int | bool | string  tags?: [int | null] }", "query A no body")
        });
        let decision = decide(&GATE, &format!("/?{query}"), "", "");
        prop_assert_eq!(status(&decision) == 200, query_input(&decision).is_some());
    }
}
