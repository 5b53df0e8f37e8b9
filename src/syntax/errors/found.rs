//! The text at the place where the grammar stopped.

use crate::syntax::errors::recover::first_word;

/// The text at a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    End,
    Word(&'a str),
    Number(&'a str),
    /// The length in bytes, with its quotes.
    String(usize),
    /// `'`, which begins no string.
    Quote,
    /// White space inside a token.
    Space,
    /// White space that separates nothing, such as a non-breaking space pasted from a page.
    OddSpace(char),
    Symbol(&'a str),
}

impl<'a> Found<'a> {
    pub(crate) fn at(rest: &'a str) -> Self {
        let Some(first) = rest.chars().next() else { return Self::End };
        let word = first_word(rest);
        if first == '"' {
            let mut escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, c)| {
                let ends = *c == '"' && !escaped || *c == '\n';
                escaped = *c == '\\' && !escaped;
                ends
            });
            return Self::String(end.map_or(rest.len(), |(end, _)| end + 1));
        }
        if matches!(first, ' ' | '\t' | '\n' | '\r') {
            return Self::Space;
        }
        if first.is_whitespace() {
            return Self::OddSpace(first);
        }
        if first == '\'' {
            return Self::Quote;
        }
        if first.is_ascii_digit() {
            return Self::Number(word);
        }
        if !word.is_empty() {
            return Self::Word(word);
        }
        let symbol = ["&&", "||", "==", "!=", "<=", ">=", "??", "=>", "->", "::", ".."];
        let symbol = symbol.into_iter().find(|symbol| rest.starts_with(symbol));
        Self::Symbol(rest.get(..symbol.map_or(first.len_utf8(), str::len)).unwrap_or_default())
    }

    pub(crate) fn len(self) -> usize {
        match self {
            Self::End => 0,
            Self::Word(text) | Self::Number(text) | Self::Symbol(text) => text.len(),
            Self::String(len) => len,
            Self::Quote | Self::Space => 1,
            Self::OddSpace(space) => space.len_utf8(),
        }
    }

    pub(crate) fn label(self) -> String {
        match self {
            Self::End => "the end of the declaration".to_owned(),
            Self::Word(text) | Self::Number(text) => format!("`{text}`"),
            Self::Symbol(text) if text.chars().all(|c| !c.is_control() && c != '`') => format!("`{text}`"),
            Self::Symbol(_) => "an unprintable character".to_owned(),
            Self::String(_) => "a string".to_owned(),
            Self::Quote => "`'`".to_owned(),
            Self::Space => "white space".to_owned(),
            Self::OddSpace(space) => format!("white space of another kind (U+{:04X})", u32::from(space)),
        }
    }
}
