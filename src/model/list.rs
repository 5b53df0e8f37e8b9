//! Lists of values, which long ones keep an index of.

use std::fmt;
use std::hash::BuildHasher;
use std::ops::Deref;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::model::value::{Key, Value};

/// Values in their order. Clones share them; membership is found by binary search.
#[derive(Clone)]
pub struct List(Arc<Indexed>);

struct Indexed {
    values: Vec<Value>,
    /// The elements' hashes in rising order, and which element each is of; of equal hashes, by the elements themselves,
    /// so that elements chosen to collide gain nothing.
    index: Vec<(u64, u32)>,
}

impl List {
    /// True if an element equals this value.
    pub(crate) fn holds(&self, key: &Key<'_>) -> bool {
        self.holds_hashed(hash(key), key)
    }

    /// The same, of a text.
    pub(crate) fn holds_text(&self, text: &str) -> bool {
        self.holds(&Key::String(text))
    }

    /// True if the two have an element in common.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let (few, many) = if self.len() <= other.len() { (self, other) } else { (other, self) };
        if many.len() > 16 * few.len() {
            return few.0.entries().any(|(hash, value)| many.holds_hashed(hash, &value.key()));
        }
        let (mut one, mut two) = (few.0.entries().peekable(), many.0.entries().peekable());
        while let (Some((left, value)), Some((right, other))) = (one.peek(), two.peek()) {
            let order = left
                .cmp(right)
                .then_with(|| if left == right { value.key().cmp(&other.key()) } else { left.cmp(right) });
            match order {
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Less => one.next(),
                std::cmp::Ordering::Greater => two.next(),
            };
        }
        false
    }

    fn holds_hashed(&self, hash: u64, key: &Key<'_>) -> bool {
        let Indexed { values, index } = &*self.0;
        let at = |row: u32| values.get(row as usize).map(Value::key);
        let found = index.binary_search_by(|(known, row)| {
            known.cmp(&hash).then_with(|| at(*row).as_ref().map_or(std::cmp::Ordering::Less, |known| known.cmp(key)))
        });
        found.is_ok()
    }
}

impl Indexed {
    fn entries(&self) -> impl Iterator<Item = (u64, &Value)> {
        self.index.iter().filter_map(|(hash, row)| Some((*hash, self.values.get(*row as usize)?)))
    }
}

fn hash(key: &Key<'_>) -> u64 {
    FixedState::default().hash_one(key)
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        let values: Vec<Value> = values.into_iter().collect();
        let hashed = |(row, value): (u32, &Value)| (hash(&value.key()), row);
        let mut index: Vec<(u64, u32)> = (0..).zip(&values).map(hashed).collect();
        let key = |row: u32| values.get(row as usize).map(Value::key);
        index.sort_unstable_by(|(one, row), (other, other_row)| {
            one.cmp(other).then_with(|| key(*row).cmp(&key(*other_row)))
        });
        Self(Arc::new(Indexed { values, index }))
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0.values
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            (-3_i64..3).prop_map(Value::Int),
            (-3_i8..3).prop_map(|half| Value::Float(f64::from(half) / 2.0)),
            "[ab]{0,2}".prop_map(Value::String),
            any::<bool>().prop_map(Value::Bool),
        ]
    }

    proptest! {
        #[test]
        fn an_index_finds_what_looking_at_all_finds(
            one in prop::collection::vec(value(), 0..40),
            other in prop::collection::vec(value(), 0..4),
        ) {
            let (short, long): (List, List) = (other.iter().cloned().collect(), one.iter().cloned().collect());
            let holds = |list: &[Value], wanted: &Value| list.contains(wanted);
            for wanted in one.iter().chain(&other) {
                prop_assert_eq!(short.holds(&wanted.key()), holds(&other, wanted));
                prop_assert_eq!(long.holds(&wanted.key()), holds(&one, wanted));
            }
            let meet = one.iter().any(|value| holds(&other, value));
            prop_assert_eq!(long.meets(&short), meet);
            prop_assert_eq!(short.meets(&long), meet);
        }
    }
}
