//! Four processes of eight tasks each charge a hundred buckets, some of them much more often than their rates admit. Each process
//! logs its answers with the server's time. The log is counted anew: no window admits more than its rate, and none less than it
//! could.
//!
//! `scripts/soak` runs the same for longer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs, dead_code)]

mod server;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::num::NonZeroU64;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms};
use portcullis_redis::{Config, Redis};
use portcullis_store::Store;
use server::Server;

const PROCESSES: usize = 4;
const TASKS: usize = 8;
const BUCKETS: usize = 100;
/// Every second charge is of one of these, so that even a slow machine uses them up.
const HOT_BUCKETS: usize = ALGORITHMS.len();
/// Charges of one task, unless the environment says otherwise.
const CHARGES: usize = 1_000;
const STORE: &str = "PORTCULLIS_TEST_STORE";
const SIZE: &str = "PORTCULLIS_TEST_CHARGES";
const COUNT: usize = 40;
const SECOND: i64 = 1_000_000;
const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::FixedWindow, Algorithm::SlidingWindow, Algorithm::SlidingLog, Algorithm::TokenBucket];

/// One answer: the moment by the server's clock, and true if the charge was admitted.
type Said = (i64, bool);

fn algorithm(bucket: usize) -> Algorithm {
    ALGORITHMS[bucket % ALGORITHMS.len()]
}

fn main() {
    match std::env::var(STORE) {
        Ok(url) => worker(&url),
        Err(_) => parent(),
    }
}

fn worker(url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let said = runtime.block_on(async {
        let store = Redis::connect(url, Config::default().with_timeout(Duration::from_secs(10))).unwrap();
        let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(charge(store.clone(), task))).collect();
        let mut said = Vec::new();
        for task in tasks {
            said.extend(task.await.unwrap());
        }
        said
    });
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (bucket, (at, is_admitted)) in said {
        writeln!(out, "{bucket} {at} {}", u8::from(is_admitted)).unwrap();
    }
}

async fn charge(store: Redis, task: usize) -> Vec<(usize, Said)> {
    let rate = Rate::new(COUNT as u64, SECOND).unwrap();
    let charges: Vec<Charge> = (0..BUCKETS)
        .map(|bucket| {
            Charge::new(format!("p/l/0:3:{bucket:03}"), Terms::new(algorithm(bucket), &[rate]), NonZeroU64::MIN)
        })
        .collect();
    let mut said = Vec::new();
    let mut any = task + std::process::id() as usize;
    let charges_of_a_task = std::env::var(SIZE).map_or(CHARGES, |size| size.parse().unwrap());
    for turn in 0..charges_of_a_task {
        let bucket = if turn % 2 == 0 {
            // Every bucket once in a hundred, in an order without a pattern.
            any = (any * 21 + 7) % BUCKETS;
            any
        } else {
            any % HOT_BUCKETS
        };
        let charged = store.charge(&charges[bucket..=bucket], Timestamp::UNIX_EPOCH, Leasing::Off).await.unwrap();
        said.push((bucket, (charged.at, charged.outcomes[0].is_admitted())));
    }
    said
}

fn parent() {
    let server = Server::start("");
    let program = std::env::current_exe().unwrap();
    let start = |_| {
        let mut command = Command::new(&program);
        command.env(STORE, server.url()).stdout(Stdio::piped()).spawn().unwrap()
    };
    let workers: Vec<Child> = (0..PROCESSES).map(start).collect();
    let readers = workers.into_iter().map(|worker| std::thread::spawn(move || read(worker)));
    let mut by_bucket: BTreeMap<usize, Vec<Said>> = BTreeMap::new();
    for reader in readers.collect::<Vec<_>>() {
        for (bucket, said) in reader.join().unwrap() {
            by_bucket.entry(bucket).or_default().push(said);
        }
    }
    assert_eq!(by_bucket.len(), BUCKETS);
    let mut refused = 0;
    for (bucket, mut log) in by_bucket {
        // Within one moment, the admitted charges came first, as all cost the same.
        log.sort_unstable_by_key(|(at, is_admitted)| (*at, !is_admitted));
        refused += log.iter().filter(|(_, is_admitted)| !is_admitted).count();
        check(algorithm(bucket), &log);
    }
    assert!(refused > 0, "the buckets were never used up");
    println!("processes: no bucket admitted more than its rate, and none less ({refused} refusals looked at)");
}

fn read(mut worker: Child) -> Vec<(usize, Said)> {
    let lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    let said = lines.map(|line| {
        let line = line.unwrap();
        let mut parts = line.split(' ').map(|part| part.parse::<i64>().unwrap());
        let mut next = || parts.next().unwrap();
        (usize::try_from(next()).unwrap(), (next(), next() == 1))
    });
    let said = said.collect();
    assert!(worker.wait().unwrap().success());
    said
}

/// Asserts that each answer of a bucket follows from those before it.
fn check(algorithm: Algorithm, log: &[Said]) {
    let count = COUNT as i128;
    let mut admitted: Vec<i64> = Vec::new();
    // The moment at which a token bucket is full, in microseconds times the count.
    let mut full_at = i128::MIN;
    for (at, is_admitted) in log.iter().copied() {
        let window = at.div_euclid(SECOND);
        let newest = || admitted.iter().rev();
        let inside = |window: i64| {
            newest()
                .skip_while(|time| time.div_euclid(SECOND) > window)
                .take_while(|time| time.div_euclid(SECOND) == window)
                .count() as i128
        };
        let fits = match algorithm {
            Algorithm::FixedWindow => inside(window) < count,
            Algorithm::SlidingWindow => {
                let overlap = i128::from(SECOND - at.rem_euclid(SECOND));
                let second = i128::from(SECOND);
                inside(window - 1) * overlap + (inside(window) + 1) * second <= count * second
            }
            Algorithm::SlidingLog => (newest().take_while(|time| **time > at - SECOND).count() as i128) < count,
            _ => {
                let (now, token) = (i128::from(at) * count, i128::from(SECOND));
                let after = full_at.max(now) + token;
                if is_admitted {
                    full_at = after;
                }
                after <= now + count * token
            }
        };
        assert_eq!(is_admitted, fits, "{algorithm:?} at {at}, after {} admissions", admitted.len());
        if is_admitted {
            admitted.push(at);
        }
    }
}
