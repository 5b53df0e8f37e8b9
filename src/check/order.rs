//! Things that name each other, such as roles that extend roles: an order in which each comes after all that it
//! names, and the cycles that keep some from having one. Walked without recursion, as a chain can be as long as
//! a policy.

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::Text;

/// The place of a cycle without rows, of which there are none.
const NOWHERE: Span = Span { file: 0, start: 0, end: 0 };

/// Declarations, each with the places where it names others of its kind.
#[derive(Default)]
pub(crate) struct ReferenceGraph<'t> {
    declared: Vec<&'t Text>,
    named: Vec<Vec<(usize, &'t Text)>>,
}

impl<'t> ReferenceGraph<'t> {
    /// Adds a declaration, and the row and the place of each one that it names.
    pub(crate) fn push(&mut self, name: &'t Text, named: Vec<(usize, &'t Text)>) {
        self.declared.push(name);
        self.named.push(named);
    }

    /// The rows that a declaration names.
    pub(crate) fn of(&self, row: usize) -> impl Iterator<Item = usize> {
        self.named.get(row).into_iter().flatten().map(|(row, _)| *row)
    }

    pub(crate) fn rows(&self) -> Vec<Vec<usize>> {
        (0..self.named.len()).map(|row| self.of(row).collect()).collect()
    }

    /// An error at the name that closes a cycle: `roles extend each other in a cycle: a → b → a`.
    pub(crate) fn cycle(&self, code: &'static str, what: &str, cycle: &Cycle) -> Diagnostic {
        const MOST_SHOWN: usize = 8;
        let declared = |row: &usize| self.declared.get(*row).copied();
        let mut names: Vec<String> =
            cycle.rows.iter().filter_map(declared).map(|name| format!("`{}`", name.node)).collect();
        names.extend(names.first().cloned());
        let way = match names.as_slice() {
            [first, second, .., last] if names.len() > MOST_SHOWN => format!("{first} → {second} → … → {last}"),
            _ => names.join(" → "),
        };
        let last = cycle.rows.last().and_then(|row| self.named.get(*row));
        let closing = last.and_then(|named| named.get(cycle.closing)).map_or(NOWHERE, |(_, name)| name.span);
        Diagnostic::error(code, closing, format!("{what} each other in a cycle: {way}")).label("closes the cycle")
    }
}

/// The result of a walk over references.
pub(crate) struct Order {
    /// Every row, after the rows it refers to, but for the references that close a cycle.
    pub(crate) rows: Vec<usize>,
    pub(crate) cycles: Vec<Cycle>,
}

/// A way from a row back to it.
pub(crate) struct Cycle {
    /// The rows on the way, the first of which the last refers to.
    pub(crate) rows: Vec<usize>,
    /// The reference of the last row that closes it.
    pub(crate) closing: usize,
}

/// Each cycle is as long as its way, and one error after the other is mended.
const MOST_CYCLES: usize = 50;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    OnTheWay,
    Done,
}

/// Orders rows by their references, `references[row]` being the rows that `row` refers to.
pub(crate) fn order(references: &[Vec<usize>]) -> Order {
    order_from(std::iter::empty(), references)
}

/// The same, with the walk beginning at these rows. Rows that are first reached from one start stand together.
pub(crate) fn order_from(starts: impl Iterator<Item = usize>, references: &[Vec<usize>]) -> Order {
    let mut visits = vec![Visit::Not; references.len()];
    let mut order = Order { rows: Vec::with_capacity(references.len()), cycles: Vec::new() };
    for start in starts.chain(0..references.len()) {
        if visits.get(start) == Some(&Visit::Not) {
            walk(start, references, &mut visits, &mut order);
        }
    }
    order
}

fn walk(start: usize, references: &[Vec<usize>], visits: &mut [Visit], order: &mut Order) {
    let mut set = |row: usize, visit: Visit| visits.get_mut(row).map(|slot| std::mem::replace(slot, visit));
    set(start, Visit::OnTheWay);
    // Each row on the way, and how many of its references were seen to.
    let mut way: Vec<(usize, usize)> = vec![(start, 0)];
    while let Some((row, seen)) = way.last_mut() {
        let (row, reference) = (*row, *seen);
        *seen += 1;
        let Some(next) = references.get(row).and_then(|references| references.get(reference)).copied() else {
            set(row, Visit::Done);
            order.rows.push(row);
            way.pop();
            continue;
        };
        match set(next, Visit::OnTheWay) {
            Some(Visit::Not) => way.push((next, 0)),
            Some(Visit::OnTheWay) if order.cycles.len() < MOST_CYCLES => {
                let rows = way.iter().map(|(row, _)| *row).skip_while(|row| *row != next).collect();
                order.cycles.push(Cycle { rows, closing: reference });
            }
            Some(Visit::Done) => {
                set(next, Visit::Done);
            }
            Some(Visit::OnTheWay) | None => {}
        }
    }
}
