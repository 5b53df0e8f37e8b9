//! Comes in: the text of a file. Goes out: its comments, where its lines begin and how deeply, and what is wrong with
//! strings, regexes and brackets. One pass, no recursion: it guards the parser, which recurses through brackets.

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::errors::recover::begins_declaration;
use crate::syntax::tree::Comment;
use crate::syntax::{DEPTH_LIMIT, ERROR_LIMIT, nested_too_deeply};

/// How to take brackets that don't match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Brackets {
    /// As they stand.
    Strict,
    /// What begins a declaration at the very left ends what was open: its author forgot to close it.
    EndAtDeclarations,
}

/// What the scan has found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// In the order written.
    pub(crate) comments: Vec<Comment>,
    /// By position.
    pub(crate) problems: Vec<Diagnostic>,
    /// The lines that begin with a word.
    pub(crate) lines: Vec<Line>,
}

/// Where a line begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// Its first character that isn't blank.
    pub(crate) start: usize,
    /// Whether blanks stand before it.
    pub(crate) indented: bool,
    /// Whether brackets are open there.
    pub(crate) inside: bool,
}

/// Scans a text that is at most 1 MiB long.
pub(crate) fn scan(file: u32, text: &str, brackets: Brackets) -> Scan {
    let mut scanner = Scanner {
        file,
        text,
        at: 0,
        brackets,
        open: Vec::new(),
        beyond: 0,
        reported: false,
        nots: 0,
        before_regex: false,
        scan: Scan { comments: Vec::new(), problems: Vec::new(), lines: Vec::new() },
    };
    scanner.run();
    let mut scan = scanner.scan;
    scan.problems.sort_by_key(|problem| problem.primary.span);
    scan
}

struct Scanner<'a> {
    file: u32,
    text: &'a str,
    at: usize,
    brackets: Brackets,
    /// The brackets that are open, and where.
    open: Vec<(u8, usize)>,
    /// How many more are open, beyond the limit.
    beyond: usize,
    /// Whether what is open has had an error that makes its closing brackets doubtful.
    reported: bool,
    /// How many `not`s stand right before here.
    nots: usize,
    /// Whether the word `matches` stands right before here.
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
        let place = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file: self.file, start: place(start), end: place(end) }
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
        self.reported = !self.open.is_empty();
        let span = self.span(start, start + 1);
        self.problem(
            Diagnostic::error("unterminated_string", span, "the string doesn't end on its line")
                .label("it begins here")
                .help("close it with `\"`; a line break inside a string is written `\\n`"),
        );
    }

    /// A slash inside a class doesn't end a regex. Classes nest.
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
        self.reported = !self.open.is_empty();
        let span = self.span(start, start + 1);
        self.problem(
            Diagnostic::error("unterminated_regex", span, "the regex doesn't end on its line")
                .label("it begins here")
                .help("close it with `/`, and every class `[` in it with `]`; a slash in it is written `\\/`"),
        );
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

    /// Nothing that is open will be closed.
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

    /// Nobody reads more than so many. What guards the parser isn't told here: it must always be.
    fn problem(&mut self, problem: Diagnostic) {
        if self.scan.problems.len() <= ERROR_LIMIT {
            self.scan.problems.push(problem);
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
