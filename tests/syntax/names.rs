//! No word is reserved: every keyword of the grammar is a name wherever a name can stand.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::{dump, parse, render, tree};

/// The keywords of the grammar.
pub(super) fn keywords() -> BTreeSet<String> {
    let grammar = include_str!("../../grammar/portcullis.pest");
    let words = Regex::new(r#""([a-z][a-z_0-9]+)""#).unwrap();
    let rules = grammar.lines().filter(|line| !line.trim_start().starts_with("//"));
    let found: BTreeSet<String> =
        rules.flat_map(|line| words.captures_iter(line).map(|found| found[1].to_owned()).collect::<Vec<_>>()).collect();
    assert!(found.len() > 130 && found.contains("policy") && found.contains("starts_with"), "{}", found.len());
    found
}

/// Policies that use `K` wherever a name can stand.
const POSITIONS: &[&str] = &[
    "policy K",
    "policy p secret K, K",
    "policy p keys K { jwks \"x\" }",
    "policy p token K { key K  keys K  algorithm K, K  claims { K: string K?: int, K_x: K = account.K K: string } }",
    "policy p account { K: string K?: int  K_x: [K] K: { K: K, K?: K } }",
    "policy p context { K: string | null K?: \"a\" | \"b\"  K: K }",
    "policy p user from K { id = claims.K  K = claims.K ?? a  K = K.x  K_x = claims.b, K = \"x\" K=a }",
    "policy p resource K { actions K, K  K: string  K?: string K_x: K  actions a, K, K: string }",
    "policy p condition K = K.a == b\ncondition K = a and body.K",
    "policy p permissions K = K:K, K\nallow K:K, K\nforbid K:[K, K] except K:* when a.K because \"x\"",
    "policy p role K extends K, K { allow K:K, *:K when a  allow K }",
    "policy p role K { allow K }",
    "policy p allow anyone K:K, K\nallow K",
    "policy p condition x = user is K and a\ncondition y = has(a.K) or { K: a, K: b K: c } == x",
    "policy p allow(K, K) reason \"x\" secret K\nallow(K) reason \"y\" allow K",
    "policy p never K:K when user is K",
    "policy p limit K { algorithm K  key a.K, b  tier a.K  rate 1 per 1s  cost a.K when b.K  skip when a.K  on_failure K }",
    "policy p schema K { K: K  K?: K  K_x: string K: string min 1 K: [K] K: K | K K?: int 1..2 = 5 K: int secret = a K: int }",
    "policy p schema K strict { K: { K: K  K?: K } check a.K == b K: string  check a else \"x\" K: int  check a.K K: int accepts \"x\" K: int }",
    "policy p transport { https K  forwarded K }",
    "policy p cors K { methods K }  headers K { preset K  remove K }  csrf { secret K  applies K }",
    "policy p headers { K \"x\"  K-K \"y\" }",
    "policy p cookie \"x\" { same_site K }  password { algorithm K  accept K, K }",
    "policy p provider K { client_secret K  state K  keys K }",
    "policy p routes /K { limit K  requires K:K, K  query K  cors K  GET /K/{K}/{K: K}/K.K requires K:K  body K  limit K  on K(K) }",
    "policy p routes / { GET /{*K} callback of K issues K, K rotates K revokes K login with K  headers K  no K  requires any of K:K  csrf }",
];

static WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"Word \{ text: ("\w+"), keyword: (None|Some\(\w+\)) \}"#).unwrap());
static SCALAR: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"Scalar\((\w+)\)").unwrap());

/// A dump with every word as text, whether its set has it or not.
fn without_types(dump: &str) -> String {
    let named = |found: &regex::Captures<'_>| format!("Named({:?})", found[1].to_lowercase());
    SCALAR.replace_all(&WORD.replace_all(dump, "$1"), named).into_owned()
}

#[test]
fn every_keyword_is_a_name_everywhere() {
    for keyword in keywords() {
        for position in POSITIONS {
            let text = position.replace('K', &keyword);
            let file = parse(&text).unwrap_or_else(|problems| panic!("`{keyword}`:\n{}", render(&text, &problems)));
            // These mean something of their own as a type's only field, as a type, and in `body raw` and `no body`.
            if !matches!(keyword.as_str(), "string" | "null" | "raw" | "body") {
                let plain = without_types(&dump(&tree(&position.replace('K', "zzz")).declarations));
                assert_eq!(
                    plain.replace("zzz", &keyword),
                    without_types(&dump(&file.declarations)),
                    "`{keyword}` in {text}"
                );
            }
        }
    }
}

#[test]
fn keywords_end_at_word_boundaries() {
    for keyword in keywords() {
        // A keyword that is glued to a name isn't that keyword.
        let text = format!("policy p {keyword}x");
        assert!(parse(&text).is_err(), "{text}");
        let text = format!("policy p schema A {{ {keyword}_x: string }}");
        assert!(parse(&text).is_ok(), "{text}");
    }
    for glued in
        ["policyblog", "policy p roleadmin { }", "policy p condition a = notb c", "policy p condition a = b andc"]
    {
        assert!(parse(glued).is_err(), "{glued}");
    }
}
