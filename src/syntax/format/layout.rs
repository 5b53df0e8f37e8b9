//! Comes in: tokens in the order written, and where rows begin. Goes out: rows of cells with the comments back among
//! them. It never drops a comment, and never puts two on one row.

use crate::syntax::format::LINE;
use crate::syntax::tree::Comment;

/// The number of a set of rows that share columns.
pub(crate) type Table = usize;

/// A line to be, or several where it is too long.
#[derive(Debug, Default)]
pub(crate) struct Row<'s> {
    /// Whether a blank line stands before it.
    pub(crate) blank: bool,
    /// In levels.
    pub(crate) indent: usize,
    /// The table under whose second column it begins, instead of the margin.
    pub(crate) under: Option<Table>,
    /// The table whose columns it has.
    pub(crate) table: Option<Table>,
    /// None, where the comment has the row to itself.
    pub(crate) cells: Vec<Cell>,
    /// What stands at its end.
    pub(crate) comment: Option<&'s str>,
    /// Whether it stays on one line however long it is.
    pub(crate) unbroken: bool,
    /// In characters, unaligned.
    width: usize,
}

/// What is aligned, and the gap before it.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// How many spaces stand before it at least.
    pub(crate) gap: usize,
    /// Which spaces in `text` may become line breaks.
    pub(crate) breaks: Vec<usize>,
}

/// What stands before a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    Nothing,
    Space,
    /// A space, or a line break where the line is too long.
    Soft,
    /// Two spaces.
    Wide,
    /// The end of a cell, except in a block on one line: that is in one cell of its row.
    Cell(usize),
    /// The end of a cell, even there.
    Column(usize),
}

/// Where a comment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    BetweenEntries,
    InsideEntry,
}

/// What a block on one line goes back to if it doesn't fit.
pub(crate) struct Mark {
    cells: usize,
    length: usize,
    width: usize,
    last_end: usize,
}

pub(crate) struct Paper<'s> {
    text: &'s str,
    comments: &'s [Comment],
    next_comment: usize,
    /// Where what was last taken down ends.
    last_end: usize,
    rows: Vec<Row<'s>>,
    current: Option<Row<'s>>,
    indent: usize,
    /// Whether nothing stands in the block yet.
    fresh: bool,
    /// The table of the entry that is being written.
    entry_table: Option<Table>,
    /// Whether the lines that continue the entry stand under its second column: from now on, or as soon as it has one.
    hanging: bool,
    may_hang: bool,
    tables: usize,
    /// How many blocks on one line we are in.
    flat: usize,
    /// Whether such a block turned out too long.
    over: bool,
}

impl<'s> Paper<'s> {
    pub(crate) fn new(text: &'s str, comments: &'s [Comment]) -> Self {
        Self {
            text,
            comments,
            next_comment: 0,
            last_end: 0,
            rows: Vec::new(),
            current: None,
            indent: 0,
            fresh: true,
            entry_table: None,
            hanging: false,
            may_hang: false,
            tables: 0,
            flat: 0,
            over: false,
        }
    }

    /// The rows, and how many tables they have.
    pub(crate) fn finish(mut self) -> (Vec<Row<'s>>, usize) {
        self.take_comments(self.text.len(), Place::BetweenEntries);
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

    /// How many rows are done.
    pub(crate) fn done(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn rows_from(&mut self, first: usize) -> &mut [Row<'s>] {
        self.rows.get_mut(first..).unwrap_or_default()
    }

    /// Begins the row of an entry or a declaration, whose first token stands at `start`.
    pub(crate) fn begin_row(&mut self, start: usize) {
        self.take_comments(start, Place::BetweenEntries);
        self.end_row();
        let blank = !self.fresh && self.line_breaks_before(start) > 1;
        self.fresh = false;
        self.hanging = false;
        self.may_hang = false;
        self.entry_table = None;
        self.current = Some(Row { blank, ..self.row() });
    }

    /// No blank line stands between what was written last and what comes next.
    pub(crate) fn keep_with_next(&mut self) {
        self.fresh = true;
    }

    /// Gives the row that has begun the columns of a table. If it `may_hang`, what continues it stands in its second
    /// column.
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
        self.rows.extend(self.current.take().filter(|row| !row.cells.is_empty()));
    }

    /// Continues the entry with a row under its second column, which has columns of its own.
    pub(crate) fn begin_hanging_row(&mut self, start: usize, table: Table) {
        self.hanging = true;
        self.take_comments(start, Place::InsideEntry);
        self.end_row();
        self.current = Some(Row { table: Some(table), ..self.continuation() });
    }

    /// Takes down the text from `start` to `end`.
    pub(crate) fn token(&mut self, start: usize, end: usize, gap: Gap) {
        if self.over {
            return;
        }
        self.take_comments(start, Place::InsideEntry);
        let token = self.text.get(start..end).unwrap_or_default();
        let flat = self.flat > 0;
        let mut row = self.current.take().unwrap_or_else(|| self.continuation());
        match (row.cells.last_mut(), gap) {
            (None, _) => row.cells.push(Cell { text: token.to_owned(), ..Cell::default() }),
            (Some(_), Gap::Column(gap)) => row.push(gap, token),
            (Some(_), Gap::Cell(gap)) if !flat => {
                self.hanging |= self.may_hang;
                row.push(gap, token);
            }
            (Some(cell), gap) => {
                let spaces = match gap {
                    Gap::Nothing => "",
                    Gap::Wide | Gap::Cell(2) => "  ",
                    _ => " ",
                };
                if gap == Gap::Soft && !flat {
                    cell.breaks.push(cell.text.len());
                }
                cell.text.push_str(spaces);
                cell.text.push_str(token);
                row.width += spaces.len();
            }
        }
        row.width += token.chars().count();
        self.over = flat && row.width > LINE;
        self.current = Some(row);
        self.last_end = end;
    }

    /// A comma that was written: it stays if it is needed, at what it follows, even where there is a comment between.
    pub(crate) fn comma(&mut self, end: usize, needed: bool) {
        if needed {
            self.push_comma();
        }
        let pending = self.comments.get(self.next_comment).is_some_and(|comment| (comment.span.start as usize) < end);
        if !pending && !self.over {
            self.last_end = end;
        }
    }

    /// A comma, whether it was written or not.
    pub(crate) fn push_comma(&mut self) {
        let Some(row) = self.current.as_mut().filter(|_| !self.over) else { return };
        if let Some(cell) = row.cells.last_mut() {
            cell.text.push(',');
            row.width += 1;
        }
    }

    /// Ends the row with its opening brace; what follows stands a level deeper.
    pub(crate) fn begin_block(&mut self) {
        self.end_row();
        self.indent += 1;
        self.fresh = true;
    }

    /// Ends a block with a row for its closing brace, which goes on.
    pub(crate) fn end_block(&mut self, start: usize, end: usize, entry_table: Option<Table>) {
        self.take_comments(start, Place::BetweenEntries);
        self.end_row();
        self.indent = self.indent.saturating_sub(1);
        self.fresh = false;
        self.hanging = false;
        self.may_hang = false;
        self.entry_table = entry_table;
        self.current = Some(self.row());
        self.token(start, end, Gap::Nothing);
    }

    pub(crate) fn entry_table(&self) -> Option<Table> {
        self.entry_table
    }

    /// Begins a block on one line, whose first token stands at `start`.
    pub(crate) fn begin_flat(&mut self, start: usize) -> Mark {
        if !self.over {
            self.take_comments(start, Place::InsideEntry);
        }
        self.flat += 1;
        let row = match self.current.take() {
            Some(row) => row,
            None => self.continuation(),
        };
        let mark = Mark {
            cells: row.cells.len(),
            length: row.cells.last().map_or(0, |cell| cell.text.len()),
            width: row.width,
            last_end: self.last_end,
        };
        self.current = Some(row);
        mark
    }

    /// Ends it. If it doesn't fit it is taken back, and all the same if an outer one doesn't.
    pub(crate) fn end_flat(&mut self, mark: &Mark) -> bool {
        self.flat -= 1;
        if !self.over || self.flat > 0 {
            return true;
        }
        self.over = false;
        self.last_end = mark.last_end;
        if let Some(row) = &mut self.current {
            row.width = mark.width;
            row.cells.truncate(mark.cells);
            if let Some(cell) = row.cells.last_mut() {
                cell.text.truncate(mark.length);
            }
        }
        false
    }

    fn row(&self) -> Row<'s> {
        Row { indent: self.indent, width: 2 * self.indent, ..Row::default() }
    }

    /// A row that goes on with an entry.
    fn continuation(&self) -> Row<'s> {
        match self.entry_table.filter(|_| self.hanging) {
            Some(table) => Row { under: Some(table), ..self.row() },
            None => Row { indent: self.indent + 1, ..self.row() },
        }
    }

    /// How many line breaks stand between what was taken down last and `start`.
    fn line_breaks_before(&self, start: usize) -> usize {
        let between = self.text.get(self.last_end..start).unwrap_or_default();
        between.bytes().filter(|byte| *byte == b'\n').count()
    }

    /// Takes down the comments that stand before `start`.
    fn take_comments(&mut self, start: usize, place: Place) {
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
                    let inside = place == Place::InsideEntry;
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
        self.cells.push(Cell { text: token.to_owned(), gap, ..Cell::default() });
        self.width += gap;
    }
}
