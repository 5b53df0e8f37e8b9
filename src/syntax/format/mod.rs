//! Text to canonical text: the tokens stay as they were written, all that stands between them is new. Never a policy
//! that says something else: what comes out is read again and compared before anybody gets it.
//!
//! The way: `walk` goes through the grammar's pairs and decides what stands before each token (`between`), `paper`
//! takes the tokens down as rows of cells and puts the comments back among them, `columns` aligns the rows and prints
//! them, and `compare` reads the result.
//!
//! # The form
//!
//! - Two spaces a level, no line with blanks at its end, one line break at the end of the file. Runs of blank lines
//!   become one; at the beginning and the end of a file and of a block there are none.
//! - A block that was written on one line stays there if it fits into [`LINE`] characters, not counting what aligns it;
//!   other blocks have one entry a line. On one line, fields, mappings and rates have commas between them, other
//!   entries two spaces; on lines of their own, only the rates of a tier have commas.
//! - A comment behind something stays behind it, after two spaces; a comment on a line of its own keeps one. One inside
//!   an entry breaks it; what follows stands a level deeper, or under the value that it continues.
//! - Columns: of all settings of a block, their values (`single_use`, `claims` and `actions` stand outside); of fields,
//!   attributes, claims and mappings the types and sources; of one-line declarations of one kind (`secret` and `keys`
//!   count as one), directly below each other, the names and what follows them, and of cookies also the entries.
//! - Routes have columns of methods, paths and first clauses; two spaces separate the other clauses. All tables of a
//!   file that `require` something share these columns. A table that doesn't shares with them where its first clauses
//!   begin. Where a file has several tables, clauses begin at multiples of four, so that a longer path in one table
//!   seldom moves the others.
//! - A column is as wide as its widest cell of up to [`WIDEST`] characters; what is wider pushes its own row alone.
//!   What ends its row counts in the first column, and among routes.
//! - Of a field with several messages, every facet from the first one with a message on has a line of its own, under
//!   the type, with the messages aligned; the default too.
//! - A line that is too long is broken at commas, before `and`, `or`, facets, `when`, `unless`, `except`, `because` and
//!   `else`. A route is never broken.

pub(crate) mod between;
pub(crate) mod columns;
pub(crate) mod compare;
pub(crate) mod layout;
pub(crate) mod walk;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::{Source, Span};
use crate::syntax::SOURCE_LIMIT;

/// How many characters a line has, where something can be done about it.
const LINE: usize = 120;
/// The widest cell, in characters, that the others of its column are aligned to.
const WIDEST: usize = 48;

/// One file of a policy in its canonical form. Formatting that again changes nothing.
///
/// # Errors
///
/// Every syntax error, as [`parse`](crate::syntax::parse()) tells them; `policy_too_large`, if the result couldn't be parsed for
/// its size; `format_mismatch`, if it would say something else than `source`, which is a fault of this function.
pub fn format(source: &Source) -> Result<String, Vec<Diagnostic>> {
    let (pairs, comments) = crate::syntax::read(0, source)?;
    let tree = crate::syntax::lower(0, source.text(), pairs.clone(), comments)?;
    let (rows, tables) = walk::walk(source.text(), &tree.comments, pairs.clone());
    let text = columns::print(&rows, tables);

    let start = Span { file: 0, start: 0, end: 0 };
    if text.len() > SOURCE_LIMIT {
        return Err(vec![
            Diagnostic::error(
                "policy_too_large",
                start,
                format!("formatted, the file is larger than {SOURCE_LIMIT} bytes"),
            )
            .help("spread the policy over several files of one folder, each beginning with the same `policy NAME`"),
        ]);
    }
    let formatted = Source::new(source.name(), &text);
    match compare::first_difference(source, pairs, &tree, &formatted) {
        None => Ok(text),
        Some(span) => Err(vec![
            Diagnostic::error("format_mismatch", span, "the formatted file would say something else from here on")
                .help("this is a fault of the formatter: leave the file as it is, and report it with this line"),
        ]),
    }
}
