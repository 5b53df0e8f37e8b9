//! Binding a policy to a key ring: the problem of each key, never with a byte of it.

use portcullis::Keys;
use portcullis::keys::{KeyProblem, KeySet};

use crate::support::{ARTICLE, compile};

/// A file of `tests/keys`.
macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../keys/", $name))
    };
}

/// The problems of binding a policy to a key ring.
fn told(declarations: &str, keys: &Keys) -> Vec<String> {
    let problems = compile(declarations).bind(keys).map_or_else(|error| error.problems().to_vec(), |_| Vec::new());
    let told: Vec<_> = problems.iter().map(KeyProblem::to_string).collect();
    assert!(!told.iter().any(|problem| problem.contains("hush")), "{told:?}");
    told
}

/// A policy with one secret, `A`, that verifies tokens of an algorithm.
fn verifying(algorithm: &str) -> String {
    format!("secret A\ntoken t {{ algorithm {algorithm}  key A }}")
}

/// A policy that also issues them.
fn issuing(algorithm: &str) -> String {
    format!(
        "secret A, B\naccount {{ id: string }}
         token t {{ algorithm {algorithm}  key A  lifetime 15m  claims {{ sub: string = account.id }} }}
         token r {{ algorithm HS256  key B  lifetime 1d  carried cookie \"r\"  single_use  claims {{ sub: string = account.id }} }}
         user from t {{ id = claims.sub }}
         routes / {{ POST /r public no body  rotates r  issues t, r }}"
    )
}

fn set() -> KeySet {
    KeySet::parse(format!("{{\"keys\":[{}]}}", key!("p256.public.jwk")).as_bytes()).unwrap()
}

#[test]
fn keys_of_every_kind_and_form_will_do() {
    let check = |algorithm: &str, keys: Keys| assert_eq!(told(&verifying(algorithm), &keys), [""; 0], "{algorithm}");
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        check(algorithm, Keys::new().with_pem("A", key!("rsa2048.pem")));
        check(algorithm, Keys::new().with_pem("A", key!("rsa2048.public.pem")));
        check(algorithm, Keys::new().with_pem("A", key!("rsa2048.pkcs1.pem")));
        check(algorithm, Keys::new().with_pem("A", key!("rsa2048.public.pkcs1.pem")));
        check(algorithm, Keys::new().with_jwk("A", key!("rsa2048.jwk")));
        check(algorithm, Keys::new().with_jwk("A", key!("rsa2048.public.jwk")));
    }
    check("ES256", Keys::new().with_pem("A", key!("p256.sec1.pem")));
    check("ES256", Keys::new().with_jwk("A", key!("p256.public.jwk")));
    check("ES384", Keys::new().with_pem("A", key!("p384.sec1.pem")));
    check("ES384", Keys::new().with_jwk("A", key!("p384.jwk")));
    check("EdDSA", Keys::new().with_pem("A", key!("ed25519.pem")));
    check("Ed25519", Keys::new().with_jwk("A", key!("ed25519.public.jwk")));
    check(
        "HS256",
        Keys::new().with_jwk("A", r#"{ "kty": "oct", "k": "aHVzaGh1c2hodXNoaHVzaGh1c2hodXNoaHVzaGh1c2g" }"#),
    );
}

#[test]
fn keys_that_will_not_do_are_told() {
    let check = |algorithm: &str, keys: Keys, expected: &str| {
        let told = told(&verifying(algorithm), &keys);
        let [told] = told.as_slice() else { panic!("{algorithm}: {told:?}") };
        assert!(told.contains(expected), "{told}");
    };
    let pem = |text: &str| Keys::new().with_pem("A", text);
    let jwk = |text: &str| Keys::new().with_jwk("A", text);
    check("ES256", Keys::new(), "the key ring lacks the secret `A`");
    check("ES256", pem("hush"), "the key `A` can't be used: it isn't one key as PEM");
    check("ES256", jwk("hush"), "the key `A` can't be used: it isn't JSON");
    check("RS256", pem(key!("rsa1024.pem")), "the key `A` can't be used: its modulus has fewer than 2048 bits");
    check("RS256", jwk(key!("rsa1024.public.jwk")), "its modulus has fewer than 2048 bits");
    check(
        "ES256",
        pem(key!("rsa2048.pem")),
        "is of the kind RSA, and the policy uses it with ES256, which takes one of the kind P-256",
    );
    check("ES256", pem(key!("p384.pem")), "is of the kind P-384");
    check("ES384", pem(key!("p256.public.pem")), "is of the kind P-256");
    check("EdDSA", pem(key!("p256.pem")), "is of the kind P-256");
    check("PS256", pem(key!("ed25519.pem")), "is of the kind Ed25519");
    check("ES256", Keys::new().with_secret("A", "hush".repeat(8)), "is bytes, and the policy uses it with ES256");
    check("ES256", Keys::new().with_secret("A", key!("p256.pem")), "supply a key pair, as PEM or as a JWK");
    check("ES256", jwk(r#"{ "kty": "oct", "k": "aHVzaA" }"#), "is bytes");
    check("HS256", pem(key!("p256.pem")), "is a key pair on the key ring, and the policy uses it as a secret");
    check("HS256", jwk(r#"{ "kty": "oct", "k": "aHVzaA" }"#), "has 4 bytes: it needs at least 32");
    check("HS256", jwk(r#"{ "kty": "oct", "k": "aHVzaA", "alg": "HS512" }"#), "is for HS512 alone");
    let changed = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    check("RS256", jwk(&changed(key!("rsa2048.jwk"), r#""alg":"PS256""#)), "is for PS256 alone, as its `alg` says");
    check("RS256", jwk(&changed(key!("rsa2048.jwk"), r#""alg":"hush""#)), "its `alg` isn't an algorithm");
    check("ES256", jwk(&changed(key!("p256.jwk"), r#""use":"enc""#)), "its `use` isn't `sig`");
    check("ES256", jwk(&changed(key!("p256.jwk"), r#""key_ops":["deriveKey"]"#)), "its `key_ops` has neither");
    check("ES256", Keys::new().with_key_set("A", set()), "`A` is a JWK set on the key ring");
}

#[test]
fn who_issues_needs_a_private_key() {
    let check = |algorithm: &str, keys: Keys, expected: &[&str]| {
        assert_eq!(
            told(&issuing(algorithm), &keys.with_secret("B", "a secret of thirty-two bytes, or more")),
            expected
        );
    };
    check("ES256", Keys::new().with_pem("A", key!("p256.pem")), &[]);
    check("RS512", Keys::new().with_jwk("A", key!("rsa2048.jwk")), &[]);
    let cannot = "a route issues `t`, and the key `A` can't sign: supply its private half, as a key to `sign` with";
    check("ES256", Keys::new().with_pem("A", key!("p256.public.pem")), &[cannot]);
    check("EdDSA", Keys::new().with_jwk("A", key!("ed25519.public.jwk")), &[cannot]);
    let verifies = key!("ed25519.jwk").replacen('{', r#"{"key_ops":["verify"],"#, 1);
    check("EdDSA", Keys::new().with_jwk("A", verifies), &[cannot]);
}

#[test]
fn all_is_told_at_once_and_equal_keys_too() {
    let policy = "secret A, B, C, D, E
        token a { algorithm ES256  key A  typ \"a\" }
        token b { algorithm ES256  key B  typ \"b\" }
        token c { algorithm EdDSA  key C  typ \"c\" }
        token d { algorithm HS256  key D  typ \"d\" }
        token e { algorithm HS256  key E  typ \"e\" }";
    let secret = "a secret of thirty-two bytes, or more";
    let keys = Keys::new().with_pem("A", key!("p256.pem")).with_jwk("B", key!("p256.public.jwk"));
    let keys = keys.with_pem("C", "hush").with_secret("D", secret).with_secret("E", format!("{secret}\0"));
    let told = told(policy, &keys);
    let equal = |first, second| {
        format!("the secrets `{first}` and `{second}` are equal: each purpose needs a secret of its own")
    };
    assert_eq!((told.first(), told.get(2)), (Some(&equal("A", "B")), Some(&equal("D", "E"))), "{told:?}");
    assert!(told.len() == 3 && told.iter().any(|problem| problem.starts_with("the key `C` can't be used")), "{told:?}");
}

#[test]
fn key_sets_have_names_of_their_own() {
    let policy = "secret A\nkeys S { jwks \"https://id.example.com/jwks.json\" }
        token a { algorithm HS256  key A  typ \"a\" }
        token s { algorithm ES256  keys S  typ \"s\" }";
    let keys = || Keys::new().with_secret("A", "a secret of thirty-two bytes, or more");
    assert_eq!(told(policy, &keys()), [""; 0], "the set can come as a fact");
    assert_eq!(told(policy, &keys().with_key_set("S", set())), [""; 0]);
    assert_eq!(told(policy, &keys().with_key_set("OTHER", set())), [""; 0]);
    let as_set = "`S` is a secret on the key ring, and the policy uses it as a JWK set: supply the set in its place";
    assert_eq!(told(policy, &keys().with_secret("S", "hush")), [as_set]);
    let both = "`A` is both a secret and a JWK set on the key ring: keep one of them under that name";
    assert_eq!(told(policy, &keys().with_key_set("A", set())), [both]);
}

#[test]
fn keys_that_hmac_pads_to_one_are_one() {
    let policy = compile(ARTICLE);
    let key = b"the same key but for a zero at its end".to_vec();
    let keys = Keys::new()
        .with_secret("JWT_SECRET", key.clone())
        .with_secret("REFRESH_SECRET", [key, vec![0]].concat())
        .with_secret("CSRF_SECRET", "the CSRF tokens of a test, and no others");
    let error = policy.bind(&keys).unwrap_err().to_string();
    assert_eq!(
        error,
        "the secrets `JWT_SECRET` and `REFRESH_SECRET` are equal: each purpose needs a secret of its own"
    );
}
