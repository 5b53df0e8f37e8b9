//! The language, from outside: trees, spans, diagnostics, recovery, names and hostile input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

#[path = "syntax/dump.rs"]
mod dump;
#[path = "syntax/errors.rs"]
mod errors;
#[path = "syntax/hostile.rs"]
mod hostile;
#[path = "syntax/names.rs"]
mod names;
#[path = "syntax/recovery.rs"]
mod recovery;
#[path = "syntax/trees.rs"]
mod trees;

use portcullis::syntax::tree::File;
use portcullis::{Diagnostic, Source};
use std::fmt::Write as _;

const ARTICLE: &str = include_str!("../policies/article.gate");
const BLOG: &str = include_str!("../policies/blog.gate");

/// The tree of a text that must parse.
#[track_caller]
fn tree(text: &str) -> File {
    match parse(text) {
        Ok(file) => file,
        Err(problems) => panic!("{}", render(text, &problems)),
    }
}

fn parse(text: impl AsRef<[u8]>) -> Result<File, Vec<Diagnostic>> {
    portcullis::syntax::parse(0, &Source::new("test.gate", text))
}

/// The diagnostics of a text that must not parse.
#[track_caller]
fn problems(text: impl AsRef<[u8]>) -> Vec<Diagnostic> {
    parse(text).expect_err("this text should not parse")
}

/// What a policy author sees: the line, what is underlined, the message and the help.
fn render(text: &str, problems: &[Diagnostic]) -> String {
    let source = Source::new("test.gate", text);
    let mut out = String::new();
    for problem in problems {
        let places = std::iter::once(&problem.primary).chain(&problem.others);
        writeln!(out, "error[{}]: {}", problem.code, problem.message).unwrap();
        for (index, label) in places.enumerate() {
            let (line, column) = source.line_and_column(label.span.start as usize);
            let shown = text.lines().nth(line - 1).unwrap_or_default();
            let marked = &text[label.span.start as usize..label.span.end as usize];
            let mark = if index == 0 { "^" } else { "-" }.repeat(marked.chars().count().max(1));
            writeln!(out, "{line:>3} | {shown}\n    | {}{mark} {}", " ".repeat(column - 1), label.text).unwrap();
        }
        writeln!(out, "    = help: {}", problem.help.as_deref().unwrap_or("NONE")).unwrap();
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
