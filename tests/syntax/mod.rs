//! The syntax: trees, spans, diagnostics, recovery, names and hostile input.

mod dump;
mod errors;
mod hostile;
mod keywords;
mod names;
mod recovery;
mod trees;

use std::fmt::Write as _;

use portcullis::diagnostic::Diagnostic;
use portcullis::syntax::tree::File;

use crate::support::source;

pub(crate) use dump::dump;

/// The tree of a text that must parse.
#[track_caller]
fn tree(text: &str) -> File {
    match parse(text) {
        Ok(file) => file,
        Err(problems) => panic!("{}", render(text, &problems)),
    }
}

pub(crate) fn parse(text: impl AsRef<[u8]>) -> Result<File, Vec<Diagnostic>> {
    portcullis::syntax::parse(0, &source(text))
}

/// The diagnostics of a text that must not parse.
#[track_caller]
fn problems(text: impl AsRef<[u8]>) -> Vec<Diagnostic> {
    parse(text).expect_err("this text should not parse")
}

/// Diagnostics as an author sees them: the line, the underlined text, the message and the help.
fn render(text: &str, problems: &[Diagnostic]) -> String {
    let source = source(text);
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
