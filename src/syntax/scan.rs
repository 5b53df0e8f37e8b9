//! Scans a file before it is parsed: finds comments, the starts of lines, and errors in strings, regexes and brackets.
//! The scan is one pass without recursion, and bounds the brackets that the parser recurses through.

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::errors::diagnose;
use crate::syntax::errors::recover::begins_declaration;
use crate::syntax::tree::Comment;
use crate::syntax::{DEPTH_LIMIT, ERROR_LIMIT, nested_too_deeply};

/// The treatment of brackets that don't match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Brackets {
    /// Reports them.
    #[default]
    Strict,
    /// Closes all open brackets before a declaration without indentation: its author forgot to close them.
    EndAtDeclarations,
}

/// The result of a scan.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// The comments in the order written.
    pub(crate) comments: Vec<Comment>,
    /// The problems by position.
    pub(crate) problems: Vec<Diagnostic>,
    /// The lines that begin with a word.
    pub(crate) lines: Vec<Line>,
}

/// The start of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// The offset of the first character that isn't blank.
    pub(crate) start: usize,
    /// True if blanks precede that character.
    pub(crate) indented: bool,
    /// True if brackets are open there.
    pub(crate) inside: bool,
}

/// Scans a text that is at most 1 MiB long.
pub(crate) fn scan(file: u32, text: &str, brackets: Brackets) -> Scan {
    let mut scanner = Scanner { file, text, brackets, ..Scanner::default() };
    scanner.run();
    let mut scan = scanner.scan;
    scan.problems.sort_by_key(|problem| problem.primary.span);
    scan
}

#[derive(Default)]
struct Scanner<'a> {
    file: u32,
    text: &'a str,
    at: usize,
    brackets: Brackets,
    /// The open brackets and their offsets.
    open: Vec<(u8, usize)>,
    /// The number of open brackets beyond the limit.
    beyond: usize,
    /// True if an error inside the open brackets makes closing brackets unreliable.
    reported: bool,
    /// The number of `not`s directly before this place.
    nots: usize,
    /// True directly after the word `matches`.
    before_regex: bool,
    scan: Scan,
}

impl Scanner<'_> {
    fn run(&mut self) {
        let mut line_start = 0;
        let mut line_begun = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\n' => {
                    self.at += 1;
                    line_start = self.at;
                    line_begun = false;
                    continue;
                }
                b' ' | b'\t' | b'\r' => {
                    self.at += 1;
                    continue;
                }
                b'/' if self.peek(1) == Some(b'/') => {
                    self.comment();
                    continue;
                }
                _ => {}
            }
            if !line_begun && is_word(byte) {
                self.line(line_start);
            }
            line_begun = true;
            if is_word(byte) {
                self.word();
                continue;
            }
            let before_regex = std::mem::take(&mut self.before_regex);
            self.nots = 0;
            match byte {
                b'"' => self.string(),
                b'/' if before_regex => self.regex(),
                b'(' | b'[' | b'{' => self.open(byte),
                b')' | b']' | b'}' => self.close(byte),
                _ => self.at += 1,
            }
        }
        self.end_open();
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn span(&self, start: usize, end: usize) -> Span {
        diagnose::span(self.file, start, end - start)
    }

    fn line(&mut self, line_start: usize) {
        let indented = self.text.get(line_start..self.at).is_some_and(|blank| blank.contains([' ', '\t']));
        if self.brackets == Brackets::EndAtDeclarations
            && !indented
            && !self.open.is_empty()
            && begins_declaration(self.text.get(self.at..).unwrap_or_default(), true)
        {
            self.end_open();
        }
        self.scan.lines.push(Line { start: self.at, indented, inside: !self.open.is_empty() });
    }

    fn comment(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let span = self.span(self.at, self.at + line.len());
        let doc = line.starts_with("///") && !line.starts_with("////");
        self.scan.comments.push(Comment { span, doc });
        self.at += line.len();
    }

    fn word(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(is_word) {
            self.at += 1;
        }
        let word = self.text.get(start..self.at).unwrap_or_default();
        // A segment of a path, such as the last of `/posts/matches`, is followed by a slash that begins no regex.
        let before = start.checked_sub(1).and_then(|before| self.text.as_bytes().get(before));
        self.before_regex = word == "matches" && !before.is_some_and(|byte| b"/-.~%!$&'*+=:@".contains(byte));
        if word == "not" {
            self.nots += 1;
            if self.nots == DEPTH_LIMIT + 1 {
                let span = self.span(start, self.at);
                self.scan.problems.push(nested_too_deeply(span, "run of `not`s"));
            }
        } else {
            self.nots = 0;
        }
    }

    fn string(&mut self) {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek(0) {
                Some(b'"') => {
                    self.at += 1;
                    return;
                }
                Some(b'\\') if self.peek(1).is_some_and(|byte| byte != b'\n') => self.at += 2,
                None | Some(b'\n') => break,
                Some(_) => self.at += 1,
            }
        }
        self.unterminated(
            start,
            ("unterminated_string", "the string doesn't end on its line"),
            "close it with `\"`; a line break inside a string is written `\\n`",
        );
    }

    /// Reads a regex. A slash inside a class doesn't end it, and classes nest.
    fn regex(&mut self) {
        let start = self.at;
        self.at += 1;
        let mut classes = 0_usize;
        loop {
            match self.peek(0) {
                Some(b'/') if classes == 0 => {
                    self.at += 1;
                    return;
                }
                Some(b'\\') if self.peek(1).is_some_and(|byte| byte != b'\n') => self.at += 1,
                Some(b'[') => {
                    classes += 1;
                    if classes == DEPTH_LIMIT + 1 {
                        let span = self.span(self.at, self.at + 1);
                        self.scan.problems.push(nested_too_deeply(span, "regex"));
                    }
                    if self.peek(1) == Some(b'^') {
                        self.at += 1;
                    }
                    // Right after the opening bracket, a closing one is a member of the class.
                    if self.peek(1) == Some(b']') {
                        self.at += 1;
                    }
                }
                Some(b']') => classes = classes.saturating_sub(1),
                None | Some(b'\n') => break,
                Some(_) => {}
            }
            self.at += 1;
        }
        self.unterminated(
            start,
            ("unterminated_regex", "the regex doesn't end on its line"),
            "close it with `/`, and every class `[` in it with `]`; a slash in it is written `\\/`",
        );
    }

    fn unterminated(&mut self, start: usize, (code, message): (&'static str, &str), help: &str) {
        self.reported = !self.open.is_empty();
        let span = self.span(start, start + 1);
        self.problem(Diagnostic::error(code, span, message).label("it begins here").help(help));
    }

    fn open(&mut self, byte: u8) {
        if self.open.len() < DEPTH_LIMIT {
            self.open.push((byte, self.at));
        } else {
            self.beyond += 1;
            if !self.reported {
                self.reported = true;
                let span = self.span(self.at, self.at + 1);
                self.scan.problems.push(nested_too_deeply(span, "text in brackets"));
            }
        }
        self.at += 1;
    }

    fn close(&mut self, byte: u8) {
        let wanted = match byte {
            b')' => b'(',
            b']' => b'[',
            _ => b'{',
        };
        let at = self.at;
        self.at += 1;
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        match self.open.iter().rposition(|(open, _)| *open == wanted) {
            Some(matching) => {
                let unclosed = self.open.get(matching + 1).copied();
                self.open.truncate(matching);
                if let Some((open, open_at)) = unclosed.filter(|_| !self.reported) {
                    self.unclosed(open, open_at, Some(at));
                }
            }
            None if !self.reported => {
                let span = self.span(at, at + 1);
                let bracket = char::from(byte);
                self.problem(
                    Diagnostic::error("unexpected_bracket", span, format!("`{bracket}` closes nothing"))
                        .help(format!("take it away, or write `{}` where it should begin", char::from(wanted))),
                );
            }
            None => {}
        }
        if self.open.is_empty() {
            self.reported = false;
        }
    }

    /// Gives up on all open brackets.
    fn end_open(&mut self) {
        if let Some((open, at)) = self.open.first().copied().filter(|_| !self.reported) {
            self.unclosed(open, at, None);
        }
        self.open.clear();
        self.beyond = 0;
        self.reported = false;
    }

    fn unclosed(&mut self, open: u8, at: usize, closed_at: Option<usize>) {
        let closing = match open {
            b'(' => ')',
            b'[' => ']',
            _ => '}',
        };
        let mut problem = Diagnostic::error(
            "unclosed_bracket",
            self.span(at, at + 1),
            format!("`{}` is never closed", char::from(open)),
        )
        .help(format!("write `{closing}` where it ends"));
        if let Some(closed_at) = closed_at {
            problem = problem.also(self.span(closed_at, closed_at + 1), "closes what is around it");
        }
        self.problem(problem);
    }

    /// Reports a problem up to the limit of errors. Problems that guard the parser are always reported, so they don't come
    /// here.
    fn problem(&mut self, problem: Diagnostic) {
        if self.scan.problems.len() <= ERROR_LIMIT {
            self.scan.problems.push(problem);
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
