//! Prints rows of chunks with the chunks aligned in columns. The padding of a chunk is bounded by [`WIDEST`].

use crate::syntax::format::layout::{Row, Table};
use crate::syntax::format::{LINE, WIDEST};

/// The last column at which a line that continues another can begin.
const FURTHEST: usize = 60;

/// The tables of a file.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) count: usize,
    /// The tables of routes.
    pub(crate) routes: Vec<Table>,
}

/// Returns the rows as text.
pub(crate) fn print(rows: &[Row<'_>], tables: Tables) -> String {
    let widths = widths(rows, &tables);
    let mut out = String::new();
    for row in rows {
        if row.blank {
            out.push('\n');
        }
        let none = Vec::new();
        let of = |table: Option<Table>| table.and_then(|table| widths.get(table)).unwrap_or(&none);
        let under = of(row.under).first().map_or(0, |width| width + 1);
        print_row(&mut out, row, 2 * row.indent + under, of(row.table));
    }
    out
}

/// Returns the widths of the columns of each table.
fn widths(rows: &[Row<'_>], tables: &Tables) -> Vec<Vec<usize>> {
    let mut widths: Vec<Vec<usize>> = vec![Vec::new(); tables.count];
    let mut requires = vec![false; tables.count];
    let mut is_routes = vec![false; tables.count];
    for table in &tables.routes {
        is_routes.get_mut(*table).into_iter().for_each(|is_routes| *is_routes = true);
    }
    for row in rows {
        let Some(table) = row.table else { continue };
        let Some(widths) = widths.get_mut(table) else { continue };
        widths.resize(widths.len().max(row.chunks.len()), 0);
        let is_routes = is_routes.get(table).copied().unwrap_or(false);
        for (index, (width, chunk)) in widths.iter_mut().zip(&row.chunks).enumerate() {
            let length = chunk.text.chars().count();
            let counts = index == 0 || is_routes || index + 1 < row.chunks.len();
            if counts && length <= WIDEST {
                *width = length.max(*width);
            }
        }
        if row.chunks.get(2).is_some_and(|clause| clause.text.starts_with("requires ")) {
            requires.get_mut(table).into_iter().for_each(|requires| *requires = true);
        }
    }
    share_route_columns(&mut widths, &tables.routes, &requires);
    widths
}

/// Aligns the tables of routes with each other: all of them in the column of the first clause, those with a `requires`
/// in all columns.
fn share_route_columns(widths: &mut [Vec<usize>], routes: &[Table], requires: &[bool]) {
    let stop = |column: usize| if routes.len() > 1 { column.next_multiple_of(4) } else { column };
    let requiring = |table: &Table| requires.get(*table).copied().unwrap_or(false);
    let width = |widths: &[Vec<usize>], table: Table, column: usize| {
        widths.get(table).and_then(|widths| widths.get(column)).copied().unwrap_or(0)
    };
    let widest = |widths: &[Vec<usize>], column: usize| {
        routes.iter().filter(|table| requiring(table)).map(|table| width(widths, *table, column)).max().unwrap_or(0)
    };

    let methods = widest(widths, 0);
    for table in routes.iter().filter(|table| requiring(table)) {
        if let Some(own) = widths.get_mut(*table).and_then(|widths| widths.first_mut()) {
            *own = methods;
        }
    }
    // The columns count from the margin, with the gaps of one and of two spaces.
    let paths = |widths: &[Vec<usize>], table: Table| 2 + width(widths, table, 0) + 1;
    let first = routes.iter().map(|table| paths(widths, *table) + width(widths, *table, 1) + 2).max().unwrap_or(0);
    let first = stop(first);
    let second = stop(first + widest(widths, 2) + 2);
    for table in routes {
        let path_width = first.saturating_sub(paths(widths, *table) + 2);
        let Some([_, path, clauses @ ..]) = widths.get_mut(*table).map(Vec::as_mut_slice) else { continue };
        *path = path_width;
        if let Some(clause) = clauses.first_mut().filter(|_| requiring(table)) {
            *clause = second - 2 - first;
        }
    }
}

fn print_row(out: &mut String, row: &Row<'_>, indent: usize, widths: &[usize]) {
    spaces(out, indent);
    let mut at = indent;
    let mut due = 0;
    for (index, chunk) in row.chunks.iter().enumerate() {
        if index > 0 {
            spaces(out, due + chunk.gap);
            at += due + chunk.gap;
        }
        let length = chunk.text.chars().count();
        due = widths.get(index).copied().unwrap_or(0).saturating_sub(length);
        let last = index + 1 == row.chunks.len();
        if last && !row.unbroken && at + length > LINE {
            let hanging = if index == 0 || chunk.text.starts_with("= ") { at + 2 } else { at };
            print_broken(out, &chunk.text, &chunk.breaks, at, hanging.min(FURTHEST));
        } else {
            out.push_str(&chunk.text);
        }
        at += length;
    }
    if let Some(comment) = row.comment {
        if !row.chunks.is_empty() {
            out.push_str("  ");
        }
        out.push_str(comment);
    }
    out.push('\n');
}

/// Prints a text on as many lines as it needs; the lines after the first begin at `hanging`.
fn print_broken(out: &mut String, text: &str, breaks: &[usize], start: usize, hanging: usize) {
    let ends = breaks.iter().copied().chain(std::iter::once(text.len()));
    let mut at = start;
    let mut from = 0;
    for end in ends {
        // Every piece but the first begins with a space.
        let piece = text.get(from..end).unwrap_or_default();
        let length = piece.chars().count();
        if from > 0 && at + length > LINE {
            let piece = piece.trim_start_matches(' ');
            out.push('\n');
            spaces(out, hanging);
            out.push_str(piece);
            at = hanging + length - 1;
        } else {
            out.push_str(piece);
            at += length;
        }
        from = end;
    }
}

fn spaces(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}
