//! Each algorithm against a slow model: a list of admissions, or a bucket of counted parts of tokens.

use portcullis::Gate;
use proptest::collection::vec;
use proptest::prelude::*;

use super::Seen::{Left, Never, Wait};
use super::{Host, SECOND, START, limited};

#[derive(Debug, Clone, Copy)]
struct Rate {
    count: u64,
    period: i64,
    burst: u64,
}

impl Rate {
    fn text(self) -> String {
        let burst = if self.burst == self.count { String::new() } else { format!(" burst {}", self.burst) };
        format!("{} per {}ms{burst}", self.count, self.period / 1_000)
    }
}

/// A model of an algorithm.
trait Model {
    fn left(&mut self, at: i64, cost: u64) -> Option<u64>;
    fn admit(&mut self, at: i64, cost: u64);
}

/// All admissions, counted at each charge.
struct Windows {
    rate: Rate,
    sliding: bool,
    admitted: Vec<(i64, u64)>,
}

impl Model for Windows {
    fn left(&mut self, at: i64, cost: u64) -> Option<u64> {
        let Rate { count, period, .. } = self.rate;
        let window = at.div_euclid(period);
        let inside = |window: i64| -> i128 {
            let there = self.admitted.iter().filter(|(time, _)| time.div_euclid(period) == window);
            there.map(|(_, cost)| i128::from(*cost)).sum()
        };
        let before = if self.sliding { inside(window - 1) } else { 0 };
        // In parts of a request, one for each microsecond of the period.
        let overlap = i128::from(period - at.rem_euclid(period));
        let used = before * overlap + (inside(window) + i128::from(cost)) * i128::from(period);
        let left = i128::from(count) * i128::from(period) - used;
        u64::try_from(left).ok().map(|left| left / u64::try_from(period).unwrap())
    }

    fn admit(&mut self, at: i64, cost: u64) {
        self.admitted.push((at, cost));
    }
}

struct Log {
    rate: Rate,
    admitted: Vec<(i64, u64)>,
}

impl Model for Log {
    fn left(&mut self, at: i64, cost: u64) -> Option<u64> {
        let used: u64 =
            self.admitted.iter().filter(|(time, _)| *time > at - self.rate.period).map(|(_, cost)| cost).sum();
        self.rate.count.checked_sub(used + cost)
    }

    fn admit(&mut self, at: i64, cost: u64) {
        self.admitted.push((at, cost));
    }
}

/// A bucket that is filled step by step. A token has as many drops as the period has microseconds, and `count` drops fall
/// in each microsecond.
struct Bucket {
    rate: Rate,
    drops: i128,
    at: i64,
}

impl Bucket {
    fn fill(&mut self, at: i64) {
        let fallen = i128::from(at - self.at) * i128::from(self.rate.count);
        let whole = i128::from(self.rate.burst) * i128::from(self.rate.period);
        (self.drops, self.at) = ((self.drops + fallen).min(whole), at);
    }
}

impl Model for Bucket {
    fn left(&mut self, at: i64, cost: u64) -> Option<u64> {
        self.fill(at);
        let left = self.drops - i128::from(cost) * i128::from(self.rate.period);
        (left >= 0).then(|| u64::try_from(left / i128::from(self.rate.period)).unwrap())
    }

    fn admit(&mut self, at: i64, cost: u64) {
        self.fill(at);
        self.drops -= i128::from(cost) * i128::from(self.rate.period);
    }
}

fn model(algorithm: &str, rate: Rate) -> Box<dyn Model> {
    match algorithm {
        "sliding_log" => Box::new(Log { rate, admitted: Vec::new() }),
        "token_bucket" => {
            let drops = i128::from(rate.burst) * i128::from(rate.period);
            Box::new(Bucket { rate, drops, at: START })
        }
        _ => Box::new(Windows { rate, sliding: algorithm == "sliding_window", admitted: Vec::new() }),
    }
}

fn rates(bursts: bool) -> impl Strategy<Value = Vec<Rate>> {
    let period = prop_oneof![Just(1_000_i64), Just(60_000), 1_i64..5_000].prop_map(|milliseconds| milliseconds * 1_000);
    let rate = (1_u64..30, period, 0_u64..20).prop_map(move |(count, period, more)| Rate {
        count,
        period,
        burst: if bursts { count + more } else { count },
    });
    vec(rate, 1..4).prop_map(|mut rates| {
        rates.sort_by_key(|rate| rate.period);
        rates.dedup_by_key(|rate| rate.period);
        rates
    })
}

/// Steps of the clock in microseconds, and costs.
fn charges() -> impl Strategy<Value = Vec<(i64, u64)>> {
    let step = prop_oneof![Just(0_i64), 1_i64..100, 1_i64..100_000, 1_i64..3_000_000, Just(SECOND), Just(60 * SECOND)];
    vec((step, prop_oneof![4 => Just(1_u64), 2 => 1_u64..10, 1 => 1_u64..60]), 1..60)
}

fn agrees(algorithm: &str, rates: &[Rate], charges: &[(i64, u64)]) {
    let texts: Vec<String> = rates.iter().map(|rate| rate.text()).collect();
    let gate: Gate = limited(&format!(
        "limit l {{ algorithm {algorithm}  key user.id ?? client.ip  cost user.weight ?? 1  rate {} }}",
        texts.join(", ")
    ));
    let mut models: Vec<Box<dyn Model>> = rates.iter().map(|rate| model(algorithm, *rate)).collect();
    let mut host = Host::default();
    let mut at = START;
    for (step, cost) in charges {
        at += step;
        let left: Option<Vec<u64>> = models.iter_mut().map(|model| model.left(at, *cost)).collect();
        let before = host.clone();
        match (host.charge(&gate, at, *cost), left) {
            (Left(told), Some(left)) => {
                assert_eq!(told, left.into_iter().min().unwrap());
                models.iter_mut().for_each(|model| model.admit(at, *cost));
            }
            (Never, None) => assert!(rates.iter().any(|rate| rate.burst < *cost)),
            (Wait(seconds), None) => {
                // Nothing was consumed; it fits when the client was told, and not a second earlier.
                assert_eq!(host.facts, before.facts);
                let later = |seconds: i64| before.clone().charge(&gate, at + seconds * SECOND, *cost);
                assert!(matches!(later(seconds), Left(_)), "{seconds}: {:?}", later(seconds));
                assert!(matches!(later(seconds - 1), Wait(1)), "{seconds}: {:?}", later(seconds - 1));
            }
            (seen, left) => panic!("{algorithm} at {at}: {seen:?}, and the models say {left:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fixed_windows(rates in rates(false), charges in charges()) {
        agrees("fixed_window", &rates, &charges);
    }

    #[test]
    fn sliding_windows(rates in rates(false), charges in charges()) {
        agrees("sliding_window", &rates, &charges);
    }

    #[test]
    fn sliding_logs(rates in rates(false), charges in charges()) {
        agrees("sliding_log", &rates, &charges);
    }

    #[test]
    fn token_buckets(rates in rates(true), charges in charges()) {
        agrees("token_bucket", &rates, &charges);
    }
}
