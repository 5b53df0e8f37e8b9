//! Time of a decision, by batches: a clock takes longer to read than some engines take to decide.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The duration of a batch: long beside the clock's own cost, short beside a scheduler's slice.
const BATCH: Duration = Duration::from_micros(100);
/// At most so many batches a round; slow engines get as many as fit in its time, but for a few.
const BATCHES: usize = 500;
const LEAST: usize = 6;
const ROUND: Duration = Duration::from_millis(200);
const WARM_UP: Duration = Duration::from_millis(20);

/// The nanoseconds a decision took, batch by batch.
#[derive(Debug, Default, Clone)]
pub struct Timing {
    batches: Vec<f64>,
}

impl Timing {
    /// The fastest batch.
    pub fn minimum(&self) -> f64 {
        self.quantile(0.0)
    }

    /// The batch in the middle.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The batch that one in a hundred is slower than.
    pub fn p99(&self) -> f64 {
        self.quantile(0.99)
    }

    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.batches.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
    }

    /// Times one round of batches over the requests, which follow each other in a circle. Rounds of several engines take
    /// turns, so that a machine's slow moments meet all of them.
    pub fn round(&mut self, requests: usize, mut decide: impl FnMut(usize) -> bool) {
        let mut next = 0;
        let mut batch = |size: usize| {
            let start = Instant::now();
            for _ in 0..size {
                black_box(decide(black_box(next)));
                next += 1;
                if next == requests {
                    next = 0;
                }
            }
            start.elapsed()
        };
        let start = Instant::now();
        let mut decided = 0;
        let mut size = 1;
        while start.elapsed() < WARM_UP {
            batch(size);
            decided += size;
            size = (size * 2).min(1024);
        }
        let each = start.elapsed().as_secs_f64() / decided as f64;
        let size = ((BATCH.as_secs_f64() / each) as usize).max(1);
        let start = Instant::now();
        for done in 0..BATCHES {
            if done >= LEAST && start.elapsed() >= ROUND {
                break;
            }
            self.batches.push(batch(size).as_secs_f64() * 1e9 / size as f64);
        }
    }
}
