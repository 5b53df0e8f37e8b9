//! The expiring map from outside: hostile ids, panics, threads, and how full it gets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
// Tests may start threads.
#![allow(clippy::disallowed_methods)]

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;

use portcullis_store::{Change, Expiring};

const NOW: i64 = 1_795_392_000_000_000;
const LATER: i64 = NOW + 60_000_000;

fn map<V>(max_keys: usize) -> Expiring<V> {
    Expiring::new(NonZeroUsize::new(max_keys).unwrap())
}

fn put<V>(map: &Expiring<V>, id: &[u8], value: V) {
    map.change(id, NOW, |_| (Change::Put(value, LATER), ()));
}

fn look<V: Copy>(map: &Expiring<V>, id: &[u8], now: i64) -> Option<V> {
    map.change(id, now, |seen| (Change::Keep, seen.copied()))
}

#[test]
fn a_value_is_gone_when_it_expires() {
    let map = map(10);
    put(&map, b"a", 1);
    assert_eq!(look(&map, b"a", NOW), Some(1));
    assert_eq!(look(&map, b"a", LATER - 1), Some(1));
    assert_eq!(look(&map, b"a", LATER), None);
    assert_eq!(look(&map, b"b", NOW), None);
}

#[test]
fn ids_may_be_anything() {
    let map = map(1_000);
    let long = vec![b'x'; 1 << 20];
    let mut other = long.clone();
    *other.last_mut().unwrap() = b'y';
    let ids: [&[u8]; 9] = [b"", b"\0", b"\0\0", b"a", b"a\0", b"\0a", &[0xff; 16], long.as_slice(), other.as_slice()];
    for (value, id) in ids.iter().enumerate() {
        put(&map, id, value);
    }
    for (value, id) in ids.iter().enumerate() {
        assert_eq!(look(&map, id, NOW), Some(value));
    }
    assert_eq!(map.metrics().keys, ids.len());
}

#[test]
fn the_first_to_expire_makes_room() {
    let map = map(3);
    for (id, lasts) in [(b"a", 30), (b"b", 10), (b"c", 20)] {
        map.change(id, NOW, |_| (Change::Put((), NOW + lasts), ()));
    }
    // The first to expire becomes the last.
    map.change(b"b", NOW, |_| (Change::Put((), NOW + 40), ()));
    // The last to expire becomes the first.
    map.change(b"a", NOW, |_| (Change::Put((), NOW + 15), ()));
    map.change(b"d", NOW, |_| (Change::Put((), NOW + 5), ()));
    let is_there = |id: &[u8]| look(&map, id, NOW).is_some();
    assert_eq!([b"a", b"b", b"c", b"d"].map(|id| is_there(id)), [false, true, true, true]);
    // An expired value makes room without an eviction.
    map.change(b"e", NOW + 5, |_| (Change::Put((), NOW + 50), ()));
    let metrics = map.metrics();
    assert_eq!((metrics.keys, metrics.evicted, metrics.expired), (3, 1, 1));
}

#[test]
fn of_equal_ids_the_last_change_holds() {
    let map = map(100);
    put(&map, b"a", 1);
    let ids: [&[u8]; 4] = [b"a", b"b", b"a", b"b"];
    let seen = map.change_all(ids, NOW, |seen| {
        let changes = vec![
            (0, Change::Put(2, LATER)),
            (2, Change::Put(3, LATER)),
            (3, Change::Put(4, LATER)),
            (1, Change::Remove),
            (4, Change::Remove),
        ];
        (changes, seen.iter().map(|seen| seen.copied()).collect::<Vec<_>>())
    });
    assert_eq!(seen, [Some(1), None, Some(1), None]);
    assert_eq!((look(&map, b"a", NOW), look(&map, b"b", NOW)), (Some(3), None));
    assert_eq!(map.change_all([], NOW, |seen| (Vec::new(), seen.len())), 0);
}

#[test]
fn what_is_altered_expires_as_before() {
    let map = map(100);
    put(&map, b"a", 1);
    for id in [b"a", b"b"] {
        map.change(id, NOW, |_| (Change::Alter(2), ()));
    }
    assert_eq!((look(&map, b"a", LATER - 1), look(&map, b"b", NOW)), (Some(2), None));
    assert_eq!(look(&map, b"a", LATER), None);
    assert_eq!(map.metrics().keys, 1);
}

#[test]
fn a_panic_changes_nothing() {
    let map = map(100_000);
    put(&map, b"a", 1);
    put(&map, b"b", 2);
    let one = || map.change(b"a", NOW, |_: Option<&i32>| -> (Change<i32>, ()) { panic!("a guest's") });
    assert!(catch_unwind(AssertUnwindSafe(one)).is_err());
    let ids: [&[u8]; 2] = [b"a", b"b"];
    let all = || map.change_all(ids, NOW, |_| -> (Vec<(usize, Change<i32>)>, ()) { panic!("a guest's") });
    assert!(catch_unwind(AssertUnwindSafe(all)).is_err());
    assert_eq!((look(&map, b"a", NOW), look(&map, b"b", NOW)), (Some(1), Some(2)));
    put(&map, b"a", 3);
    assert_eq!(look(&map, b"a", NOW), Some(3));
}

/// A value whose drop panics if it is armed.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 && !thread::panicking() {
            panic!("a guest's");
        }
    }
}

#[test]
fn a_drop_that_panics_leaves_the_map_consistent() {
    let map: Expiring<Bomb> = map(2);
    let armed = |id: &[u8]| map.change(id, NOW, |seen| (Change::Keep, seen.map(|bomb| bomb.0)));
    let attempt = |id: &[u8], change: Change<Bomb>| {
        catch_unwind(AssertUnwindSafe(|| map.change(id, NOW, |_| (change, ())))).is_ok()
    };
    assert!(attempt(b"a", Change::Put(Bomb(true), LATER)));
    // It is replaced in spite of the panic.
    assert!(!attempt(b"a", Change::Put(Bomb(true), LATER)));
    assert_eq!(armed(b"a"), Some(true));
    // It is removed in spite of the panic.
    assert!(!attempt(b"a", Change::Remove));
    assert_eq!(armed(b"a"), None);
    assert!(attempt(b"a", Change::Put(Bomb(true), LATER)));
    assert!(attempt(b"b", Change::Put(Bomb(false), LATER + 1)));
    // It is evicted, but the new one isn't inserted.
    assert!(!attempt(b"c", Change::Put(Bomb(false), LATER)));
    assert_eq!([b"a", b"b", b"c"].map(|id| armed(id)), [None, Some(false), None]);
    assert!(attempt(b"c", Change::Put(Bomb(false), LATER)));
    assert_eq!(map.metrics().keys, 2);
}

#[test]
fn memory_follows_what_lives() {
    let map = map(1_000_000);
    // Ids that are used once, beside a thousand that are used regularly.
    for moment in 0..200_000_i64 {
        let now = NOW + moment * 1_000;
        map.change(&moment.to_le_bytes(), now, |_| (Change::Put((), now + 1_000_000), ()));
        let regular = (moment % 1_000).to_be_bytes();
        map.change(&regular, now, |_| (Change::Put((), now + 10_000_000), ()));
        // 1,000 ids of either kind live.
        if moment % 10_000 == 9_999 {
            let keys = map.metrics().keys;
            assert!(keys <= 3_000 + 4 * 256, "{keys} at {moment}");
        }
    }
    assert_eq!(map.metrics().evicted, 0);
}

#[test]
fn never_more_than_the_cap_and_never_much_less() {
    for most in [1, 2, 5_000, 8_191, 8_192, 100_000] {
        let map = map(most);
        for key in 0..2 * most {
            put(&map, &key.to_le_bytes(), key);
            if key % 1_000 == 0 {
                assert!(map.metrics().keys <= most);
            }
        }
        let metrics = map.metrics();
        assert!(metrics.keys <= most && metrics.keys > most - most / 20 - 1, "{} of {most}", metrics.keys);
        assert_eq!(metrics.keys as u64 + metrics.evicted, 2 * most as u64);
    }
}

#[test]
fn threads_lose_nothing() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 20_000;
    const IDS: u64 = 7;
    let map = map(100_000);
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (map, start) = (&map, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    let id = ((round + thread) % IDS).to_le_bytes();
                    map.change(&id, NOW, |seen| (Change::Put(seen.copied().unwrap_or(0) + 1, LATER), ()));
                }
            });
        }
    });
    let sum: u64 = (0..IDS).filter_map(|id| look(&map, &id.to_le_bytes(), NOW)).sum();
    assert_eq!(sum, THREADS * ROUNDS);
}

/// Concurrent transfers between accounts: every read sees the same sum.
#[test]
fn several_are_changed_at_once() {
    const ACCOUNTS: u64 = 16;
    let map = map(1_000_000);
    let ids: Vec<[u8; 8]> = (0..ACCOUNTS).map(u64::to_le_bytes).collect();
    for id in &ids {
        put(&map, id, 1_000_i64);
    }
    let start = Barrier::new(4);
    let transfer = |thread: u64| {
        start.wait();
        for round in 0..5_000_u64 {
            let [from, to] = [round.wrapping_mul(7) + thread, round.wrapping_mul(11) + 3 * thread + 1];
            let [from, to] = [from, to].map(|account| ids[(account % ACCOUNTS) as usize].as_slice());
            map.change_all([from, to], NOW, |seen| {
                let [from_has, to_has] = [seen[0], seen[1]].map(|seen| *seen.unwrap());
                let changes = if from == to {
                    Vec::new()
                } else {
                    vec![(0, Change::Put(from_has - 1, LATER)), (1, Change::Put(to_has + 1, LATER))]
                };
                (changes, ())
            });
        }
    };
    let look = || {
        start.wait();
        for _ in 0..2_000 {
            let sum = map.change_all(ids.iter().map(<[u8; 8]>::as_slice), NOW, |seen| {
                (Vec::new(), seen.iter().map(|seen| **seen.as_ref().unwrap()).sum::<i64>())
            });
            assert_eq!(sum, 1_000 * ACCOUNTS as i64);
        }
    };
    thread::scope(|scope| {
        for thread in 0..3 {
            let transfer = &transfer;
            scope.spawn(move || transfer(thread));
        }
        scope.spawn(look);
    });
}

/// Insertions, evictions and removals from all sides, in a map that is too small for them.
#[test]
fn threads_stay_within_the_cap() {
    const MOST: usize = 10_000;
    let map = map(MOST);
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (map, start) = (&map, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..30_000_u64 {
                    let key = (round.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ thread) % 30_000;
                    let now = NOW + i64::try_from(round).unwrap();
                    let change = if round % 5 == 0 { Change::Remove } else { Change::Put(round, now + 20_000) };
                    map.change(&key.to_le_bytes(), now, |_| (change, ()));
                    if round % 500 == 0 {
                        assert!(map.metrics().keys <= MOST);
                    }
                }
            });
        }
    });
    assert!(map.metrics().keys <= MOST);
}

/// The state of a limit fits into a slot of one cache line.
#[test]
fn a_bucket_has_40_bytes() {
    assert_eq!(size_of::<portcullis::limit::Usage>(), 40);
}

#[test]
fn debug_shows_no_content() {
    let map = map(10);
    put(&map, b"a secret id", "a secret value");
    assert_eq!(format!("{map:?}"), "Expiring { shards: 1, .. }");
}
