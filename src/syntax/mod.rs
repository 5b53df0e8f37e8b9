//! The syntax of policies: turns a file into a [`tree::File`], or into every syntax error in it. Nothing is resolved here,
//! and no input makes it panic or exhaust the stack.
//!
//! `scan` counts brackets and finds comments, `parse` runs the grammar, and `lower` builds the tree. If the grammar stops,
//! `errors` reads the file declaration by declaration and words the diagnostics. `format` turns a file into canonical text.

pub(crate) mod errors;
pub(crate) mod format;
pub(crate) mod literal;
pub(crate) mod lower;
pub(crate) mod parse;
pub(crate) mod scan;
pub mod tree;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::{Source, Span};
use crate::syntax::errors::recover;
pub use crate::syntax::format::format;
use crate::syntax::lower::Lowering;
use crate::syntax::parse::{Part, Rule};
use crate::syntax::tree::{Comment, Declaration, File};

use pest::iterators::Pairs;

/// The largest policy file, in bytes.
pub const SOURCE_LIMIT: usize = 1 << 20;
/// The depth to which brackets, `not`s and operators may nest.
pub const DEPTH_LIMIT: usize = 64;
/// The number of syntax errors of one file that are reported.
pub const ERROR_LIMIT: usize = 100;

/// Parses one file of a policy. `file` is the index of the file in all spans of the tree.
///
/// # Errors
///
/// Returns every syntax error by position: one for each declaration, and [`ERROR_LIMIT`] at most.
pub fn parse(file: u32, source: &Source) -> Result<File, Vec<Diagnostic>> {
    let (pairs, comments) = read(file, source)?;
    lower(file, source.text(), pairs, comments)
}

/// Returns the pairs of a file and its comments.
fn read(file: u32, source: &Source) -> Result<(Pairs<'_, Rule>, Vec<Comment>), Vec<Diagnostic>> {
    let text = source.text();
    let start = Span { file, start: 0, end: 0 };
    if text.len() > SOURCE_LIMIT {
        return Err(vec![too_large(start, "the file is")]);
    }
    if let Some(at) = source.invalid_utf8_at() {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span { file, start: at, end: at };
        return Err(vec![
            Diagnostic::error("invalid_utf8", span, "the file isn't UTF-8 text")
                .label("the first byte that isn't")
                .help("save the file with the encoding UTF-8"),
        ]);
    }
    let scan = scan::scan(file, text, scan::Brackets::Strict);
    if !scan.problems.is_empty() {
        return Err(recover::errors(file, text, None));
    }
    match parse::parse(Part::File, text) {
        Ok(pairs) => Ok((pairs, scan.comments)),
        Err(stop) => Err(recover::errors(file, text, Some(stop))),
    }
}

fn lower(file: u32, text: &str, pairs: Pairs<'_, Rule>, comments: Vec<Comment>) -> Result<File, Vec<Diagnostic>> {
    let mut lowering = Lowering::new(file, 0, text, &comments);
    let mut header = None;
    let mut declarations: Vec<Declaration> = Vec::new();
    for pair in pairs {
        match pair.as_rule() {
            Rule::header => header = lowering.header(pair),
            Rule::declaration => declarations.extend(lowering.declaration(&pair)),
            _ => {}
        }
    }
    let problems = lowering.problems;
    match header {
        Some((policy, doc)) if problems.is_empty() => Ok(File { policy, doc, declarations, comments }),
        _ => Err(recover::capped(file, problems)),
    }
}

fn too_large(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error("policy_too_large", span, format!("{what} larger than {SOURCE_LIMIT} bytes"))
        .help("spread the policy over several files of one folder, each beginning with the same `policy NAME`")
}

/// Returns the error for text that nests deeper than [`DEPTH_LIMIT`]; `what` is the user's word for the text.
fn nested_too_deeply(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error("nested_too_deeply", span, format!("the {what} is nested more than {DEPTH_LIMIT} levels deep"))
        .help("give parts of it names, with `condition NAME = EXPR` or `schema NAME { … }`")
}
