//! The support of all tests: policies, gates, keys, decisions and snapshots.

pub(crate) mod article;
pub(crate) mod exchange;
pub(crate) mod rules;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portcullis::diagnostic::Diagnostic;
use portcullis::document::RequestDocument;
use portcullis::keys::KeyProblem;
use portcullis::{CompileError, Gate, Keys, Policy, Source};
use serde_json::{Value, json};

use exchange::{ENTROPY, document, now};

pub(crate) const ARTICLE: &str = include_str!("../../policies/article.gate");
pub(crate) const BLOG: &str = include_str!("../../policies/blog.gate");
pub(crate) const HEALTH: &str = include_str!("../../policies/health.gate");

/// Compares a text with a snapshot beside the calling file.
macro_rules! snapshot {
    ($name:expr, $text:expr) => {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!($name, $text);
        })
    };
}
pub(crate) use snapshot;

/// Decides a request by the article's policy, compares it and its decision with a snapshot beside the calling file, and
/// returns the decision document.
macro_rules! check_article {
    ($name:expr, $request:expr $(,)?) => {{
        let (decision, text) = $crate::support::article::decide_and_show($name, &$request);
        $crate::support::snapshot!($name, text);
        decision
    }};
}
pub(crate) use check_article;

pub(crate) fn source(text: impl AsRef<[u8]>) -> Source {
    Source::new("test.gate", text)
}

/// Compiles a policy. A text without a `policy` line gets `policy p`.
pub(crate) fn try_compile(text: &str) -> Result<Policy, Vec<Diagnostic>> {
    let compiled = if text.lines().any(|line| line.starts_with("policy ")) {
        Policy::compile(&[source(text)])
    } else {
        Policy::compile(&[source(format!("policy p\n{text}"))])
    };
    compiled.map_err(CompileError::into_diagnostics)
}

/// Compiles a policy that must be right.
#[track_caller]
pub(crate) fn compile(text: &str) -> Policy {
    try_compile(text).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"))
}

/// Compiles a policy that must be right, and binds each secret to [`secret`].
#[track_caller]
pub(crate) fn gate(text: &str) -> Gate {
    gate_with(text, Keys::new())
}

/// Compiles a policy that must be right, and binds it to a key ring. Each secret that the ring lacks is bound to [`secret`].
#[track_caller]
pub(crate) fn gate_with(text: &str, keys: Keys) -> Gate {
    let policy = compile(text);
    let problems = policy.bind(&keys).err().map_or_else(Vec::new, |error| error.problems().to_vec());
    let keys = problems.iter().fold(keys, |keys, problem| match problem {
        KeyProblem::Missing { name } => keys.with_secret(name, secret(name)),
        _ => keys,
    });
    policy.bind(&keys).unwrap_or_else(|error| panic!("{error}"))
}

/// The secret of a name: at least 64 bytes, for every name another one.
pub(crate) fn secret(name: &str) -> String {
    format!("{name}, a secret of these tests alone: {name}").repeat(2)
}

/// Signs claims with an HMAC.
pub(crate) fn sign(algorithm: Algorithm, claims: &Value, key: impl AsRef<[u8]>) -> String {
    let key = EncodingKey::from_secret(key.as_ref()).unwrap();
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
}

/// The decision document of a request document. The time and the random bytes that the request lacks are those of every
/// test.
#[track_caller]
pub(crate) fn decide(gate: &Gate, request: &Value) -> Value {
    let request: RequestDocument = serde_json::from_value(request.clone()).unwrap();
    document(&gate.decide(&request.request(now(), Some(&ENTROPY))), gate.policy())
}

/// A request document with the members that it lacks.
pub(crate) fn with_defaults(request: &Value, defaults: &Value) -> Value {
    let mut filled = defaults.clone();
    filled.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
    filled
}

/// The codes of diagnostics.
pub(crate) fn codes(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// The values of all headers of a name in a decision document.
pub(crate) fn header_values<'d>(decision: &'d Value, name: &str) -> Vec<&'d str> {
    let headers = decision["headers"].as_array().unwrap();
    headers.iter().filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap()).collect()
}

/// The first value of a header in a decision document.
pub(crate) fn header<'d>(decision: &'d Value, name: &str) -> Option<&'d str> {
    header_values(decision, name).first().copied()
}

/// Compares the status and the code of a decision, and returns its document. A request without a peer comes from
/// `203.0.113.9`.
#[track_caller]
pub(crate) fn check(gate: &Gate, request: &Value, status: u16, code: &str) -> Value {
    let decision = decide(gate, &with_defaults(request, &json!({ "peer": "203.0.113.9" })));
    let found = (&decision["status"], &decision["reason"]["code"]);
    assert_eq!(found, (&Value::from(status), &Value::from(code)), "{decision:#}");
    decision
}
