//! Charges while the server dies, stops, is full, or forgets the scripts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs, dead_code)]

#[path = "failures/malformed.rs"]
mod malformed;
mod server;

use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms};
use portcullis::request::Scheme;
use portcullis::{Gate, Keys, Policy, Request, Source};
use portcullis_redis::{Clock, Config, Redis};
use portcullis_store::{Store, StoreError};
use server::relay::Relay;
use server::{PATIENCE, Server};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

const TIMEOUT: Duration = Duration::from_millis(300);
const COUNT: u64 = 20;
const PAUSE: Duration = Duration::from_millis(20);

fn config() -> Config {
    Config::default().with_timeout(TIMEOUT).with_clock(Clock::Host).with_pauses(PAUSE, 5 * PAUSE)
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_392_000).unwrap()
}

fn charge(key: &str) -> Charge {
    let rate = Rate::new(COUNT, 3_600_000_000).unwrap();
    Charge::new(format!("p/l/0:{}:{key}", key.len()), Terms::new(Algorithm::FixedWindow, &[rate]), NonZeroU64::MIN)
}

/// True if the charge is admitted.
async fn try_charge(store: &Redis, key: &str) -> Result<bool, StoreError> {
    let charged = store.charge(&[charge(key)], now(), Leasing::Off).await?;
    Ok(charged.outcomes[0].is_admitted())
}

/// Charges until the store answers again.
async fn recovered(store: &Redis, key: &str) -> bool {
    let answers = async {
        loop {
            match try_charge(store, key).await {
                Ok(admitted) => return admitted,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    timeout(PATIENCE, answers).await.expect("the store doesn't answer again")
}

/// Charges until the store refuses. Returns the number of charges that were admitted.
async fn exhaust(store: &Redis, key: &str) -> u64 {
    let mut admitted = 0;
    while try_charge(store, key).await.unwrap() {
        admitted += 1;
    }
    admitted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_and_comes_back() {
    let mut server = Server::durable();
    let store = Redis::connect(&server.url(), config()).unwrap();
    let mut admitted = 0;
    for _ in 0..5 {
        admitted += u64::from(try_charge(&store, "u").await.unwrap());
    }
    server.kill();
    for _ in 0..50 {
        assert!(try_charge(&store, "u").await.is_err(), "nobody answers");
    }
    server.restart();
    admitted += u64::from(recovered(&store, "u").await);
    admitted += exhaust(&store, "u").await;
    assert_eq!(admitted, COUNT, "what was admitted before the crash is remembered");
}

/// The runtime's clock is paused while the server is stopped: it moves on to the next timer once every task waits. So durations are
/// exact, however busy the machine is.
#[tokio::test]
async fn a_server_that_stops_for_a_while() {
    let server = Server::start("");
    let store = Redis::connect(&server.url(), config()).unwrap();
    assert_eq!(try_charge(&store, "u").await, Ok(true));
    server.freeze();
    tokio::time::pause();
    let begun = Instant::now();
    for answer in join_all((0..100).map(|_| try_charge(&store, "u"))).await {
        assert!(matches!(answer, Err(StoreError::Away(_))));
    }
    let failed = Instant::now();
    // The calls fail with their callers, and from then on calls pause.
    tokio::time::advance(Duration::from_millis(1)).await;
    // Timers are rounded up to milliseconds.
    assert!(failed <= begun + TIMEOUT + Duration::from_millis(1), "all of them wait at the same time");
    let paused = Instant::now();
    for _ in 0..1_000 {
        assert!(try_charge(&store, "u").await.is_err());
    }
    assert_eq!(Instant::now(), paused, "none of them waits");
    tokio::time::resume();
    server.thaw();
    let first = u64::from(recovered(&store, "u").await);
    // Calls that were under way when the server stopped may have been charged: never less than what was admitted.
    let admitted = 1 + first + exhaust(&store, "u").await;
    assert!(admitted <= COUNT, "{admitted}");
    assert_eq!(exhaust(&store, "v").await, COUNT, "service is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_full() {
    let server = Server::start("--maxmemory 2500kb --maxmemory-policy noeviction");
    let store = Redis::connect(&server.url(), config()).unwrap();
    assert_eq!(try_charge(&store, "early").await, Ok(true));
    let mut refused = None;
    for key in 0..100_000 {
        if let Err(error) = try_charge(&store, &format!("{key:0>200}")).await {
            refused = Some(error);
            break;
        }
    }
    assert_eq!(refused, Some(StoreError::Refused("OOM".to_owned())));
    assert!(try_charge(&store, "early").await.is_err(), "nothing is admitted that can't be counted");
    let _: () = server.ask("CONFIG SET maxmemory 100mb");
    assert!(recovered(&store, "early").await);
    assert_eq!(exhaust(&store, "early").await, COUNT - 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgets_the_scripts() {
    let server = Server::start("");
    let store = Redis::connect(&server.url(), config()).unwrap();
    let mut admitted = 0;
    for _ in 0..COUNT / 2 {
        admitted += u64::from(try_charge(&store, "u").await.unwrap());
        let _: () = server.ask("SCRIPT FLUSH");
    }
    admitted += exhaust(&store, "u").await;
    assert_eq!(admitted, COUNT);
}

/// The answers to eight tasks that charge all the time.
#[derive(Default)]
struct Told {
    admitted: [u64; 5],
    /// Calls without an answer, which may have been charged.
    failed: [u64; 5],
    refused: u64,
    is_over: bool,
}

impl Told {
    fn answers(&self) -> u64 {
        self.admitted.iter().sum::<u64>() + self.refused
    }

    fn failures(&self) -> u64 {
        self.failed.iter().sum()
    }
}

/// Waits until a number has grown by so much.
async fn grows(told: &watch::Sender<Told>, number: fn(&Told) -> u64, more: u64) {
    let goal = number(&told.borrow()) + more;
    let mut seen = told.subscribe();
    let reached = timeout(PATIENCE, seen.wait_for(|told| number(told) >= goal)).await;
    assert!(reached.is_ok(), "the tasks got stuck");
}

/// Eight tasks charge all the time while the server dies, stops and forgets the scripts. All answers are counted.
#[tokio::test(flavor = "multi_thread")]
async fn failures_in_the_middle_of_a_run() {
    const MOST: u64 = 400;
    const ANSWERS: u64 = 200;
    let mut server = Server::durable();
    let store = Redis::connect(&server.url(), config()).unwrap();
    let rate = Rate::new(MOST, 3_600_000_000).unwrap();
    let terms = Terms::new(Algorithm::FixedWindow, &[rate]);
    let charges: Arc<Vec<Charge>> =
        Arc::new((0..5).map(|key| Charge::new(format!("p/l/0:1:{key}"), terms.clone(), NonZeroU64::MIN)).collect());
    let told = Arc::new(watch::Sender::new(Told::default()));
    let tasks: Vec<_> = (0..8_usize)
        .map(|task| {
            let (store, charges, told) = (store.clone(), Arc::clone(&charges), Arc::clone(&told));
            tokio::spawn(async move {
                for turn in task.. {
                    if told.borrow().is_over {
                        break;
                    }
                    let row = turn % 5;
                    let charged = store.charge(&charges[row..=row], now(), Leasing::Off).await;
                    // It is told without a call.
                    let is_paused = matches!(&charged, Err(StoreError::Away(why)) if why.contains("asked again"));
                    told.send_modify(|told| match charged {
                        Ok(charged) if charged.outcomes[0].is_admitted() => told.admitted[row] += 1,
                        Ok(_) => told.refused += 1,
                        Err(_) => told.failed[row] += u64::from(!is_paused),
                    });
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for _ in 0..2 {
        grows(&told, Told::answers, ANSWERS).await;
        server.kill();
        grows(&told, Told::failures, 1).await;
        server.restart();
        grows(&told, Told::answers, ANSWERS).await;
        server.freeze();
        grows(&told, Told::failures, 8).await;
        server.thaw();
        grows(&told, Told::answers, ANSWERS).await;
        let _: () = server.ask("SCRIPT FLUSH");
    }
    grows(&told, Told::answers, ANSWERS).await;
    told.send_modify(|told| told.is_over = true);
    for task in tasks {
        task.await.unwrap();
    }
    recovered(&store, "another").await;
    let (mut admitted, failed) = {
        let told = told.borrow();
        (told.admitted, told.failed)
    };
    for row in 0..5 {
        let during = admitted[row];
        while store.charge(&charges[row..=row], now(), Leasing::Off).await.unwrap().outcomes[0].is_admitted() {
            admitted[row] += 1;
        }
        // A call without an answer may have been charged. Nothing else is missing, and nothing is too much.
        assert!(during > 0 && admitted[row] <= MOST, "{admitted:?}");
        assert!(admitted[row] + failed[row] >= MOST, "{admitted:?} {failed:?}");
    }
}

/// Polls a charge once, which puts it into the queue, and doesn't wait for its answer.
fn queue<F: Future>(charge: F) -> Pin<Box<F>> {
    let mut charge = Box::pin(charge);
    assert!(charge.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    charge
}

/// A charge that is given up before its call is sent isn't made, and doesn't hold up the others. One whose call is under way is
/// made.
#[tokio::test(flavor = "multi_thread")]
async fn charges_that_are_given_up() {
    let server = Server::start("");
    let relay = Relay::to(&server).await;
    let store = Redis::connect(&relay.url(), config().with_timeout(PATIENCE)).unwrap();
    // The server learns the script, so that each call is sent once.
    assert_eq!(try_charge(&store, "script").await, Ok(true));
    relay.hold();
    // Two calls may be under way at once. Each of them has one charge.
    let first = queue(try_charge(&store, "first"));
    relay.wait_for("{0:5:first}", 1).await;
    let given_up = queue(try_charge(&store, "given_up"));
    relay.wait_for("{0:8:given_up}", 1).await;
    // All others are queued.
    let dropped: Vec<_> = (0..50).map(|_| queue(try_charge(&store, "queued"))).collect();
    let last = queue(try_charge(&store, "last"));
    let aborted: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(queue(async move { try_charge(&store, "queued").await }))
        })
        .collect();
    drop(given_up);
    drop(dropped);
    for task in aborted {
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    relay.release();
    assert_eq!((first.await, last.await), (Ok(true), Ok(true)));
    assert_eq!(relay.count("{0:6:queued}"), 0, "no call has one of them");
    for (key, charged) in [("first", 1), ("given_up", 1), ("queued", 0), ("last", 1)] {
        assert_eq!(exhaust(&store, key).await, COUNT - charged, "{key}");
    }
}

fn gate(on_failure: &str) -> Gate {
    let text = format!(
        "policy p\nlimit l {{ algorithm fixed_window  key client.ip  rate 20 per 1h  on_failure {on_failure} }}\n\
         routes / {{ GET / public limit l }}"
    );
    Policy::compile(&[Source::new("p.gate", text)]).unwrap().bind(&Keys::new()).unwrap()
}

/// The status and the notes of a request, decided by a host with this store.
async fn decide(gate: &Gate, store: &Redis) -> (u16, Vec<&'static str>) {
    let request = Request::new(&http::Method::GET, "/", now());
    let request = request.scheme(Scheme::Https).peer("203.0.113.9".parse().unwrap()).body(b"");
    let decision = portcullis_store::decide(gate, store, &NoFacts, &request).await.unwrap();
    (decision.status().as_u16(), decision.notes().iter().map(|note| note.code.as_str()).collect())
}

/// A host that answers nothing itself.
struct NoFacts;

impl portcullis_store::Host for NoFacts {}

/// Decisions follow `on_failure` while the store is away, and note it.
#[tokio::test(flavor = "multi_thread")]
async fn on_failure_holds_while_the_store_is_away() {
    let mut server = Server::durable();
    let store = Redis::connect(&server.url(), config()).unwrap();
    let (deny, allow) = (gate("deny"), gate("allow"));
    assert_eq!(decide(&deny, &store).await, (200, vec![]));
    server.kill();
    assert_eq!(decide(&deny, &store).await, (503, vec![]));
    assert_eq!(decide(&allow, &store).await, (200, vec!["limit_undecided"]));
    server.restart();
    recovered(&store, "another").await;
    assert_eq!(decide(&deny, &store).await, (200, vec![]));
}
