//! The order of declarations, and their files, change no finding and no decision.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis::diagnostic::Diagnostic;
use portcullis::facts::Record;
use portcullis::permission::{PermissionId, Resource};
use portcullis::{CompileError, Policy, Source, User, syntax};
use serde_json::{Value as Json, json};

use crate::support::exchange::now;
use crate::support::{BLOG, compile, source, try_compile};

/// The declarations of a file as texts, with the comments above them.
fn declarations(text: &str) -> Option<(String, Vec<String>)> {
    let file = syntax::parse(0, &source(text)).ok()?;
    let ends: Vec<usize> = file.declarations.iter().map(|declaration| declaration.span.end as usize).collect();
    // A comment behind a declaration stays on its line.
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |line| at + line);
    let mut from = line_end(file.policy.span.end as usize);
    if ends.first().is_some_and(|first| *first <= from) {
        return None;
    }
    let parts = ends.into_iter().map(|end| {
        let end = line_end(end).max(from);
        let part = text[from..end].to_owned();
        from = end;
        part
    });
    Some((format!("policy {}\n", file.policy.node), parts.filter(|part| !part.trim().is_empty()).collect()))
}

/// The same policy with its declarations reversed, and divided into three files.
fn rearranged(text: &str) -> Option<[Vec<Source>; 2]> {
    let (head, parts) = declarations(text)?;
    let backwards: String = std::iter::once(head.as_str()).chain(parts.iter().rev().map(String::as_str)).collect();
    let mut files = vec![head.clone(), head.clone(), head];
    for (number, part) in parts.iter().rev().enumerate() {
        files[number % 3].push_str(part);
        files[number % 3].push('\n');
    }
    let dealt = files.into_iter().enumerate().map(|(number, text)| Source::new(format!("{number}.gate"), text));
    Some([vec![Source::new("backwards.gate", backwards)], dealt.collect()])
}

/// The policies below a folder, by path.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let texts = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => texts(&path),
        Some(extension) if extension == "gate" => vec![(path.display().to_string(), fs::read_to_string(path).unwrap())],
        _ => Vec::new(),
    };
    paths.into_iter().flat_map(texts).collect()
}

/// The number of findings of each code.
fn codes(told: &[Diagnostic]) -> BTreeMap<&'static str, usize> {
    let mut codes = BTreeMap::new();
    for finding in told {
        *codes.entry(finding.code).or_default() += 1;
    }
    codes
}

#[test]
fn what_is_told_depends_on_no_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compared = 0;
    for (name, text) in ["tests/errors", "policies"].iter().flat_map(|folder| texts(&root.join(folder))) {
        let whole = try_compile(&text);
        // Of two declarations of one name, only the first is checked.
        let twice = whole.as_ref().is_err_and(|told| codes(told).contains_key("duplicate_name"));
        let Some(others) = rearranged(&text).filter(|_| !twice) else { continue };
        compared += 1;
        for sources in others {
            match (&whole, Policy::compile(&sources).map_err(CompileError::into_diagnostics)) {
                (Ok(one), Ok(other)) => assert_eq!(codes(one.warnings()), codes(other.warnings()), "{name}"),
                (Err(one), Err(other)) => assert_eq!(codes(one), codes(&other), "{name}"),
                (one, other) => panic!("{name}: {:?} and {:?}", one.is_ok(), other.err().map(|told| codes(&told))),
            }
        }
    }
    assert!(compared > 150, "{compared}");
}

/// Callers, resources and contexts that the blog's rules distinguish.
fn questions() -> Vec<(Option<User>, Json, Json)> {
    let mut asked = Vec::new();
    for roles in [
        None,
        Some(vec![]),
        Some(vec!["reader"]),
        Some(vec!["writer"]),
        Some(vec!["moderator", "x"]),
        Some(vec!["admin"]),
    ] {
        for suspended in [json!(false), json!(true), Json::Null] {
            for (status, author) in [("draft", "mia"), ("published", "eve"), ("gone", "mia")] {
                for context in [json!({ "mfa": true, "risk": 3 }), json!({ "mfa": false, "risk": 95 }), json!({})] {
                    let user = roles.as_ref().map(|roles| User {
                        id: "mia".to_owned(),
                        roles: Some(roles.iter().map(|role| (*role).to_owned()).collect()),
                        attributes: Record::from_iter([("suspended".to_owned(), suspended.clone())]),
                        ..User::default()
                    });
                    let thing = json!({ "id": "1", "status": status, "author": author, "editors": ["mia"],
                        "created": "2026-11-23T09:50:00Z" });
                    asked.push((user, thing, context));
                }
            }
        }
    }
    asked
}

#[test]
fn what_is_decided_depends_on_no_order() {
    let whole = compile(BLOG);
    let mut allowed = 0;
    for sources in rearranged(BLOG).unwrap() {
        let other = Policy::compile(&sources).unwrap();
        for name in whole.permissions() {
            let (here, there) = (whole.permission(name).unwrap(), other.permission(name).unwrap());
            for (user, thing, context) in questions() {
                let thing = Resource::of(thing.as_object().unwrap());
                let ruling = |policy: &Policy, permission: PermissionId| {
                    let scene = policy.scene(now()).user(user.as_ref()).context(context.as_object());
                    let scene = scene.client("10.1.2.3".parse().unwrap()).build();
                    let reasons = policy.explain(&scene, permission, Some(&thing));
                    let mut told: Vec<_> =
                        reasons.iter().map(|reason| (reason.code, reason.message.to_string())).collect();
                    told.sort();
                    (policy.check(&scene, permission, Some(&thing)).verdict(), told)
                };
                let (one, another) = (ruling(&whole, here), ruling(&other, there));
                assert_eq!(one, another, "{name} {user:?} {thing:?} {context}");
                allowed += usize::from(one.0 == portcullis::Verdict::Allow);
            }
        }
    }
    assert!(allowed > 100, "{allowed}");
}
