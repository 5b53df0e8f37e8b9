//! Invalid states, and states of a host whose clock was wrong.

use portcullis::limit::BucketState;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::Seen::{Left, Never, Wait};
use super::{Host, SECOND, START, limited};

const ALGORITHMS: [&str; 4] = ["fixed_window", "sliding_window", "sliding_log", "token_bucket"];
const MINUTE: i64 = 60 * SECOND;
const BUCKET: &str = "p/l/0:1:u";

fn limit(algorithm: &str) -> String {
    format!(
        "limit l {{ algorithm {algorithm}  key user.id ?? client.ip  cost user.weight ?? 1  rate 5 per 1s, 20 per 1m }}"
    )
}

fn times() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        START - 3 * MINUTE..START + 3 * MINUTE,
        select(vec![i64::MIN, i64::MAX, 0, START, -1, START + MINUTE, START + 365 * 24 * 60 * MINUTE]),
    ]
}

fn state() -> impl Strategy<Value = Value> {
    let period = || prop_oneof![6 => select(vec![SECOND, MINUTE]), 1 => any::<i64>(), 1 => Just(0)];
    let count = || prop_oneof![0_u64..30, any::<u64>(), Just(u64::MAX)];
    let log = vec((times(), count()), 0..20).prop_map(|log| json!({ "log": log }));
    let fixed = vec((period(), times(), count()), 0..6).prop_map(|windows| {
        let windows = windows
            .into_iter()
            .map(|(period, start, count)| json!({ "period": period, "start": start, "count": count }));
        json!({ "fixed_window": windows.collect::<Vec<_>>() })
    });
    let sliding = vec((period(), times(), count(), count()), 0..6).prop_map(|windows| {
        let windows = windows.into_iter().map(|(period, start, previous, current)| {
            json!({ "period": period, "start": start, "previous": previous, "current": current })
        });
        json!({ "sliding_window": windows.collect::<Vec<_>>() })
    });
    let bucket = vec((period(), times(), count()), 0..6).prop_map(|buckets| {
        let buckets = buckets
            .into_iter()
            .map(|(period, full_at, fraction)| json!({ "period": period, "full_at": full_at, "fraction": fraction }));
        json!({ "token_bucket": buckets.collect::<Vec<_>>() })
    });
    (prop_oneof![log, fixed, sliding, bucket], any::<u64>()).prop_map(|(mut state, version)| {
        state["version"] = json!(version);
        state
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// No state admits more than the rate, and the bucket is full again within minutes.
    #[test]
    fn any_state_is_survived(algorithm in select(ALGORITHMS.to_vec()), state in state(), cost in 1_u64..8) {
        let gate = limited(&limit(algorithm));
        let mut host = Host::with(BUCKET, &state);
        match host.charge(&gate, START, cost) {
            Left(left) => prop_assert!(left <= 5 - cost),
            // A clock that stands still goes on after at most two minutes, and the bucket is full two windows later.
            Wait(seconds) => prop_assert!((1..=240).contains(&seconds), "{seconds}"),
            Never => prop_assert!(cost > 5),
        }
        prop_assert_eq!(host.charge(&gate, START + 4 * MINUTE, 5), Left(0));
        prop_assert!(matches!(host.charge(&gate, START + 4 * MINUTE, 1), Wait(_)));
    }

    /// No time admits more than the rate, the first and the last one included.
    #[test]
    fn any_time_is_survived(
        algorithm in select(ALGORITHMS.to_vec()),
        state in state(),
        at in prop_oneof![-377_705_023_201_000_000_i64..253_402_207_200_000_000, select(vec![-377_705_023_201_000_000, 253_402_207_200_000_000])],
    ) {
        let gate = limited(&limit(algorithm));
        let mut host = Host::with(BUCKET, &state);
        let mut admitted = 0;
        for _ in 0..30 {
            admitted += u64::from(matches!(host.charge(&gate, at, 1), Left(_)));
        }
        prop_assert!(admitted <= 5, "{}", admitted);
    }

    /// A state of another algorithm counts as a full bucket.
    #[test]
    fn another_algorithm_starts_afresh(one in 0_usize..4, other in 0_usize..4) {
        prop_assume!(one != other);
        let mut host = Host::default();
        prop_assert_eq!(host.charge(&limited(&limit(ALGORITHMS[one])), START, 4), Left(1));
        let gate = limited(&limit(ALGORITHMS[other]));
        prop_assert_eq!(host.charge(&gate, START, 4), Left(1));
        prop_assert!(matches!(host.charge(&gate, START, 4), Wait(_)));
        prop_assert_eq!(host.version(BUCKET), 2);
    }
}

/// The first refusal repairs a state that a clock wrote a year ahead.
#[test]
fn a_bucket_from_the_future_heals() {
    for algorithm in ALGORITHMS {
        let gate = limited(&limit(algorithm));
        let mut host = Host::default();
        let year = 365 * 24 * 60 * MINUTE;
        assert_eq!(host.charge(&gate, START + year, 5), Left(0), "{algorithm}");
        assert!(matches!(host.charge(&gate, START, 1), Wait(1..=3)), "{algorithm}");
        assert!(matches!(host.charge(&gate, START + 3 * SECOND, 1), Left(_)), "{algorithm}");
    }
}

#[test]
fn states_have_one_list() {
    let read = |text: &str| serde_json::from_str::<BucketState>(text);
    let state = read(r#"{ "version": 7, "log": [[1, 2]] }"#).unwrap();
    assert_eq!(serde_json::to_string(&state).unwrap(), r#"{"version":7,"log":[[1,2]]}"#);
    for wrong in [
        r#"{ "version": 1 }"#,
        r#"{ "log": [] }"#,
        r#"{ "version": 1, "log": [], "token_bucket": [] }"#,
        r#"{ "version": 1, "log": [], "more": 1 }"#,
        r#"{ "version": 1, "leaky_bucket": [] }"#,
        r#"{ "version": 1, "token_bucket": [{ "period": 1, "full_at": 1 }] }"#,
        r#"{ "version": 1, "fixed_window": [{ "period": 1, "start": 1, "count": -1 }] }"#,
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
