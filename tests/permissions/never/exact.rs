//! Compares each proof with all requests that a small policy can distinguish.

use portcullis::diagnostic::Severity;
use serde_json::Value;

use super::small::{Dice, NEVERS, Small};
use crate::support::try_compile;

/// The number of invariants. `PROPTEST_CASES` overrides it.
const CASES: usize = 20_000;
const THREADS: u64 = 2;

#[test]
fn an_invariant_is_proved_exactly_where_no_request_breaks_it() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let each = cases.div_ceil(2);
    let threads: Vec<_> = (0..THREADS).map(|thread| std::thread::spawn(move || compare(thread, each))).collect();
    let broken: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    println!("{cases} invariants, {broken} broken");
    assert!(broken * 4 > cases && broken * 4 < cases * 3, "{broken} of {cases} are broken");
}

/// Compares a number of invariants, and returns the number of violated ones.
fn compare(thread: u64, cases: usize) -> usize {
    let (mut seed, mut looked_at, mut broken) = (thread, 0, 0);
    while looked_at < cases {
        seed += THREADS;
        let small = Small::new(&mut Dice::new(seed));
        let Some(expected) = small.broken() else { continue };
        looked_at += NEVERS;
        let (text, starts) = small.text();
        let found = try_compile(&text).err().unwrap_or_default();
        let errors: Vec<_> = found.iter().filter(|found| found.severity == Severity::Error).collect();
        let foreign = errors.iter().find(|error| !error.code.starts_with("never_"));
        assert!(foreign.is_none(), "seed {seed}: {foreign:?}\n{text}");
        let at = |start: usize| errors.iter().find(|found| found.primary.span.start as usize == start);
        for (row, (start, expected)) in starts.iter().zip(&expected).enumerate() {
            let invariant = text[*start..].lines().next().unwrap();
            let told = || format!("seed {seed}: {invariant}\n{text}");
            let Some(error) = at(*start) else {
                assert!(expected.is_none(), "{}\nis proved, and this breaks it: {expected:?}", told());
                continue;
            };
            assert_eq!(error.code, "never_violated", "{}\n{error:?}\n{expected:?}", told());
            let note = error.note.as_deref().unwrap();
            let document: Value = serde_json::from_str(note.split_once(": ").unwrap().1).unwrap();
            assert!(small.is_broken_by(row, &small.read(&document)), "{}\n{document} doesn't break it", told());
            assert!(expected.is_some(), "{}\n{document} breaks it", told());
            broken += 1;
        }
        assert_eq!(errors.len(), expected.iter().flatten().count(), "seed {seed}: {errors:?}\n{text}");
    }
    broken
}
