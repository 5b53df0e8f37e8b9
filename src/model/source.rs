//! Policy text and places in it. Spans are byte offsets; lines and columns are computed only when
//! somebody is going to read them.

use std::fmt;

/// One file of a policy, as the host read it. The bytes needn't be UTF-8: compiling says where they aren't.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    invalid_utf8_at: Option<usize>,
}

impl Source {
    /// `name` is what diagnostics call the file.
    pub fn new(name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { name: name.into(), text: text.to_owned(), invalid_utf8_at: None },
            Err(error) => Self {
                name: name.into(),
                text: String::from_utf8_lossy(bytes).into_owned(),
                invalid_utf8_at: Some(error.valid_up_to()),
            },
        }
    }

    /// What diagnostics call the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text; where the bytes weren't UTF-8, with replacement characters.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The offset of the first byte that isn't UTF-8.
    pub fn invalid_utf8_at(&self) -> Option<usize> {
        self.invalid_utf8_at
    }

    /// Line and column, both from 1, of a byte offset; columns count characters.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {} bytes)", self.name, self.text.len())
    }
}

/// A range of bytes in one of a policy's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which of the sources given to [`Policy::compile`](crate::Policy::compile), from 0.
    pub file: u32,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// From the start of this span to the end of `other`, which stands in the same file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { end: other.end.max(self.end), ..self }
    }
}

/// Something, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spanned<T> {
    /// What was written.
    pub node: T,
    /// Where.
    pub span: Span,
}
