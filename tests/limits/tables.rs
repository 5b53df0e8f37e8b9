//! Each algorithm by tables of charges.

use serde_json::json;

use super::Seen::{Left, Never, Wait};
use super::{Host, SECOND, START, check, limited};

#[test]
fn fixed_windows_begin_anew_at_their_boundary() {
    check(
        "algorithm fixed_window  rate 5 per 1m",
        &[
            (30.0, 3, Left(2)),
            (31.0, 3, Wait(29)),
            (59.5, 2, Left(0)),
            (59.5, 1, Wait(1)),
            (60.0, 5, Left(0)),
            (60.0, 6, Never),
            (120.0, 1, Left(4)),
            (600.0, 1, Left(4)),
        ],
    );
}

#[test]
fn sliding_windows_count_what_overlaps() {
    check(
        "algorithm sliding_window  rate 10 per 1m",
        &[
            (0.0, 10, Left(0)),
            // Of the window before, 6 s less than all of it overlaps: 9 of 10 count.
            (59.0, 1, Wait(7)),
            (65.9, 1, Wait(1)),
            (66.0, 1, Left(0)),
            (66.0, 1, Wait(6)),
            (90.0, 5, Wait(6)),
            (90.0, 4, Left(0)),
            (90.0, 11, Never),
            // Two windows later nothing overlaps.
            (180.0, 10, Left(0)),
            // All of it fits again when the window after has gone by.
            (180.0, 10, Wait(120)),
        ],
    );
}

#[test]
fn logs_are_exact() {
    check(
        "algorithm sliding_log  rate 5 per 1m",
        &[
            (0.0, 2, Left(3)),
            (30.0, 3, Left(0)),
            (59.999_999, 1, Wait(1)),
            (60.0, 2, Left(0)),
            (60.0, 3, Wait(30)),
            (60.0, 6, Never),
            (150.0, 5, Left(0)),
        ],
    );
}

#[test]
fn token_buckets_fill_evenly() {
    check(
        "algorithm token_bucket  rate 60 per 1m burst 100",
        &[
            (0.0, 100, Left(0)),
            (0.0, 1, Wait(1)),
            (0.999_999, 1, Wait(1)),
            (1.0, 1, Left(0)),
            (11.5, 10, Left(0)),
            (11.5, 1, Wait(1)),
            (12.0, 1, Left(0)),
            (12.0, 100, Wait(100)),
            (12.0, 101, Never),
            (1_000.0, 1, Left(99)),
        ],
    );
}

#[test]
fn no_token_is_lost_to_rounding() {
    check(
        "algorithm token_bucket  rate 7 per 1s",
        &[
            (0.0, 1, Left(6)),
            (0.0, 1, Left(5)),
            (0.0, 5, Left(0)),
            (0.142_857, 1, Wait(1)),
            (0.142_858, 1, Left(0)),
            (1.0, 6, Left(0)),
            (2.0, 7, Left(0)),
            (2.0, 1, Wait(1)),
            (3.0, 7, Left(0)),
        ],
    );
}

#[test]
fn all_rates_hold_and_none_is_charged_where_one_refuses() {
    // The sliding window forgets a second only over the next one, and a day over the next.
    for (algorithm, second, day) in
        [("fixed_window", 1, 86_380), ("sliding_log", 1, 86_380), ("sliding_window", 2, 86_380 + 12_343)]
    {
        check(
            &format!("algorithm {algorithm}  rate 5 per 1s, 8 per 1d"),
            &[(0.0, 5, Left(0)), (0.0, 1, Wait(second)), (10.0, 2, Left(1)), (20.0, 2, Wait(day)), (20.0, 1, Left(0))],
        );
    }
    check(
        "algorithm token_bucket  rate 5 per 1s, 8 per 1d burst 8",
        &[(0.0, 5, Left(0)), (0.0, 1, Wait(1)), (10.0, 2, Left(1)), (20.0, 2, Wait(10_780)), (20.0, 1, Left(0))],
    );
}

/// Admissions in one tier count in another.
#[test]
fn a_change_of_tier_forgets_nothing() {
    for algorithm in ["fixed_window", "sliding_window", "sliding_log"] {
        let gate = limited(&format!(
            "tier \"free\" {{ 10 per 1m, 50 per 1h }}\ntier \"pro\" {{ 40 per 1m }}\n\
             limit l {{ algorithm {algorithm}  key user.id ?? client.ip  tier user.tier ?? \"free\"  cost user.weight ?? 1 }}"
        ));
        let mut host = Host::default();
        let mut ask = |second: i64, tier: &str, cost: u64| {
            host.ask(&gate, START + second * SECOND, &json!({ "tier": tier, "weight": cost }))
        };
        assert_eq!(ask(0, "free", 10), Left(0), "{algorithm}");
        assert_eq!(ask(0, "pro", 30), Left(0));
        assert!(matches!(ask(0, "free", 1), Wait(_)));
        assert_eq!(ask(180, "pro", 20), Left(20));
        // The hour's rate of the free tier has counted all of them.
        assert!(matches!(ask(360, "free", 1), Wait(1_000..)), "{algorithm}");
        assert_eq!(ask(360, "pro", 1), Left(39));
    }
}

/// A token bucket keeps the used share of its burst in another tier. Rates that only the other tier has are charged as well.
#[test]
fn a_token_bucket_keeps_its_share_in_another_tier() {
    let gate = limited(
        "tier \"free\" { 10 per 1m, 50 per 1h }\ntier \"pro\" { 60 per 1m burst 120 }\n\
         limit l { algorithm token_bucket  key user.id ?? client.ip  tier user.tier ?? \"free\"  cost user.weight ?? 1 }",
    );
    let mut host = Host::default();
    let mut ask = |second: i64, tier: &str, cost: u64| {
        host.ask(&gate, START + second * SECOND, &json!({ "tier": tier, "weight": cost }))
    };
    assert_eq!(ask(0, "pro", 120), Left(0));
    // Two minutes until the pro tier's bucket is full: 66 s of it are too much for one token of the free tier's.
    // But the hour of the free tier is used up, too, and a token of that takes 72 s.
    assert_eq!(ask(0, "free", 1), Wait(72));
    assert_eq!(ask(72, "free", 1), Left(0));
    // What the free tier refuses doesn't fill the pro tier's bucket.
    assert_eq!(ask(72, "pro", 200), Never);
    assert_eq!(ask(72, "pro", 1), Left(65));
}

/// A clock that jumps back by less than a window, and by more.
#[test]
fn clocks_that_jump_back() {
    check(
        "algorithm fixed_window  rate 5 per 1m",
        &[
            (60.0, 5, Left(0)),
            // Time stands still until the clock has caught up.
            (30.0, 1, Wait(90)),
            (119.0, 1, Wait(1)),
            (120.0, 5, Left(0)),
            // Ten windows back, what is stored counts as used now, and the bucket heals with this window.
            (-480.0, 1, Wait(60)),
            (-420.0, 5, Left(0)),
        ],
    );
    check(
        "algorithm sliding_window  rate 5 per 1m",
        &[(60.0, 5, Left(0)), (30.0, 1, Wait(102)), (-540.0, 1, Wait(72)), (-469.0, 1, Wait(1)), (-468.0, 1, Left(0))],
    );
    check(
        "algorithm sliding_log  rate 5 per 1m",
        &[(60.0, 5, Left(0)), (30.0, 1, Wait(90)), (-540.0, 1, Wait(60)), (-481.0, 1, Wait(1)), (-480.0, 5, Left(0))],
    );
    check(
        "algorithm token_bucket  rate 6 per 1m",
        &[(60.0, 5, Left(1)), (50.0, 1, Wait(10)), (-540.0, 1, Wait(10)), (-530.0, 1, Left(0)), (-480.0, 5, Left(0))],
    );
}

/// Two machines whose clocks differ by half a minute admit no more than one machine.
#[test]
fn machines_whose_clocks_differ_share_a_bucket() {
    for algorithm in ["fixed_window", "sliding_window", "sliding_log", "token_bucket"] {
        let gate = limited(&format!("limit l {{ algorithm {algorithm}  key user.id ?? client.ip  rate 5 per 1s }}"));
        let mut host = Host::default();
        let mut admitted = 0;
        for round in 0..100 {
            // All of it within a tenth of a second.
            for behind in [0, 30 * SECOND] {
                let at = START + 100 * SECOND + round * 1_000 - behind;
                admitted += u64::from(matches!(host.ask(&gate, at, &json!({})), Left(_)));
            }
        }
        assert_eq!(admitted, 5, "{algorithm}");
    }
}
