//! Rules after declarations of callers, and the requests and permission checks that they allow.

use portcullis::Policy;
use portcullis::Verdict;
use portcullis::document::Document;
use serde_json::Value;

use super::exchange::{now, verdict};
use super::{codes, gate, try_compile};

const CALLERS: &str = "policy t
secret KEY
token access { algorithm HS256  key KEY  claims { sub: string  roles?: [string]  email?: string } }
user from access { id = claims.sub  roles = claims.roles ?? []  email = claims.email }
";

/// Compiles rules, or returns the codes of their errors.
pub(crate) fn compile_rules(rules: &str) -> Result<Policy, Vec<&'static str>> {
    try_compile(&format!("{CALLERS}{rules}")).map_err(|errors| codes(&errors))
}

/// Compares which documents are allowed. Each document is a request's or a permission's.
#[track_caller]
pub(crate) fn check_rules(rules: &str, documents: &[(Value, bool)]) {
    let gate = gate(&format!("{CALLERS}{rules}"));
    let policy = gate.policy();
    for (written, expected) in documents {
        let verdict = match serde_json::from_value(written.clone()).unwrap() {
            Document::Check(document) => {
                let permission = policy.permission(&document.permission).unwrap();
                policy.check(&document.scene(policy, now()), permission, document.resource().as_ref()).verdict()
            }
            Document::Request(document) => verdict(&gate.decide(&document.request(now(), None))),
        };
        assert_eq!(verdict == Verdict::Allow, *expected, "{written}\n{rules}");
    }
}
