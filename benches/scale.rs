//! Limits over many machines: memory a key, the spread over shards, leases, and what a lost shard admits once more.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench scale`; needs `redis-server` on the path. The nodes are simulated, by a
//! clock of the simulation's own: what it prints is the same every time, but for the bytes that the server needs.

use std::net::TcpListener;
use std::num::{NonZeroU64, NonZeroUsize};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use portcullis::token::FamilyState;
use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms};
use portcullis_redis::{Config, Redis};
use portcullis_store::{Charged, Leased, Memory, Store, StoreError};

const MINUTE: i64 = 60_000_000;
const START: i64 = 1_795_392_000_000_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(memory());
    shards();
    runtime.block_on(leases());
    runtime.block_on(lost_shard());
}

// ── Memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────

struct Server(Child, u16);

impl Server {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--save", "", "--appendonly", "no"]).stdout(Stdio::null());
        let server = Self(command.spawn().expect("redis-server is installed"), port);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bytes that the server needs for each bucket, all included.
async fn memory() {
    println!("memory a key on {}", version());
    let day = Rate::new(1_000, 86_400_000_000).expect("a rate");
    let log = Rate::new(20, 86_400_000_000).expect("a rate");
    for (what, algorithm, rate, keys, charges) in [
        ("token_bucket", Algorithm::TokenBucket, day, 1_000_000, 1),
        ("fixed_window", Algorithm::FixedWindow, day, 200_000, 1),
        ("sliding_window", Algorithm::SlidingWindow, day, 200_000, 1),
        ("sliding_log of 10", Algorithm::SlidingLog, log, 200_000, 10),
    ] {
        let server = Server::start();
        let store = Redis::connect(&server.url(), Config::default().with_timeout(Duration::from_secs(30))).expect("a URL");
        let mut connection = redis::Client::open(server.url()).and_then(|client| client.get_connection()).expect("it answers");
        let before = used(&mut connection);
        let tasks: Vec<_> = (0..256)
            .map(|task| {
                let store = store.clone();
                tokio::spawn(async move {
                    for key in (task..keys).step_by(256) {
                        let bucket = format!("article/api/0:12:user{key:08}");
                        let charge = Charge::new(bucket, Terms::new(algorithm, &[rate]), NonZeroU64::MIN);
                        for _ in 0..charges {
                            store.charge(std::slice::from_ref(&charge), Timestamp::UNIX_EPOCH, Leasing::Off).await.expect("it answers");
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no task panics");
        }
        let bytes = (used(&mut connection) - before) as f64 / keys as f64;
        println!("  {what:<18} {keys:>9} keys: {bytes:>6.1} bytes a key, 100 million: {:>5.1} GB", bytes / 10.0);
    }
}

fn used(connection: &mut redis::Connection) -> u64 {
    let info: String = redis::cmd("INFO").arg("memory").query(connection).expect("it answers");
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("it says so");
    line.trim().parse().expect("a number")
}

fn version() -> String {
    let said = Command::new("redis-server").arg("--version").output().expect("redis-server is installed").stdout;
    String::from_utf8_lossy(&said).split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

// ── Shards ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// The distribution of keys on shards, by the hash slot of their tag (CRC16 modulo 16,384).
fn shards() {
    println!("keys on shards, 10 million of them");
    let slots: Vec<u16> = (0..10_000_000).map(|key| crc16::State::<crc16::XMODEM>::calculate(format!("0:12:user{key:08}").as_bytes()) % 16_384).collect();
    for shards in [3_usize, 6, 16, 64] {
        let mut keys = vec![0_u64; shards];
        for slot in &slots {
            keys[usize::from(*slot) * shards / 16_384] += 1;
        }
        let mean = slots.len() as f64 / shards as f64;
        let (least, most) = (keys.iter().min().expect("shards"), keys.iter().max().expect("shards"));
        println!("  {shards:>3} shards: {:.3} to {:.3} of the mean", *least as f64 / mean, *most as f64 / mean);
    }
}

// ── Leases ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// The shared store of a simulation, and how often it was asked.
#[derive(Clone)]
struct Shared(Arc<Memory>);

impl Store for Shared {
    async fn charge(&self, charges: &[Charge], now: Timestamp, leasing: Leasing) -> Result<Charged, StoreError> {
        Store::charge(&*self.0, charges, now, leasing).await
    }

    async fn release(&self, bucket: &str, slot: i64) -> Result<(), StoreError> {
        self.0.release(bucket, slot).await
    }

    async fn family(&self, id: &str, now: Timestamp) -> Result<Option<FamilyState>, StoreError> {
        self.0.family(id, now).await
    }

    async fn swap_family(&self, id: &str, read: u64, state: &FamilyState, expires: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        self.0.swap_family(id, read, state, expires, now).await
    }
}

fn shared() -> Shared {
    Shared(Arc::new(Memory::new(NonZeroUsize::new(1 << 20).expect("not 0"))))
}

/// One hot key on a thousand nodes: 600,000 a minute, offered at half of that and at twice that, evenly.
async fn leases() {
    const NODES: usize = 1_000;
    const COUNT: u64 = 600_000;
    println!("one hot key on {NODES} nodes, {COUNT} a minute, for two minutes after the first");
    println!("  {:>14} {:>7} {:>6} {:>22} {:>20} {:>14}", "algorithm", "offered", "lease", "round trips/decision", "admitted of the rate", "over the rate");
    for algorithm in [Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        for offered in [COUNT / 2, COUNT * 2] {
            for lease in [1, 10, 20, 50] {
                let clock = Arc::new(AtomicI64::new(START));
                let store = shared();
                let nodes: Vec<Leased<Shared>> = (0..NODES)
                    .map(|_| {
                        let clock = Arc::clone(&clock);
                        Leased::with_clock(store.clone(), move || clock.load(Ordering::Relaxed))
                    })
                    .collect();
                let rate = Rate::new(COUNT, MINUTE).expect("a rate");
                let mut charge = Charge::new("p/l/0:3:hot", Terms::new(algorithm, &[rate]), NonZeroU64::MIN);
                charge.lease = NonZeroU64::new(lease).filter(|lease| lease.get() > 1);
                let step = MINUTE / i64::try_from(offered).expect("small");
                let mut admitted = Vec::new();
                let mut random = 1_u64;
                for request in 0..offered * 3 {
                    let now = START + i64::try_from(request).expect("small") * step;
                    clock.store(now, Ordering::Relaxed);
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let node = &nodes[usize::try_from(random >> 33).expect("small") % NODES];
                    let at = Timestamp::from_microsecond(now).expect("a time");
                    let said = node.charge(std::slice::from_ref(&charge), at, Leasing::On).await.expect("it is in memory");
                    if said.outcomes[0].is_admitted() {
                        admitted.push(now);
                    }
                }
                let asked: u64 = nodes.iter().map(|node| node.metrics().asked).sum();
                let later = admitted.iter().filter(|at| **at >= START + MINUTE).count() as f64;
                let possible = (offered.min(COUNT) * 2) as f64;
                println!(
                    "  {:>14} {:>7} {lease:>6} {:>22.4} {:>20.3} {:>14}",
                    algorithm.name(),
                    format!("{}x", offered as f64 / COUNT as f64),
                    asked as f64 / (offered * 3) as f64,
                    later / possible,
                    over(algorithm, &admitted, COUNT),
                );
            }
        }
    }
}

/// The number of admissions beyond the rate, counted from the moments alone.
fn over(algorithm: Algorithm, admitted: &[i64], count: u64) -> usize {
    let mut over = 0;
    let (mut full_at, parts) = (i128::MIN, i128::from(count));
    let mut windows = std::collections::HashMap::<i64, u64>::new();
    for at in admitted {
        let window = at.div_euclid(MINUTE);
        let before = windows.get(&(window - 1)).copied().unwrap_or_default();
        let inside = windows.entry(window).or_default();
        *inside += 1;
        let fits = match algorithm {
            Algorithm::TokenBucket => {
                let now = i128::from(*at) * parts;
                full_at = full_at.max(now) + i128::from(MINUTE);
                full_at <= now + parts * i128::from(MINUTE)
            }
            Algorithm::FixedWindow => *inside <= count,
            _ => {
                let overlap = i128::from(MINUTE - at.rem_euclid(MINUTE));
                i128::from(before) * overlap + i128::from(*inside) * i128::from(MINUTE) <= parts * i128::from(MINUTE)
            }
        };
        over += usize::from(!fits);
    }
    over
}

// ── A lost shard ────────────────────────────────────────────────────────────────────────────────────────────────────

/// Every key is used up, one of six shards loses its states in the middle of the window, and everybody tries again.
async fn lost_shard() {
    const KEYS: usize = 60_000;
    const COUNT: u64 = 10;
    let shards: Vec<Shared> = (0..6).map(|_| shared()).collect();
    let rate = Rate::new(COUNT, 60 * MINUTE).expect("a rate");
    let charges: Vec<Charge> = (0..KEYS)
        .map(|key| Charge::new(format!("p/l/0:5:{key:05}"), Terms::new(Algorithm::FixedWindow, &[rate]), NonZeroU64::MIN))
        .collect();
    let now = Timestamp::from_microsecond(START).expect("a time");
    let mut shards = shards;
    let mut rounds = Vec::new();
    for is_after in [false, true] {
        if is_after {
            shards[0] = shared();
        }
        let mut admitted = 0_u64;
        for (key, charge) in charges.iter().enumerate() {
            for _ in 0..=COUNT {
                let said = shards[key % 6].charge(std::slice::from_ref(charge), now, Leasing::Off).await.expect("it is in memory");
                admitted += u64::from(said.outcomes[0].is_admitted());
            }
        }
        rounds.push(admitted);
    }
    println!("one of 6 shards loses its states, every key used up: {} admitted before, {} once more ({:.3})", rounds[0], rounds[1], rounds[1] as f64 / rounds[0] as f64);
}
