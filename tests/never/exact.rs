//! Holds what is proved against every request that a small policy can tell apart.

use portcullis::{Policy, Severity, Source};
use serde_json::Value;

use crate::small::{Dice, Small};

/// So many policies are looked at; `PROPTEST_CASES` says otherwise.
const CASES: u64 = 20_000;

#[test]
fn an_invariant_is_proved_exactly_where_no_request_breaks_it() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let (mut seed, mut looked_at, mut broken, mut granted) = (0, 0, 0, 0);
    while looked_at < cases {
        seed += 1;
        let small = Small::new(&mut Dice::new(seed));
        let Some(requests) = small.requests() else { continue };
        looked_at += 1;
        let text = small.text();
        let expected = requests.iter().find(|request| small.is_broken_by(request));
        match Policy::compile(&[Source::new("small.gate", &text)]) {
            Ok(_) => {
                assert!(expected.is_none(), "seed {seed}: this is proved\n{text}\nand this breaks it: {expected:?}")
            }
            Err(found) => {
                let error = found.iter().find(|found| found.severity == Severity::Error).unwrap();
                assert_eq!(error.code, "never_violated", "seed {seed}: {error:?}\n{text}\n{expected:?}");
                let note = error.note.as_deref().unwrap();
                let document: Value = serde_json::from_str(note.split_once(": ").unwrap().1).unwrap();
                let request = small.read(&document);
                assert!(small.is_broken_by(&request), "seed {seed}: {document} breaks nothing\n{text}");
                assert!(expected.is_some(), "seed {seed}: {document}\n{text}");
                broken += 1;
            }
        }
        granted += u64::from(expected.is_some());
    }
    println!("{looked_at} of {seed} policies, {broken} broken");
    assert!(broken * 10 > looked_at && broken * 10 < looked_at * 9 && granted == broken);
}
