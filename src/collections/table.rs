//! Flat tables and the ids of their rows.

use std::marker::PhantomData;
use std::ops::Index;

/// The number of a row of a [`Table`].
pub(crate) struct Id<T> {
    row: u32,
    table: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    pub(crate) fn row(self) -> usize {
        self.row as usize
    }

    pub(crate) fn number(self) -> u32 {
        self.row
    }

    /// The id of a row that is known by its number alone.
    pub(crate) fn numbered(row: u32) -> Self {
        Self { row, table: PhantomData }
    }
}

/// Implements the traits of plain numbers for a handle with a type parameter. The derives would demand them of `T` too.
macro_rules! handle_traits {
    ($handle:ident { $($field:ident),+ }, $format:literal) => {
        impl<T> Clone for $handle<T> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<T> Copy for $handle<T> {}
        impl<T> PartialEq for $handle<T> {
            fn eq(&self, other: &Self) -> bool {
                $(self.$field == other.$field)&&+
            }
        }
        impl<T> Eq for $handle<T> {}
        impl<T> PartialOrd for $handle<T> {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
        impl<T> Ord for $handle<T> {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                ($(self.$field,)+).cmp(&($(other.$field,)+))
            }
        }
        impl<T> std::hash::Hash for $handle<T> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                $(self.$field.hash(state);)+
            }
        }
        impl<T> std::fmt::Debug for $handle<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, $format, $(self.$field),+)
            }
        }
    };
}
pub(crate) use handle_traits;

handle_traits!(Id { row }, "#{}");

/// Rows that are added and never removed.
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
        let id = Id::numbered(u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        self.rows.push(row);
        id
    }

    /// The id of the first row of a table that is still to be filled.
    pub(crate) fn first() -> Id<T> {
        Id::numbered(0)
    }

    /// Frees the memory that was reserved for more rows.
    pub(crate) fn shrink(&mut self) {
        self.rows.shrink_to_fit();
    }

    /// The ids of the first `count` rows of a table that is still to be filled.
    pub(crate) fn promised(count: usize) -> impl Iterator<Item = Id<T>> {
        (0..u32::try_from(count).unwrap_or(u32::MAX)).map(Id::numbered)
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
        Some(Id::numbered(row))
    }

    #[expect(clippy::indexing_slicing, reason = "ids come from this table, and rows are never removed")]
    pub(crate) fn row_mut(&mut self, id: Id<T>) -> &mut T {
        &mut self.rows[id.row()]
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = Id<T>> + use<T> {
        Self::promised(self.rows.len())
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

/// One value for each row of a [`Table`] of `R`.
#[derive(Debug)]
pub(crate) struct Column<R, V> {
    values: Box<[V]>,
    table: PhantomData<fn() -> R>,
}

impl<R, V> Column<R, V> {
    pub(crate) fn get(&self, id: Id<R>) -> Option<&V> {
        self.values.get(id.row())
    }
}

impl<R, V> FromIterator<V> for Column<R, V> {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self { values: values.into_iter().collect(), table: PhantomData }
    }
}
