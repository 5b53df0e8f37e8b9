//! Compares sets with `BTreeSet`s.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use crate::collections::id_set::{IdSet, IdSets};
use crate::collections::row_set::RowSet;
use crate::collections::table::Id;

/// Rows that are sparse, dense, or long runs.
fn rows() -> impl Strategy<Value = BTreeSet<u32>> {
    let sparse = prop::collection::btree_set(0_u32..5_000, 0..12);
    let dense = prop::collection::btree_set(300_u32..400, 0..90);
    let runs = prop::collection::vec((0_u32..900, 0_u32..200), 0..4)
        .prop_map(|runs| runs.into_iter().flat_map(|(first, length)| first..first + length).collect());
    prop_oneof![sparse, dense, runs]
}

fn interned(sets: &mut IdSets<()>, rows: &BTreeSet<u32>) -> IdSet<()> {
    let mut rising = RowSet::default();
    rows.iter().for_each(|row| rising.insert(*row as usize));
    assert_eq!(rising.is_empty(), rows.is_empty());
    rising.intern(sets).unwrap()
}

fn numbers(sets: &IdSets<()>, set: IdSet<()>) -> Vec<u32> {
    sets.ids(set).map(Id::number).collect()
}

proptest! {
    #[test]
    fn a_set_has_the_rows_of_a_plain_set(
        all in prop::collection::vec(rows(), 1..6),
        asked in prop::collection::vec(0_u32..5_000, 0..4),
    ) {
        let mut sets = IdSets::default();
        let made: Vec<IdSet<()>> = all.iter().map(|rows| interned(&mut sets, rows)).collect();
        let union = sets.union(&made).unwrap();
        let whole: BTreeSet<u32> = all.iter().flatten().copied().collect();
        for (rows, set) in all.iter().zip(&made).chain([(&whole, &union)]) {
            prop_assert_eq!(numbers(&sets, *set), rows.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.is_empty(), rows.is_empty());
            for row in (0..1_200).chain(asked.iter().copied()) {
                prop_assert_eq!(sets.contains(*set, Id::numbered(row)), rows.contains(&row));
            }
            let ids: Vec<Id<()>> = asked.iter().copied().map(Id::numbered).collect();
            prop_assert_eq!(sets.has_any(*set, &ids), asked.iter().any(|row| rows.contains(row)));
        }
    }

    #[test]
    fn equal_sets_are_one(all in prop::collection::vec(rows(), 1..4)) {
        let mut sets = IdSets::default();
        let made: Vec<IdSet<()>> = all.iter().map(|rows| interned(&mut sets, rows)).collect();
        let union = sets.union(&made).unwrap();
        let words = sets.words.len();
        let whole: BTreeSet<u32> = all.iter().flatten().copied().collect();
        let turned: Vec<IdSet<()>> = made.iter().rev().copied().collect();
        prop_assert_eq!(interned(&mut sets, &whole), union);
        prop_assert_eq!(sets.union(&turned), Some(union));
        prop_assert_eq!(sets.union(&[union, IdSet::EMPTY]), Some(union));
        let singles: Vec<IdSet<()>> = whole.iter().map(|row| IdSet::one(Id::numbered(*row))).collect();
        prop_assert_eq!(sets.union(&singles), Some(union));
        prop_assert_eq!(sets.words.len(), words);
        let left = &whole - &all[0];
        let difference = sets.difference(union, made[0]).unwrap();
        prop_assert_eq!(difference, interned(&mut sets, &left));
        prop_assert_eq!(sets.difference(made[0], union), Some(IdSet::EMPTY));
    }

    #[test]
    fn a_closure_has_all_rows_that_its_rows_lead_to(
        all in prop::collection::vec(rows(), 1..8),
        picked in rows(),
    ) {
        let mut sets = IdSets::default();
        // Each row leads to itself and to all rows above it of the sets that it is in.
        let mut up: HashMap<u32, BTreeSet<u32>> = HashMap::new();
        for row in (0..6_000).rev() {
            let mut above = BTreeSet::from([row]);
            for rows in all.iter().filter(|rows| rows.contains(&row)) {
                if let Some(next) = rows.range(row + 1..).next() {
                    above.extend(&up[next]);
                }
            }
            up.insert(row, above);
        }
        let expected: BTreeSet<u32> = picked.iter().flat_map(|row| up[row].iter().copied()).collect();
        let mut rising = RowSet::default();
        picked.iter().for_each(|row| rising.insert(*row as usize));
        let known: HashMap<u32, IdSet<()>> = up.iter().map(|(row, rows)| (*row, interned(&mut sets, rows))).collect();
        let mut seen = vec![0; 200];
        let closed = rising.closure(&mut sets, |id| known[&id.number()], &mut seen).unwrap();
        prop_assert_eq!(numbers(&sets, closed), expected.into_iter().collect::<Vec<_>>());
        prop_assert!(seen.iter().all(|word| *word == 0));
    }
}

#[test]
fn one_range_takes_no_memory() {
    let mut sets = IdSets::default();
    let parts: Vec<IdSet<()>> = (7..90_000).map(|row| IdSet::one(Id::numbered(row))).collect();
    let union = sets.union(&parts).unwrap();
    assert_eq!((union.first, union.last, sets.words.len()), (7, 89_999, 0));
}
