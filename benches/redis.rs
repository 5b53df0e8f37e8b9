//! Charges through Redis against a bare `EVALSHA` that does nothing, with the same client: requests a second.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench redis`; needs `redis-server` on the path. Both take turns, on one
//! connection each, at several numbers of tasks that ask at the same time.

use std::net::TcpListener;
use std::num::NonZeroU64;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms};
use portcullis_redis::{Config, Redis};
use portcullis_store::Store;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(1_000);
const BUCKETS: usize = 10_000;

struct Server(Child, u16);

impl Server {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--save", "", "--appendonly", "no"]).stdout(Stdio::null());
        Self(command.spawn().expect("redis-server is installed"), port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Requests a second of so many tasks, each of which asks again as soon as it is answered.
async fn rate<F, R>(tasks: usize, ask: impl Fn(usize) -> F + Clone + Send + Sync + 'static) -> f64
where
    F: Future<Output = R> + Send,
    R: Send,
{
    let (done, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|task| {
            let (done, is_over, ask) = (Arc::clone(&done), Arc::clone(&is_over), ask.clone());
            tokio::spawn(async move {
                let mut row = task.wrapping_mul(7_919);
                while !is_over.load(Ordering::Relaxed) {
                    ask(row % BUCKETS).await;
                    done.fetch_add(1, Ordering::Relaxed);
                    row = row.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                }
            })
        })
        .collect();
    tokio::time::sleep(ROUND).await;
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("no task panics");
    }
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[tokio::main]
async fn main() {
    let server = Server::start();
    let url = format!("redis://127.0.0.1:{}", server.1);
    let client = redis::Client::open(url.as_str()).expect("a URL");
    let bare = ConnectionManager::new_with_config(client, ConnectionManagerConfig::new()).await.expect("it answers");
    let digest: String =
        redis::cmd("SCRIPT").arg("LOAD").arg("return 0").query_async(&mut bare.clone()).await.expect("it loads");
    let store = Redis::connect(&url, Config::default().with_timeout(Duration::from_secs(5))).expect("a URL");
    for algorithm in [Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        let rate_of = Rate::new(1_000_000, 60_000_000).expect("a rate");
        let charges: Arc<Vec<Charge>> = Arc::new(
            (0..BUCKETS)
                .map(|row| Charge::new(format!("bench/{algorithm:?}/0:6:u{row:05}"), Terms::new(algorithm, &[rate_of]), NonZeroU64::MIN))
                .collect(),
        );
        for tasks in [1, 16, 64, 256] {
            let (mut bares, mut ours) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let (bare, digest) = (bare.clone(), digest.clone());
                let nothing = move |row: usize| {
                    let (mut bare, digest) = (bare.clone(), digest.clone());
                    async move {
                        let mut command = redis::cmd("EVALSHA");
                        command.arg(digest).arg(1).arg(format!("bench/{row}")).arg("x");
                        command.query_async::<i64>(&mut bare).await.expect("it answers")
                    }
                };
                bares.push(rate(tasks, nothing).await);
                let (store, charges) = (store.clone(), Arc::clone(&charges));
                let charge = move |row: usize| {
                    let (store, charges) = (store.clone(), Arc::clone(&charges));
                    async move {
                        let charge = charges.get(row..=row).expect("a bucket");
                        store.charge(charge, Timestamp::UNIX_EPOCH, Leasing::Off).await.expect("it answers")
                    }
                };
                ours.push(rate(tasks, charge).await);
            }
            let (bare, ours) = (median(bares), median(ours));
            println!("{:<14} {tasks:>4} tasks: bare {bare:>9.0}/s, charge {ours:>9.0}/s, {:.2}", algorithm.name(), ours / bare);
        }
    }
}
