//! Recovery: cuts a broken file into its declarations, and parses each of them once, by itself. Each broken declaration
//! gives one error.

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::ERROR_LIMIT;
use crate::syntax::errors::diagnose;
use crate::syntax::errors::diagnose::diagnose;
use crate::syntax::errors::expected::declarations;
use crate::syntax::lower::Lowering;
use crate::syntax::parse::{Part, Rule, Stop, parse};
use crate::syntax::scan::{Brackets, scan};
use crate::syntax::tree::Comment;

/// Returns the errors of a broken file. `stop` is the place where the grammar stopped, if it ran.
pub(crate) fn errors(file: u32, text: &str, stop: Option<Stop>) -> Vec<Diagnostic> {
    let scan = scan(file, text, Brackets::EndAtDeclarations);
    let cuts = scan.lines.iter().filter(|line| {
        let rest = text.get(line.start..).unwrap_or_default();
        if line.inside { !line.indented && begins_declaration(rest, true) } else { begins_piece(rest, line.indented) }
    });
    let mut starts: Vec<usize> = std::iter::once(0).chain(cuts.map(|line| line.start)).collect();
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain(std::iter::once(text.len()));

    let mut reader = Reader { file, text, comments: &scan.comments, seen_header: false, problems: Vec::new() };
    let offset = |problem: &Diagnostic| problem.primary.span.start as usize;
    for (start, end) in starts.iter().copied().zip(ends) {
        let next = scan.problems.partition_point(|problem| offset(problem) < start);
        let broken = scan.problems.get(next).is_some_and(|problem| offset(problem) < end);
        reader.piece(start, end, broken);
        if reader.problems.len() > ERROR_LIMIT {
            break;
        }
    }
    let Reader { seen_header, problems: found, .. } = reader;
    let mut problems = scan.problems;
    problems.extend(found);
    if !seen_header {
        problems.push(diagnose::missing_header(file, 0, ""));
    }
    if let Some(stop) = stop.filter(|_| problems.is_empty()) {
        problems.push(diagnose(file, text, 0, &stop));
    }
    capped(file, problems)
}

/// Returns the first errors by position. If there are more, the last error says so.
pub(crate) fn capped(file: u32, mut problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    problems.sort_by_key(|problem| problem.primary.span);
    if problems.len() > ERROR_LIMIT {
        problems.truncate(ERROR_LIMIT);
        let last = problems.last().map_or(Span { file, start: 0, end: 0 }, |problem| problem.primary.span);
        problems.push(
            Diagnostic::error("too_many_errors", last, format!("only the first {ERROR_LIMIT} errors are shown"))
                .help("mend these, and check again"),
        );
    }
    problems
}

struct Reader<'a> {
    file: u32,
    text: &'a str,
    comments: &'a [Comment],
    seen_header: bool,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Reads one piece: `policy NAME`, or usually one declaration. A `broken` piece was reported already.
    fn piece(&mut self, start: usize, end: usize, broken: bool) {
        let piece = self.text.get(start..end).unwrap_or_default();
        let trimmed = without_trivia(piece);
        if trimmed.is_empty() {
            return;
        }
        let base = end - trimmed.len();
        let is_header = first_word(trimmed) == "policy";
        if is_header && self.seen_header && !broken {
            self.problems.push(diagnose::second_header(self.file, base, trimmed));
            return;
        }
        let first = !std::mem::replace(&mut self.seen_header, true);
        if broken {
            return;
        }
        if first && !is_header {
            self.problems.push(diagnose::missing_header(self.file, base, trimmed));
            if !begins_declaration(trimmed, false) {
                return;
            }
        }
        let part = if is_header { Part::File } else { Part::Declarations };
        match parse(part, trimmed) {
            Err(stop) => self.problems.push(diagnose(self.file, trimmed, base, &stop)),
            Ok(pairs) => {
                let base = u32::try_from(base).unwrap_or(u32::MAX);
                let mut lowering = Lowering::new(self.file, base, self.text, self.comments);
                for pair in pairs {
                    match pair.as_rule() {
                        Rule::declaration => drop(lowering.declaration(&pair)),
                        Rule::allowance => drop(lowering.allowance(pair)),
                        _ => {}
                    }
                }
                self.problems.append(&mut lowering.problems);
            }
        }
    }
}

/// Returns `text` without the white space and the comments at its start.
fn without_trivia(text: &str) -> &str {
    let mut rest = text.trim_start_matches('\u{FEFF}').trim_start();
    while let Some(comment) = rest.strip_prefix("//") {
        rest = comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or_default().trim_start();
    }
    rest
}

/// Returns the word at the start of `text`, which may be empty.
pub(crate) fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// True if a piece begins at `text`, which is outside all brackets: a declaration, or a line without indentation that
/// looks like one with a misspelt keyword.
fn begins_piece(text: &str, indented: bool) -> bool {
    if begins_declaration(text, false) {
        return true;
    }
    let Some((line, word)) = first_line(text).filter(|_| !indented) else { return false };
    let after = line.trim_start_matches(word).trim_start();
    let name = first_word(after);
    let behind_name = after.strip_prefix(name).unwrap_or(after).trim_start();
    let behind_string =
        after.strip_prefix('"').and_then(|string| string.split_once('"')).map(|(_, rest)| rest.trim_start());
    behind_name.starts_with('{')
        || behind_string.is_some_and(|rest| rest.starts_with('{'))
        || misspelt_keyword(word) && !after.is_empty()
}

fn misspelt_keyword(word: &str) -> bool {
    diagnose::closest(word, declarations().iter().copied()).is_some()
}

fn first_line(text: &str) -> Option<(&str, &str)> {
    let line = text.split('\n').next()?.trim_end();
    let word = first_word(line);
    (!word.is_empty()).then_some((line, word))
}

/// True if `text` begins with a declaration's keyword and with what may follow it. Inside brackets, where it tests
/// `strictly`, text that could be an entry of a block doesn't count.
pub(crate) fn begins_declaration(text: &str, strictly: bool) -> bool {
    let Some((line, word)) = first_line(text) else { return false };
    let after = line.strip_prefix(word).unwrap_or_default().trim_start();
    let next = after.chars().next();
    let named = next.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '"' | '{' | '\''));
    let braced = after.contains('{');
    match word {
        "keys" | "token" | "limit" | "schema" | "provider" | "resource" | "role" | "scope" | "tier" | "cookie" => {
            named && (braced || !strictly)
        }
        "condition" | "permissions" => named && (after.contains('=') || !strictly),
        "password" | "account" | "context" | "transport" | "csrf" => next == Some('{'),
        "cors" | "headers" => next == Some('{') || named && (braced || !strictly),
        "user" => first_word(after) == "from",
        "routes" => matches!(next, Some('/' | '"' | '{')) || named && !strictly,
        "policy" | "secret" => named && !strictly,
        "allow" => (named || matches!(next, Some('*' | '('))) && !strictly,
        "forbid" | "never" => (named || next == Some('*')) && !strictly,
        _ => false,
    }
}
