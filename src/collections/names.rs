//! Interned names of a table's rows: one string with all names, and a hash table of their ids.

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::marker::PhantomData;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::collections::table::Id;

/// Distinct names, in the order of their rows.
pub(crate) struct Names<T> {
    text: String,
    /// The end of each name in `text`. A name begins at the end of the name before it.
    ends: Vec<u32>,
    /// The numbers of the rows, by the hashes of their names.
    table: HashTable<u32>,
    of: PhantomData<fn() -> T>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { text: String::new(), ends: Vec::new(), table: HashTable::new(), of: PhantomData }
    }
}

impl<T> fmt::Debug for Names<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T> Names<T> {
    /// Returns the id of a name, and adds the name if it is new. Returns `None` where all names together would have 2^32
    /// bytes or more.
    pub(crate) fn intern(&mut self, name: &str) -> Option<Id<T>> {
        let number = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.text.len() + name.len()).ok()?;
        let Self { text, ends, table, .. } = self;
        let is_it = |number: &u32| at(text, ends, *number) == name;
        match table.entry(hash(name), is_it, |number| hash(at(text, ends, *number))) {
            Entry::Occupied(found) => Some(Id::numbered(*found.get())),
            Entry::Vacant(place) => {
                place.insert(number);
                text.push_str(name);
                ends.push(end);
                Some(Id::numbered(number))
            }
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Id<T>> {
        let found = self.table.find(hash(name), |number| at(&self.text, &self.ends, *number) == name);
        found.copied().map(Id::numbered)
    }

    /// The name of a row. It is empty if there is no such row.
    pub(crate) fn get(&self, id: Id<T>) -> &str {
        at(&self.text, &self.ends, id.number())
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|row| at(&self.text, &self.ends, u32::try_from(row).unwrap_or(u32::MAX)))
    }

    /// Frees the memory that was reserved for more names.
    pub(crate) fn shrink(&mut self) {
        let Self { text, ends, table, .. } = self;
        text.shrink_to_fit();
        ends.shrink_to_fit();
        table.shrink_to_fit(|number| hash(at(text, ends, *number)));
    }
}

impl<'n, T> FromIterator<&'n str> for Names<T> {
    fn from_iter<I: IntoIterator<Item = &'n str>>(names: I) -> Self {
        let mut all = Self::default();
        for name in names {
            all.intern(name);
        }
        all.shrink();
        all
    }
}

fn at<'t>(text: &'t str, ends: &[u32], number: u32) -> &'t str {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied());
    let range = start.zip(ends.get(number).copied());
    range.and_then(|(start, end)| text.get(start as usize..end as usize)).unwrap_or_default()
}

/// The library uses no randomness, so the hash is the same in every process. The author of a policy can make its names
/// collide. Lookups compare the names, so that only makes compiling slower.
fn hash(name: &str) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(name.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::Names;
    use crate::collections::table::Id;

    proptest! {
        #[test]
        fn names_are_numbered_like_the_keys_of_a_map(
            written in prop::collection::vec("[a-cé:]{0,4}", 0..200),
            asked in "[a-cé:]{0,4}",
        ) {
            let mut names: Names<()> = Names::default();
            let mut map: HashMap<&str, Id<()>> = HashMap::new();
            for name in &written {
                let next = Id::numbered(map.len() as u32);
                let known = *map.entry(name).or_insert(next);
                prop_assert_eq!(names.intern(name), Some(known));
            }
            names.shrink();
            prop_assert_eq!(names.iter().len(), map.len());
            for (name, id) in &map {
                prop_assert_eq!(names.find(name), Some(*id));
                prop_assert_eq!(names.get(*id), *name);
                prop_assert_eq!(names.iter().nth(id.row()), Some(*name));
            }
            prop_assert_eq!(names.find(&asked), map.get(asked.as_str()).copied());
            prop_assert_eq!(names.get(Id::numbered(map.len() as u32)), "");
        }
    }
}
