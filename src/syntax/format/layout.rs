//! Lays out tokens in rows of chunks, and puts the comments back among them. Each comment ends up on a row, and a row has
//! at most one.

use crate::syntax::format::LINE;
use crate::syntax::tree::Comment;

/// The index of a set of rows that share columns.
pub(crate) type Table = usize;

/// A line of output, or several lines if it is too long.
#[derive(Debug, Default)]
pub(crate) struct Row<'s> {
    /// True if a blank line precedes the row.
    pub(crate) blank: bool,
    /// The indentation in levels.
    pub(crate) indent: usize,
    /// The table under whose second column the row begins, instead of the margin.
    pub(crate) under: Option<Table>,
    /// The table whose columns the row has.
    pub(crate) table: Option<Table>,
    /// Empty for a comment on a row of its own.
    pub(crate) chunks: Vec<Chunk>,
    /// The comment at the end of the row.
    pub(crate) comment: Option<&'s str>,
    /// True if the row stays on one line even if it is too long.
    pub(crate) unbroken: bool,
    /// The width in characters, before alignment.
    width: usize,
}

/// A text that is aligned as a whole.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) text: String,
    /// The least number of spaces before the chunk.
    pub(crate) gap: usize,
    /// The offsets of the spaces in `text` that may become line breaks.
    pub(crate) breaks: Vec<usize>,
}

/// The white space before a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    Nothing,
    Space,
    /// A space, or a line break where the line is too long.
    Soft,
    /// Two spaces.
    Wide,
    /// Begins a chunk after so many spaces. In a block on one line, which is one chunk, it is only the spaces.
    BlockColumn(usize),
    /// Begins a chunk after so many spaces, even in a block on one line.
    Column(usize),
}

/// The position of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CommentPosition {
    BetweenEntries,
    InsideEntry,
}

/// The state before a block on one line, restored if the block doesn't fit.
pub(crate) struct Checkpoint {
    chunks: usize,
    length: usize,
    width: usize,
    last_end: usize,
}

#[derive(Default)]
pub(crate) struct Layout<'s> {
    text: &'s str,
    comments: &'s [Comment],
    next_comment: usize,
    /// The end of the last token or comment that was laid out.
    last_end: usize,
    rows: Vec<Row<'s>>,
    current: Option<Row<'s>>,
    indent: usize,
    /// True at the start of a block.
    fresh: bool,
    /// The table of the current entry.
    entry_table: Option<Table>,
    /// True if the rows that continue the entry begin under its second column.
    hanging: bool,
    /// True if `hanging` becomes true with the entry's second column.
    may_hang: bool,
    tables: usize,
    /// The depth of blocks on one line.
    flat: usize,
    /// True if such a block is too long.
    over: bool,
}

impl<'s> Layout<'s> {
    pub(crate) fn new(text: &'s str, comments: &'s [Comment]) -> Self {
        Self { text, comments, fresh: true, ..Self::default() }
    }

    /// Returns the rows and the number of their tables.
    pub(crate) fn finish(mut self) -> (Vec<Row<'s>>, usize) {
        self.take_comments(self.text.len(), CommentPosition::BetweenEntries);
        self.end_row();
        (self.rows, self.tables)
    }

    pub(crate) fn new_table(&mut self) -> Table {
        self.tables += 1;
        self.tables - 1
    }

    pub(crate) fn is_flat(&self) -> bool {
        self.flat > 0
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    pub(crate) fn row_count(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn rows_from(&mut self, first: usize) -> &mut [Row<'s>] {
        self.rows.get_mut(first..).unwrap_or_default()
    }

    /// Begins the row of an entry or a declaration, whose first token begins at `start`.
    pub(crate) fn begin_row(&mut self, start: usize) {
        self.take_comments(start, CommentPosition::BetweenEntries);
        self.end_row();
        let blank = !self.fresh && self.line_breaks_before(start) > 1;
        self.fresh = false;
        self.begin_entry(Row { blank, ..self.row() }, None);
    }

    fn begin_entry(&mut self, row: Row<'s>, table: Option<Table>) {
        (self.hanging, self.may_hang, self.entry_table, self.current) = (false, false, table, Some(row));
    }

    /// Suppresses the blank line before the next row.
    pub(crate) fn keep_with_next(&mut self) {
        self.fresh = true;
    }

    /// Puts the current row into a table. If it `may_hang`, the rows that continue it begin under its second column.
    pub(crate) fn join(&mut self, table: Table, may_hang: bool) {
        self.entry_table = Some(table);
        self.may_hang = may_hang;
        if let Some(row) = &mut self.current {
            row.table = Some(table);
        }
    }

    pub(crate) fn keep_unbroken(&mut self) {
        if let Some(row) = &mut self.current {
            row.unbroken = true;
        }
    }

    pub(crate) fn end_row(&mut self) {
        self.rows.extend(self.current.take().filter(|row| !row.chunks.is_empty()));
    }

    /// Continues the entry with a row under its second column, in a table of its own.
    pub(crate) fn begin_hanging_row(&mut self, start: usize, table: Table) {
        self.hanging = true;
        self.take_comments(start, CommentPosition::InsideEntry);
        self.end_row();
        self.current = Some(Row { table: Some(table), ..self.continuation() });
    }

    /// Adds the text from `start` to `end`.
    pub(crate) fn token(&mut self, start: usize, end: usize, gap: Gap) {
        if self.over {
            return;
        }
        self.take_comments(start, CommentPosition::InsideEntry);
        let token = self.text.get(start..end).unwrap_or_default();
        let flat = self.flat > 0;
        let mut row = self.current.take().unwrap_or_else(|| self.continuation());
        match (row.chunks.last_mut(), gap) {
            (None, _) => row.chunks.push(Chunk { text: token.to_owned(), ..Chunk::default() }),
            (Some(_), Gap::Column(gap)) => row.push(gap, token),
            (Some(_), Gap::BlockColumn(gap)) if !flat => {
                self.hanging |= self.may_hang;
                row.push(gap, token);
            }
            (Some(chunk), gap) => {
                let spaces = match gap {
                    Gap::Nothing => "",
                    Gap::Wide | Gap::BlockColumn(2) => "  ",
                    _ => " ",
                };
                if gap == Gap::Soft && !flat {
                    chunk.breaks.push(chunk.text.len());
                }
                chunk.text.push_str(spaces);
                chunk.text.push_str(token);
                row.width += spaces.len();
            }
        }
        row.width += token.chars().count();
        self.over = flat && row.width > LINE;
        self.current = Some(row);
        self.last_end = end;
    }

    /// Handles a comma of the source. A needed comma stays directly after the token before it, before any comment.
    pub(crate) fn comma(&mut self, end: usize, needed: bool) {
        if needed {
            self.push_comma();
        }
        let pending = self.comments.get(self.next_comment).is_some_and(|comment| (comment.span.start as usize) < end);
        if !pending && !self.over {
            self.last_end = end;
        }
    }

    /// Adds a comma.
    pub(crate) fn push_comma(&mut self) {
        let Some(row) = self.current.as_mut().filter(|_| !self.over) else { return };
        if let Some(chunk) = row.chunks.last_mut() {
            chunk.text.push(',');
            row.width += 1;
        }
    }

    /// Ends the row after its opening brace, and indents the following rows.
    pub(crate) fn begin_block(&mut self) {
        self.end_row();
        self.indent += 1;
        self.fresh = true;
    }

    /// Ends a block, and begins a row with its closing brace.
    pub(crate) fn end_block(&mut self, start: usize, end: usize, entry_table: Option<Table>) {
        self.take_comments(start, CommentPosition::BetweenEntries);
        self.end_row();
        self.indent = self.indent.saturating_sub(1);
        self.fresh = false;
        self.begin_entry(self.row(), entry_table);
        self.token(start, end, Gap::Nothing);
    }

    pub(crate) fn entry_table(&self) -> Option<Table> {
        self.entry_table
    }

    /// Begins a block on one line, whose first token begins at `start`.
    pub(crate) fn begin_flat(&mut self, start: usize) -> Checkpoint {
        if !self.over {
            self.take_comments(start, CommentPosition::InsideEntry);
        }
        self.flat += 1;
        let row = self.current.take().unwrap_or_else(|| self.continuation());
        let checkpoint = Checkpoint {
            chunks: row.chunks.len(),
            length: row.chunks.last().map_or(0, |chunk| chunk.text.len()),
            width: row.width,
            last_end: self.last_end,
        };
        self.current = Some(row);
        checkpoint
    }

    /// Ends a block on one line. Returns false after it removed a block that didn't fit; an inner block is left to the
    /// outermost one.
    pub(crate) fn end_flat(&mut self, checkpoint: &Checkpoint) -> bool {
        self.flat -= 1;
        if !self.over || self.flat > 0 {
            return true;
        }
        self.over = false;
        self.last_end = checkpoint.last_end;
        if let Some(row) = &mut self.current {
            row.width = checkpoint.width;
            row.chunks.truncate(checkpoint.chunks);
            if let Some(chunk) = row.chunks.last_mut() {
                chunk.text.truncate(checkpoint.length);
            }
        }
        false
    }

    fn row(&self) -> Row<'s> {
        Row { indent: self.indent, width: 2 * self.indent, ..Row::default() }
    }

    /// Returns a row that continues an entry.
    fn continuation(&self) -> Row<'s> {
        match self.entry_table.filter(|_| self.hanging) {
            Some(table) => Row { under: Some(table), ..self.row() },
            None => Row { indent: self.indent + 1, ..self.row() },
        }
    }

    /// Counts the line breaks between the last token or comment and `start`.
    fn line_breaks_before(&self, start: usize) -> usize {
        let between = self.text.get(self.last_end..start).unwrap_or_default();
        between.bytes().filter(|byte| *byte == b'\n').count()
    }

    /// Adds the comments before `start`.
    fn take_comments(&mut self, start: usize, position: CommentPosition) {
        while let Some(comment) = self.comments.get(self.next_comment) {
            let (comment_start, end) = (comment.span.start as usize, comment.span.end as usize);
            if comment_start >= start {
                return;
            }
            self.next_comment += 1;
            let text = self.text.get(comment_start..end).unwrap_or_default().trim_end();
            let line_breaks = self.line_breaks_before(comment_start);
            self.end_row();
            match self.rows.last_mut() {
                Some(row) if line_breaks == 0 && row.comment.is_none() => row.comment = Some(text),
                _ => {
                    let inside = position == CommentPosition::InsideEntry;
                    let row = if inside { self.continuation() } else { self.row() };
                    let blank = !inside && !self.fresh && line_breaks > 1;
                    self.rows.push(Row { blank, comment: Some(text), ..row });
                    self.fresh = false;
                }
            }
            self.last_end = end;
        }
    }
}

impl Row<'_> {
    fn push(&mut self, gap: usize, token: &str) {
        self.chunks.push(Chunk { text: token.to_owned(), gap, ..Chunk::default() });
        self.width += gap;
    }
}
