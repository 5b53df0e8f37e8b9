//! Lints: the page docs/lints.md lists all of them, and its examples compile; and allowances, which switch them off.

mod cases;
mod warnings;

use std::collections::HashSet;
use std::fmt::Write as _;

use portcullis::diagnostic::{Diagnostic, LINTS, Severity};
use portcullis::{Policy, Source, syntax};

use crate::counting::allocations;
use crate::support::{ARTICLE, HEALTH, compile, source, try_compile};

const PAGE: &str = include_str!("../../docs/lints.md");

#[track_caller]
fn warnings(text: &str) -> Vec<Diagnostic> {
    let warnings = compile(text).warnings().to_vec();
    assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning), "{warnings:#?}");
    warnings
}

#[track_caller]
fn codes(text: &str) -> Vec<&'static str> {
    warnings(text).iter().map(|warning| warning.code).collect()
}

/// The codes of a policy that doesn't compile.
fn errors(text: &str) -> Vec<&'static str> {
    let errors = try_compile(text).unwrap_err();
    errors.iter().filter(|error| error.severity == Severity::Error).map(|error| error.code).collect()
}

/// The sections of the page: a lint's name, and its examples.
fn sections() -> Vec<(&'static str, Vec<&'static str>)> {
    let sections = PAGE.split("\n## ").skip(1);
    sections
        .map(|section| {
            let name = section.lines().next().unwrap();
            let examples = section.split("```gate\n").skip(1).map(|rest| rest.split("```").next().unwrap());
            (name, examples.collect())
        })
        .collect()
}

#[test]
fn the_page_lists_every_lint() {
    let rows: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| [`")).collect();
    let expected: Vec<String> =
        LINTS.iter().map(|lint| format!("| [`{0}`](#{0}) | {1} |", lint.name, lint.about)).collect();
    assert_eq!(rows, expected, "docs/lints.md should hold these rows:\n{}", expected.join("\n"));
    let names: Vec<&str> = sections().into_iter().map(|(name, _)| name).collect();
    let expected: Vec<&str> = LINTS.iter().map(|lint| lint.name).collect();
    assert_eq!(names, expected);
    assert!(expected.is_sorted() && expected.iter().collect::<HashSet<_>>().len() == expected.len());
}

#[test]
fn every_bad_example_gives_its_lint_and_no_good_one_does() {
    for (name, examples) in sections() {
        let [bad, good] = examples.as_slice() else { panic!("{name} should have two examples") };
        let of_bad: Vec<&str> = codes(bad).into_iter().filter(|code| *code == name).collect();
        assert_eq!(of_bad, [name], "{bad}");
        assert!(!codes(good).contains(&name), "{name}:\n{good}");
        for example in [bad, good] {
            let formatted = syntax::format(&source(example)).unwrap();
            assert_eq!(formatted, **example, "an example of {name} isn't formatted");
            assert!(example.lines().count() <= 16, "{name}");
        }
    }
}

/// Every lint has a help, and a place that isn't empty.
#[test]
fn every_lint_says_what_to_write() {
    for (name, examples) in sections() {
        let found = warnings(examples[0]);
        let found = found.iter().find(|finding| finding.code == name).unwrap();
        assert!(found.help.as_ref().is_some_and(|help| !help.is_empty()), "{name}");
        assert!(found.primary.span.start < found.primary.span.end, "{name}");
        assert!(!found.message.ends_with('.') && !found.message.starts_with(char::is_uppercase), "{}", found.message);
    }
}

/// Every bad example, with its lint allowed above each of its declarations.
#[test]
fn every_lint_can_be_allowed() {
    for (name, examples) in sections().into_iter().filter(|(name, _)| *name != "unused_allowance") {
        let found = warnings(examples[0]);
        let at = found.iter().find(|finding| finding.code == name).unwrap().primary.span.start as usize;
        let file = syntax::parse(0, &source(examples[0])).unwrap();
        let declaration = file.declarations.iter().rfind(|one| one.span.start as usize <= at).unwrap();
        let (before, after) = examples[0].split_at(declaration.span.start as usize);
        let allowed = format!("{before}allow({name}) reason \"meant so\"\n{after}");
        let left = codes(&allowed);
        assert!(!left.contains(&name) && !left.contains(&"unused_allowance"), "{name}: {left:?}\n{allowed}");
        assert_eq!(left.len(), found.len() - 1, "{name}: {left:?}\n{allowed}");
    }
}

#[test]
fn the_policies_are_exemplary() {
    let mut article = codes(ARTICLE);
    article.retain(|code| *code != "not_running");
    assert_eq!(article, ["deprecated_header", "unsafe_script"]);
    assert_eq!(codes(HEALTH), [""; 0]);
}

const OPEN: &str = "routes / { POST /a public body raw }";

#[test]
fn an_allowance_is_for_its_own_declaration() {
    let allow = "allow(public_unsafe_method) reason \"signed\"\n";
    assert_eq!(codes(&format!("policy p\n{OPEN}")), ["public_unsafe_method"]);
    assert_eq!(codes(&format!("policy p\n{allow}{OPEN}")), [""; 0]);
    let other = "routes /b { POST /a public body raw }";
    assert_eq!(codes(&format!("policy p\n{allow}{OPEN}\n{other}")), ["public_unsafe_method"]);
    let misplaced = codes(&format!("policy p\n{allow}headers {{ preset api }}\n{OPEN}"));
    assert_eq!(misplaced, ["unused_allowance", "public_unsafe_method"]);
}

#[test]
fn an_allowance_in_one_file_says_nothing_of_another() {
    let one =
        Source::new("a.gate", "policy p\nallow(public_unsafe_method) reason \"signed\"\nroutes /a { GET / public }");
    let other = Source::new("b.gate", "policy p\nroutes /b { POST / public body raw }");
    let policy = Policy::compile(&[other, one]).unwrap();
    let found: Vec<_> = policy.warnings().iter().map(|finding| (finding.code, finding.primary.span.file)).collect();
    assert_eq!(found, [("unused_allowance", 1), ("public_unsafe_method", 0)]);
}

#[test]
fn several_allowances_and_several_names() {
    let limit = "limit l { algorithm sliding_log  key \"x\"  rate 1 per 1s }";
    let both = "policy p\nallow(unused_limit, shared_bucket) reason \"soon\"\n";
    assert_eq!(codes(&format!("{both}{limit}")), [""; 0]);
    let apart = "policy p\nallow(unused_limit) reason \"soon\"\nallow(shared_bucket) reason \"one for all\"\n";
    assert_eq!(codes(&format!("{apart}{limit}")), [""; 0]);
    let twice = "policy p\nallow(unused_limit, shared_bucket, unused_limit) reason \"soon\"\n";
    assert_eq!(codes(&format!("{twice}{limit}")), ["unused_allowance"]);
    let knowing = "policy p\nallow(unused_limit, shared_bucket, unused_tier, unused_allowance) reason \"soon\"\n";
    assert_eq!(codes(&format!("{knowing}{limit}")), [""; 0]);
    let idle = "policy p\nallow(unused_limit, shared_bucket, unused_allowance) reason \"soon\"\n";
    assert_eq!(codes(&format!("{idle}{limit}")), ["unused_allowance"]);
}

#[test]
fn what_cannot_be_allowed() {
    assert_eq!(errors(&format!("policy p\nallow(public_unsafe_metod) reason \"x\"\n{OPEN}")), ["unknown_lint"]);
    assert_eq!(errors(&format!("policy p\nallow(not_running) reason \"x\"\n{OPEN}")), ["lint_not_switchable"]);
    assert_eq!(
        errors("policy p\nallow(unknown_limit) reason \"x\"\nroutes / { GET / public limit l }"),
        ["unknown_lint", "unknown_limit"]
    );
    for reason in ["", "reason \"\"", "reason \"  \""] {
        assert_eq!(errors(&format!("policy p\nallow(public_unsafe_method) {reason}\n{OPEN}")), ["missing_reason"]);
    }
    assert_eq!(errors("policy p\nallow(unused_role) reason \"x\""), ["syntax"]);
    assert_eq!(errors("policy p\nallow() reason \"x\"\nrole a { }"), ["syntax"]);
    assert_eq!(errors("policy p\nrole a { allow(x) reason \"y\" allow b:c }"), ["syntax"]);
}

/// Lints don't run in a policy with errors, so that no allowance is reported as unused.
#[test]
fn an_error_hides_no_allowance() {
    let text = format!("policy p\nallow(public_unsafe_method) reason \"x\"\n{OPEN}\nlimit l {{ key client.ip }}");
    assert!(!errors(&text).contains(&"unused_allowance"));
}

#[test]
fn only_so_many_of_one_lint_are_told() {
    let mut text = "policy p\n".to_owned();
    for number in 0..150 {
        writeln!(text, "limit l{number} {{ algorithm sliding_log  key client.ip  rate 1 per 1s }}").unwrap();
    }
    let found = warnings(&text);
    assert_eq!(found.len(), 101);
    assert!(found.iter().all(|finding| finding.code == "unused_limit"));
    assert!(found.iter().any(|finding| finding.message.contains("50 more")));
}

/// The length of the hostile policies, in bytes.
const LENGTH: usize = syntax::SOURCE_LIMIT / 4;
/// They are also compiled at this part of their length.
const PART: usize = 4;

/// A policy of `head` and as many lines as fit into a length.
fn many(length: usize, head: &str, line: impl Fn(usize) -> String) -> String {
    let mut text = format!("policy p\n{head}\n");
    for number in 0.. {
        let line = line(number);
        if text.len() + line.len() + 1 > length {
            break;
        }
        writeln!(text, "{line}").unwrap();
    }
    text
}

/// Policies of a length that give the lints as much to do as possible, each with a code that is reported.
fn hostile(length: usize) -> Vec<(&'static str, String)> {
    let scaled = |full: usize| full * length / LENGTH;
    let things = "resource r { actions a, b, c }\ncontext { x: bool }";
    let actions: Vec<String> = (0..scaled(4_000)).map(|number| format!("a{number}")).collect();
    let wide = format!("resource r {{ actions {} }}", actions.join(", "));
    let limit = "algorithm sliding_log  key client.ip  rate 1 per 1s";
    let routes: String = (0..scaled(9_000)).map(|number| format!("POST /r{number} public body raw ")).collect();
    vec![
        (
            "covered_grant",
            many(length, &format!("{things}\nrole z {{ allow r:a }}"), |number| match number {
                0 => "role r0 extends z { allow r:a }".to_owned(),
                _ => format!("role r{number} extends r{} {{ allow r:a }}", number - 1),
            }),
        ),
        (
            "covered_grant",
            many(length, things, |number| format!("role r{number} {{ allow r:*  allow r:a when context.x }}")),
        ),
        (
            "unused_permission",
            many(length, &wide, |number| format!("role r{number} {{ allow r:a{} }}", number % scaled(3_000))),
        ),
        ("duplicate_rule", many(length, &wide, |_| "forbid r:[a1, a2, a3]".to_owned())),
        ("grants_everything", many(length, things, |number| format!("role r{number} {{ allow * }}"))),
        (
            "self_comparison",
            many(length, things, |number| format!("condition c{number} = true or context.x == context.x")),
        ),
        (
            "plain_secret",
            many(length, "", |number| format!("schema s{number} {{ a: any, pin: string matches /[a-z]+/ }}")),
        ),
        ("unused_limit", many(length, "", |number| format!("limit l{number} {{ {limit} }}"))),
        (
            "unused_allowance",
            many(length, "", |number| {
                format!("allow(unused_limit, unused_role) reason \"x\" limit l{number} {{ {limit} }}")
            }),
        ),
        ("public_unsafe_method", many(length, "", |number| format!("routes /r{number} {{ POST / public body raw }}"))),
        (
            "missing_csrf",
            format!(
                "policy p csrf {{ }} limit l {{ {limit} }} routes / {{ limit l {} }}",
                routes.replace("body raw", "no body")
            ),
        ),
        ("public_unsafe_method", format!("policy p routes / {{ {routes} }}")),
        (
            "unsafe_script",
            format!(
                "policy p headers {{ Content-Security-Policy \"script-src {}'self'\" }}",
                "'unsafe-eval' ".repeat(scaled(15_000))
            ),
        ),
        // A wrong name in each of thousands of allowances.
        (
            "unknown_lint",
            many(length, "", |number| format!("allow(unused_limt) reason \"x\" limit l{number} {{ {limit} }}")),
        ),
    ]
}

/// The work that a policy takes grows with its length, and no faster.
#[test]
fn hostile_policies_take_linear_work() {
    for ((lint, part), (_, whole)) in hostile(LENGTH / PART).iter().zip(hostile(LENGTH)) {
        let reported = if *lint == "unknown_lint" { errors } else { codes };
        let ((_, for_part), (found, for_whole)) = (allocations(|| reported(part)), allocations(|| reported(&whole)));
        assert!(found.contains(lint), "{lint}: {found:?}");
        assert!(
            for_whole <= for_part * PART * 5 / 4,
            "{lint}: {for_part} allocations, and {for_whole} for {PART} times as much"
        );
    }
}
