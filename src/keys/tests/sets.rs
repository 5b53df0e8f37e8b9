//! JWK sets, good and hostile.

use serde_json::json;

use crate::keys::tests::*;
use crate::keys::{KeySet, KeySetError};

fn parse(keys: &[Value]) -> KeySet {
    KeySet::parse(set_of(keys).as_bytes()).unwrap()
}

/// The public JWK of a kind, with other members.
fn public(kind: KeyKind, changes: Value) -> Value {
    serde_json::from_str(&changed(key(kind).public_jwk, changes)).unwrap()
}

#[test]
fn keys_are_found_by_name_and_algorithm() {
    let set = parse(&[
        public(KeyKind::Rsa, json!({ "kid": "a" })),
        public(KeyKind::P256, json!({ "kid": "a" })),
        public(KeyKind::P384, json!({ "kid": "b" })),
        public(KeyKind::Ed25519, json!({ "kid": null })),
    ]);
    assert_eq!((set.len(), set.skipped().len(), set.is_empty()), (4, 0, false));
    let check = |id, algorithm, expected: Result<SignatureAlgorithm, &str>| match (set.select(id, algorithm), expected)
    {
        (Ok(key), Ok(algorithm)) => assert!(key.algorithms().any(|known| known == algorithm)),
        (found, expected) => assert_eq!(found.err(), expected.err()),
    };
    use SignatureAlgorithm::{EdDsa, Es256, Es384, Ps512, Rs256};
    check(Some("a"), Rs256, Ok(Rs256));
    check(Some("a"), Ps512, Ok(Ps512));
    check(Some("a"), Es256, Ok(Es256));
    check(Some("b"), Es384, Ok(Es384));
    check(None, Es384, Ok(Es384));
    check(None, EdDsa, Ok(EdDsa));
    check(Some("a"), Es384, Err("the set's key of the token's `kid` isn't for the token's algorithm"));
    check(Some("c"), Es384, Err("no key of the set has the token's `kid`"));
    check(Some(""), EdDsa, Err("no key of the set has the token's `kid`"));
}

#[test]
fn nobody_guesses_among_several() {
    let of = |id: &str, alg: &str| public(KeyKind::Rsa, json!({ "kid": id, "alg": alg }));
    let set = parse(&[of("a", "RS256"), of("b", "RS256"), of("c", "PS256")]);
    let several = "the token names no key, and several of the set could be meant";
    assert_eq!(set.select(None, SignatureAlgorithm::Rs256).err(), Some(several));
    assert!(set.select(None, SignatureAlgorithm::Ps256).is_ok());
    let none = "no key of the set is for the token's algorithm";
    assert_eq!(set.select(None, SignatureAlgorithm::Rs384).err(), Some(none));
    assert_eq!(parse(&[]).select(None, SignatureAlgorithm::Rs384).err(), Some(none));
}

#[test]
fn keys_of_one_name_and_algorithm_are_all_skipped() {
    let check = |keys: &[Value], skipped: &[usize]| {
        let set = parse(keys);
        let found: Vec<_> = set.skipped().iter().map(|skipped| skipped.position).collect();
        assert_eq!(found, skipped);
        assert!(set.skipped().iter().all(|skipped| skipped.why.starts_with("another key of the set has its `kid`")));
        assert_eq!(set.len(), keys.len() - skipped.len());
    };
    let rsa = |alg: Value| public(KeyKind::Rsa, json!({ "kid": "a", "alg": alg }));
    let p256 = public(KeyKind::P256, json!({ "kid": "a" }));
    check(&[rsa(Value::Null), rsa(Value::Null), p256.clone()], &[0, 1]);
    check(&[rsa("RS256".into()), p256.clone(), rsa(Value::Null)], &[0, 2]);
    check(&[rsa("RS256".into()), rsa("RS384".into()), rsa("PS256".into()), p256], &[]);
    let unnamed = public(KeyKind::P256, json!({ "kid": null }));
    check(&[unnamed.clone(), unnamed], &[]);
}

#[test]
fn what_is_no_public_key_is_skipped_and_told() {
    let check = |key: Value, id: Option<&str>, why: &str| {
        let good = public(KeyKind::P256, json!({ "kid": "good" }));
        let set = parse(&[good, key.clone()]);
        let [skipped] = set.skipped() else { panic!("{key}") };
        assert_eq!((set.len(), skipped.position, skipped.key_id.as_deref()), (1, 1, id), "{key}");
        assert!(skipped.why.contains(why), "{key}: {}", skipped.why);
        assert!(set.select(None, SignatureAlgorithm::Es256).is_ok());
        assert!(set.select(None, SignatureAlgorithm::Rs256).is_err());
    };
    check(json!(5), None, "isn't a JSON object");
    check(json!([]), None, "isn't a JSON object");
    check(json!({}), None, "its `kty`");
    check(json!({ "kty": "oct", "k": "aHVzaA", "kid": "s" }), Some("s"), "it is a secret");
    check(json!({ "kty": "AKP", "alg": "ML-DSA-44" }), None, "its `kty`");
    check(json!({ "kty": "OKP", "crv": "Ed448", "x": "" }), None, "its `crv`");
    for private in &KEYS {
        check(serde_json::from_str(private.jwk).unwrap(), members(private.jwk)["kid"].as_str(), "it is a private key");
    }
    let p384 = |changes| public(KeyKind::P384, changes);
    check(p384(json!({ "d": null, "dp": 5 })), Some("p384"), "it is a private key");
    check(p384(json!({ "use": "enc" })), Some("p384"), "its `use`");
    check(p384(json!({ "key_ops": ["sign"] })), Some("p384"), "its `key_ops`");
    check(p384(json!({ "alg": "ES256" })), Some("p384"), "its `alg`");
    check(p384(json!({ "alg": "ECDH-ES" })), Some("p384"), "its `alg`");
    check(p384(json!({ "x": "A".repeat(64) })), Some("p384"), "isn't a point");
    check(p384(json!({ "kid": 5 })), None, "its `kid`");
    check(p384(json!({ "use": "enc", "kid": "line\nbreak" })), None, "its `use`");
    check(p384(json!({ "use": "enc", "kid": "x".repeat(129) })), None, "its `use`");
    check(p384(json!({ "use": "enc", "kid": "" })), None, "its `use`");
    check(serde_json::from_str(fixture!("rsa1024.public.jwk")).unwrap(), Some("rsa1024"), "fewer than 2048 bits");
    // A number of the form of ROCA: a power of 65537 modulo every small prime.
    let factorable = concat!(
        "gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAUTTfepXoym_Jd2YD91900jNQMQhp08TBFhgTavmAhe7my",
        "XJr-phgLElD7NsC35I8cjS1lTtfdG2JA5qb7PoaoGX23BZ0m_Y8RCqijGgDwltFLzdBYjNgpAH-AHTECXA6QSH8s6efGZOmQKVhd",
        "_Vd97cQq4ypXOWzeRrs58LiPNMq1Zx3B6dErIXZwvTK5N2HAx2tgJLM1oU_haY4fkwhiI_azcISkL7-PL2FQJSnBgAS8YWpP7sGW",
        "6ADB_i1PgIjh6on7AGBBLiMvYwBv5G3xYSKXzQcwYQ"
    );
    check(json!({ "kty": "RSA", "kid": "roca", "n": factorable, "e": "AQAB" }), Some("roca"), "CVE-2017-15361");
    let told = parse(&[p384(json!({ "use": "enc" })), json!(5)]);
    let told: Vec<_> = told.skipped().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["key 1 (`p384`): its `use` isn't `sig`", "key 2: it isn't a JSON object"]);
}

#[test]
fn members_that_nobody_defined_are_ignored() {
    let key = public(KeyKind::P256, json!({ "x5c": ["MII"], "nbf": 1, "more": { "deep": [[[1]]] } }));
    let text = json!({ "issuer": "https://id.example.com", "more": { "keys": 1 }, "keys": [key] }).to_string();
    assert_eq!(KeySet::parse(text.as_bytes()).unwrap().len(), 1);
}

#[test]
fn what_is_no_set_is_an_error() {
    let check = |text: &str, expected: KeySetError| assert_eq!(KeySet::parse(text.as_bytes()), Err(expected), "{text}");
    let unreadable = |why| KeySetError::Unreadable { why };
    check("", unreadable("it isn't JSON"));
    check("{", unreadable("it isn't JSON"));
    check(r#"{"keys":[]} {}"#, unreadable("it isn't JSON"));
    check("{\"keys\":[{\"kty\":\"\u{0}\"}]}", unreadable("it isn't JSON"));
    check(r#"{"keys":[{"a":1,"a":2}]}"#, unreadable("an object has a key twice"));
    check(r#"{"keys":[{"a":{"b":1,"b":1}}]}"#, unreadable("an object has a key twice"));
    check(r#"{"keys":[],"keys":[]}"#, unreadable("an object has a key twice"));
    check(r#"{"a":[],"keys":[],"a":1}"#, unreadable("an object has a key twice"));
    for none in ["[]", "5", "null", r#""keys""#, "{}", r#"{"key":[]}"#, r#"{"keys":{}}"#, r#"{"keys":null}"#] {
        check(none, KeySetError::NoKeys);
    }
    let deep = |depth: usize| format!("{{\"keys\":[{}{}]}}", "[".repeat(depth), "]".repeat(depth));
    check(&deep(17), unreadable("arrays and objects nest too deeply"));
    check(&deep(1_000_000), unreadable("arrays and objects nest too deeply"));
    assert_eq!(KeySet::parse(deep(16).as_bytes()).unwrap().skipped().len(), 1);
    let wide = |width: usize| format!("{{\"keys\":[[{}]]}}", vec!["1"; width].join(","));
    check(&wide(257), unreadable("there are too many values"));
    assert_eq!(KeySet::parse(wide(256).as_bytes()).unwrap().skipped().len(), 1);
    let names: Vec<_> = (0..65).map(|name| format!("\"{name}\":1")).collect();
    check(&format!("{{{}}}", names.join(",")), unreadable("there are too many values"));
}

#[test]
fn sets_have_a_largest_size() {
    let filled = |length: usize| {
        let (begin, end) = ("{\"keys\":[],\"x\":\"", "\"}");
        format!("{begin}{}{end}", "x".repeat(length - begin.len() - end.len()))
    };
    assert!(KeySet::parse(filled(4 * 1024 * 1024).as_bytes()).is_ok());
    assert_eq!(KeySet::parse(filled(4 * 1024 * 1024 + 1).as_bytes()), Err(KeySetError::TooLong));
    let many = |count: usize| format!("{{\"keys\":[{}]}}", vec!["1"; count].join(","));
    assert_eq!(KeySet::parse(many(10_000).as_bytes()).unwrap().skipped().len(), 10_000);
    assert_eq!(KeySet::parse(many(10_001).as_bytes()), Err(KeySetError::TooMany));
    assert_eq!(KeySet::parse(many(1_000_000).as_bytes()), Err(KeySetError::TooMany));
}

#[test]
fn ten_thousand_keys() {
    let numbered = |id: &dyn Fn(usize) -> String| {
        let keys: Vec<_> = (0..10_000).map(|at| public(KeyKind::P256, json!({ "kid": id(at) }))).collect();
        parse(&keys)
    };
    let set = numbered(&|at| at.to_string());
    assert_eq!((set.len(), set.skipped().len()), (10_000, 0));
    for at in 0..10_000 {
        assert!(set.select(Some(&at.to_string()), SignatureAlgorithm::Es256).is_ok());
    }
    assert!(set.select(Some("10000"), SignatureAlgorithm::Es256).is_err());
    assert!(set.select(None, SignatureAlgorithm::Es256).is_err());
    let set = numbered(&|_| "all".to_owned());
    assert_eq!((set.len(), set.skipped().len()), (0, 10_000));
}

#[test]
fn sets_are_compared_and_counted() {
    let keys = [public(KeyKind::P256, json!({})), public(KeyKind::Rsa, json!({ "alg": "RS256" })), json!(5)];
    let set = parse(&keys);
    assert_eq!(format!("{set:?}"), "KeySet { keys: 2, skipped: 1 }");
    assert_eq!(set.clone(), set);
    assert_eq!(parse(&keys), set);
    assert_ne!(parse(&keys[..2]), set);
    let repinned = public(KeyKind::Rsa, json!({ "alg": "RS384" }));
    assert_ne!(parse(&[keys[0].clone(), repinned, json!(5)]), set);
    let renamed = public(KeyKind::P256, json!({ "kid": "other" }));
    assert_ne!(parse(&[renamed, keys[1].clone(), json!(5)]), set);
}
