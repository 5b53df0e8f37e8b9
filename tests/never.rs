//! Invariants: proved, violated with a request that shows it, or not to be proved.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "never/exact.rs"]
mod exact;
#[path = "never/small.rs"]
mod small;

use portcullis::{Diagnostic, Policy, Source};

fn told(text: &str) -> Vec<Diagnostic> {
    match Policy::compile(&[Source::new("never.gate", text)]) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().filter(|found| found.severity == portcullis::Severity::Error).collect(),
    }
}

/// That every invariant is proved.
#[track_caller]
fn proved(text: &str) {
    let found = told(text);
    assert!(found.is_empty(), "{found:#?}");
}

/// That one isn't, and the request that shows it.
#[track_caller]
fn violated(text: &str, request: &str) {
    let found = told(text);
    let [only] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(only.code, "never_violated", "{only:#?}");
    assert_eq!(only.note.as_deref().unwrap(), request, "{only:#?}");
}

/// That nobody can say, and the conditions because of which.
#[track_caller]
fn unproved(text: &str, note: Option<&str>) {
    let found = told(text);
    let [only] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((only.code, only.note.as_deref()), ("never_unproved", note), "{only:#?}");
}

#[test]
fn the_blog() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/blog.gate");
    proved(&std::fs::read_to_string(path).unwrap());
}

const POSTS: &str = "policy p\n\
    secret KEY\n\
    token t { algorithm HS256  key KEY  claims { sub: string, roles: [string], suspended: bool, team?: string } }\n\
    user from t { id = claims.sub  roles = claims.roles  suspended = claims.suspended  team = claims.team }\n\
    context { mfa: bool, risk: int }\n\
    resource posts { actions read, update, delete  author: string  status: \"draft\" | \"published\"  editors: [string]  \
      team?: string  created: timestamp }\n\
    role reader { }\n\
    role writer extends reader { allow posts:update when resource.author == user.id }\n\
    role admin extends writer { allow posts:* }\n";

#[test]
fn roles_and_flags() {
    proved(&format!("{POSTS} never posts:delete unless user is admin"));
    proved(&format!("{POSTS} never posts:delete unless user is reader"));
    proved(&format!("{POSTS} forbid posts:update when user.suspended\nnever posts:update when user.suspended"));
    violated(&format!("{POSTS} never posts:update when user.suspended"), "");
    violated(&format!("{POSTS} never posts:update unless resource.editors contains user.id"), "");
    violated(
        &format!("{POSTS} never posts:update when resource.editors contains user.id and user.id != resource.author"),
        "",
    );
}
