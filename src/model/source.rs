//! The text of a policy, and spans in it. Spans are byte offsets; lines and columns are computed for display only.

use std::fmt;
use std::sync::Arc;

/// One file of a policy, as the host read it. The bytes needn't be UTF-8: compiling says where they aren't. Clones
/// share their text, so that a policy keeps none of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    /// The offset that each line begins at, as far as `u32` goes: sources are capped far below.
    lines: Arc<[u32]>,
    invalid_utf8_at: Option<usize>,
}

impl Source {
    /// A file with its name in diagnostics.
    pub fn new(name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        let text = String::from_utf8_lossy(bytes.as_ref());
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines: Vec<u32> =
            std::iter::once(0).chain(after_breaks).map_while(|start| u32::try_from(start).ok()).collect();
        let invalid_utf8_at = std::str::from_utf8(bytes.as_ref()).err().map(|error| error.valid_up_to());
        Self { name: name.into().into(), text: text.into(), lines: lines.into(), invalid_utf8_at }
    }

    /// Returns the file's name in diagnostics.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text, with replacement characters for bytes that aren't UTF-8.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the offset of the first byte that isn't UTF-8.
    pub fn invalid_utf8_at(&self) -> Option<usize> {
        self.invalid_utf8_at
    }

    /// Returns the line and the column of a byte offset, both from 1; columns count characters.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.lines.partition_point(|start| *start as usize <= offset);
        let start = line.checked_sub(1).and_then(|before| self.lines.get(before)).map_or(0, |start| *start as usize);
        let column = self.text.get(start..offset).unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// A span's position as `FILE:LINE:COLUMN`; empty if it is in none of the sources.
pub(crate) fn locate(sources: &[Source], span: Span) -> String {
    let Some(source) = sources.get(span.file as usize) else { return String::new() };
    let (line, column) = source.line_and_column(span.start as usize);
    format!("{}:{line}:{column}", source.name())
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {} bytes)", self.name, self.text.len())
    }
}

/// A range of bytes in one of a policy's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The index of the file among the sources given to [`Policy::compile`](crate::Policy::compile).
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
    /// The value.
    pub node: T,
    /// The span.
    pub span: Span,
}
