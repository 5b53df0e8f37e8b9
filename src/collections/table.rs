//! Flat tables and the ids of their rows.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Index;

/// A row of a [`Table`], made by that table alone.
pub(crate) struct Id<T> {
    row: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The row's number, from 0.
    pub(crate) fn row(self) -> usize {
        self.row as usize
    }

    pub(crate) fn number(self) -> u32 {
        self.row
    }

    /// For what keeps the ids of a table's rows as numbers.
    pub(crate) fn numbered(row: u32) -> Self {
        Self { row, of: PhantomData }
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.row == other.row
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.row.cmp(&other.row)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.row.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.row)
    }
}

/// Rows that are only ever added.
#[derive(Debug, Clone)]
pub(crate) struct Table<T> {
    rows: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Table<T> {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: T) -> Id<T> {
        // A source has at most 1 MiB, and a row comes from at least one of its bytes.
        let id = Id { row: u32::try_from(self.rows.len()).unwrap_or(u32::MAX), of: PhantomData };
        self.rows.push(row);
        id
    }

    /// The id of the first row of a table that is still to be filled.
    pub(crate) fn first() -> Id<T> {
        Id::numbered(0)
    }

    /// Gives back the room that was kept for more rows.
    pub(crate) fn shrink(&mut self) {
        self.rows.shrink_to_fit();
    }

    /// The ids of the first rows of a table that is still to be filled, by whoever will fill it.
    pub(crate) fn promised(count: usize) -> impl Iterator<Item = Id<T>> {
        (0..u32::try_from(count).unwrap_or(u32::MAX)).map(|row| Id { row, of: PhantomData })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.rows.iter()
    }

    /// The id of a row, if there is such a row.
    pub(crate) fn id(&self, row: usize) -> Option<Id<T>> {
        let row = u32::try_from(row).ok().filter(|_| row < self.rows.len())?;
        Some(Id { row, of: PhantomData })
    }

    #[expect(clippy::indexing_slicing, reason = "ids come from this table, and rows are never removed")]
    pub(crate) fn row_mut(&mut self, id: Id<T>) -> &mut T {
        &mut self.rows[id.row()]
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = Id<T>> + use<T> {
        (0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)).map(|row| Id { row, of: PhantomData })
    }

    pub(crate) fn enumerate(&self) -> impl Iterator<Item = (Id<T>, &T)> {
        self.ids().zip(&self.rows)
    }
}

impl<T> Index<Id<T>> for Table<T> {
    type Output = T;

    #[expect(clippy::indexing_slicing, reason = "ids come from this table, and rows are never removed")]
    fn index(&self, id: Id<T>) -> &T {
        &self.rows[id.row()]
    }
}

impl<T> FromIterator<T> for Table<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Self {
        Self { rows: rows.into_iter().collect() }
    }
}
