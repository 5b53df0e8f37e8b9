//! The formatter: keeps the tokens as they were written and replaces all white space between them. It parses its result
//! and compares it with the file before it returns it, so that a formatted policy never differs in meaning.
//!
//! `walk` goes through the grammar's pairs and chooses the gap before each token (`between`), `layout` puts the tokens
//! and the comments in rows of chunks, `columns` aligns and prints the rows, and `compare` checks the result.
//!
//! # The form
//!
//! - The indentation is two spaces a level. No line ends with blanks, and the file ends with one line break. Runs of blank
//!   lines become one; a file and a block have none at their beginning and their end.
//! - A block that was written on one line stays there if it fits into [`LINE`] characters before alignment; other blocks
//!   have one entry a line. On one line, commas separate fields, mappings and rates, and two spaces separate other
//!   entries; on several lines, only the rates of a tier have commas.
//! - A comment after a token stays after it, with two spaces between; a comment on a line of its own keeps its line. A comment
//!   inside an entry breaks the entry: the rest is one level deeper, or under the value that it continues.
//! - These have columns: the values of the settings of a block (except `single_use`, `claims` and `actions`); the types
//!   and sources of fields, attributes, claims and mappings; the names in consecutive one-line declarations of one kind
//!   (`secret` and `keys` count as one) and the text after them; the entries of consecutive one-line cookies.
//! - Routes have columns of methods, paths and first clauses; two spaces separate the other clauses. All tables of a
//!   file with a `requires` share these columns. The other tables share only the column of the first clause. If a file has
//!   several tables, clauses begin at multiples of four, so that a longer path in one table seldom moves the others.
//! - A column is as wide as its widest chunk of up to [`WIDEST`] characters; a wider chunk moves only its own row. The last
//!   chunk of a row counts only in the first column, and among routes.
//! - If several facets of a field have messages, every facet from the first one with a message on has a line of its own,
//!   under the type, with the messages aligned. So has the default.
//! - A line that is too long is broken at commas, and before `and`, `or`, facets, `when`, `unless`, `except`, `because`
//!   and `else`. A route is never broken.

pub(crate) mod between;
pub(crate) mod columns;
pub(crate) mod compare;
pub(crate) mod layout;
pub(crate) mod walk;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::{Source, Span};
use crate::syntax::{SOURCE_LIMIT, too_large};

/// The length of a line in characters, where a line can be broken.
const LINE: usize = 120;
/// The widest chunk, in characters, that the other chunks of its column are aligned to.
const WIDEST: usize = 48;

/// Returns one file of a policy in its canonical form. Formatting the result again changes nothing.
///
/// # Errors
///
/// Returns every syntax error as [`parse`](crate::syntax::parse()) does; `policy_too_large` if the result is too long to be
/// parsed; `format_mismatch` if the result differs from `source`, which is a bug of this function.
pub fn format(source: &Source) -> Result<String, Vec<Diagnostic>> {
    let (pairs, comments) = crate::syntax::read(0, source)?;
    let tree = crate::syntax::lower(0, source.text(), pairs.clone(), comments)?;
    let (rows, tables) = walk::walk(source.text(), &tree.comments, pairs.clone());
    let text = columns::print(&rows, tables);

    let start = Span { file: 0, start: 0, end: 0 };
    if text.len() > SOURCE_LIMIT {
        return Err(vec![too_large(start, "formatted, the file is")]);
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
