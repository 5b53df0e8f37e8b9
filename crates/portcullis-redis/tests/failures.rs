//! What becomes of charges when the server dies, stops, is full, or forgets the scripts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs, dead_code)]

mod server;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use portcullis::limit::{Algorithm, Charge, Leasing, Outcome, Rate, Terms};
use portcullis::request::Scheme;
use portcullis::{Gate, Keys, Policy, Request, Source};
use portcullis_redis::{Clock, Config, Redis};
use portcullis_store::{Store, StoreError};
use server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TIMEOUT: Duration = Duration::from_millis(300);
const COUNT: u64 = 20;
/// Above the timeout, as the machine may be busy; far below what a caller would call hanging.
const AT_ONCE: Duration = Duration::from_secs(5);

fn config() -> Config {
    let pauses = (Duration::from_millis(20), Duration::from_millis(100));
    Config::default().with_timeout(TIMEOUT).with_clock(Clock::Host).with_pauses(pauses.0, pauses.1)
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_392_000).unwrap()
}

fn charge(key: &str) -> Charge {
    let rate = Rate::new(COUNT, 3_600_000_000).unwrap();
    Charge::new(format!("p/l/0:{}:{key}", key.len()), Terms::new(Algorithm::FixedWindow, &[rate]), NonZeroU64::MIN)
}

/// Whether it is admitted, and that it doesn't take long.
async fn try_charge(store: &Redis, key: &str) -> Result<bool, StoreError> {
    let begun = Instant::now();
    let charged = store.charge(&[charge(key)], now(), Leasing::Off).await;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    Ok(charged?.outcomes[0].is_admitted())
}

/// Asks until the store answers again, for a while.
async fn recovered(store: &Redis, key: &str) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        match try_charge(store, key).await {
            Ok(admitted) => return admitted,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Charges until nothing is admitted any more: how much was.
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

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_for_a_while() {
    let server = Server::start("");
    let store = Redis::connect(&server.url(), config()).unwrap();
    assert_eq!(try_charge(&store, "u").await, Ok(true));
    server.freeze();
    let begun = Instant::now();
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { try_charge(&store, "u").await })
        })
        .collect();
    for waiting in waiting {
        assert!(matches!(waiting.await.unwrap(), Err(StoreError::Away(_))));
    }
    assert!(begun.elapsed() < AT_ONCE, "they wait at the same time");
    // It isn't asked with each request any more.
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert!(try_charge(&store, "u").await.is_err());
    }
    assert!(begun.elapsed() < 1_000 * TIMEOUT / 10);
    server.thaw();
    let first = u64::from(recovered(&store, "u").await);
    // What was on its way when it stopped may have been charged: never less than what was admitted.
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

/// Eight tasks charge all the time while the server dies, stops and forgets; what they were told is counted.
#[tokio::test(flavor = "multi_thread")]
async fn failures_in_the_middle_of_a_run() {
    const MOST: u64 = 3_000;
    let mut server = Server::durable();
    let store = Redis::connect(&server.url(), config()).unwrap();
    let rate = Rate::new(MOST, 3_600_000_000).unwrap();
    let charges: Arc<Vec<Charge>> = Arc::new(
        (0..5)
            .map(|key| {
                Charge::new(format!("p/l/0:1:{key}"), Terms::new(Algorithm::FixedWindow, &[rate]), NonZeroU64::MIN)
            })
            .collect(),
    );
    let is_over = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..8_usize)
        .map(|task| {
            let (store, charges, is_over) = (store.clone(), Arc::clone(&charges), Arc::clone(&is_over));
            tokio::spawn(async move {
                let (mut admitted, mut failed) = (vec![0_u64; 5], vec![0_u64; 5]);
                for turn in task.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let row = turn % 5;
                    let begun = Instant::now();
                    match store.charge(&charges[row..=row], now(), Leasing::Off).await {
                        Ok(charged) => admitted[row] += u64::from(charged.outcomes[0].is_admitted()),
                        Err(_) => {
                            failed[row] += 1;
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    }
                    assert!(begun.elapsed() < AT_ONCE);
                }
                (admitted, failed)
            })
        })
        .collect();
    let pause = || tokio::time::sleep(Duration::from_millis(300));
    for _ in 0..2 {
        pause().await;
        server.kill();
        pause().await;
        server.restart();
        pause().await;
        server.freeze();
        tokio::time::sleep(2 * TIMEOUT).await;
        server.thaw();
        pause().await;
        let _: () = server.ask("SCRIPT FLUSH");
    }
    pause().await;
    is_over.store(true, Ordering::Relaxed);
    let (mut admitted, mut failed) = (vec![0_u64; 5], vec![0_u64; 5]);
    for task in tasks {
        let told = task.await.unwrap();
        for row in 0..5 {
            admitted[row] += told.0[row];
            failed[row] += told.1[row];
        }
    }
    assert!(failed.iter().sum::<u64>() > 0, "it was away");
    recovered(&store, "another").await;
    for row in 0..5 {
        let during = admitted[row];
        while store.charge(&charges[row..=row], now(), Leasing::Off).await.unwrap().outcomes[0].is_admitted() {
            admitted[row] += 1;
        }
        // What was on its way may have been charged without a word; nothing else is missing, and nothing is too much.
        assert!(during > 0 && admitted[row] <= MOST, "{admitted:?}");
        assert!(admitted[row] + failed[row] >= MOST, "{admitted:?} {failed:?}");
    }
}

/// Whoever doesn't wait any more isn't charged, and doesn't hold up the others.
#[tokio::test(flavor = "multi_thread")]
async fn charges_that_nobody_looks_after() {
    let server = Server::start("");
    let store = Redis::connect(&server.url(), config()).unwrap();
    assert_eq!(try_charge(&store, "u").await, Ok(true));
    let mut forgotten: Vec<_> = (0..10).map(|_| Box::pin(try_charge(&store, "forgotten"))).collect();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for future in &mut forgotten {
        let _ = future.as_mut().poll(&mut context);
    }
    assert_eq!(exhaust(&store, "u").await, COUNT - 1);
    drop(forgotten);
    server.freeze();
    let gone: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { try_charge(&store, "gone").await })
        })
        .collect();
    tokio::time::sleep(TIMEOUT / 10).await;
    gone.iter().for_each(|gone| gone.abort());
    tokio::time::sleep(TIMEOUT / 10).await;
    server.thaw();
    assert!(recovered(&store, "gone").await);
    assert!(1 + exhaust(&store, "gone").await >= COUNT - 2, "no more than what had gone out");
}

/// A server that says anything at all admits nobody, and nothing breaks.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_talks_nonsense() {
    let honest = {
        let server = Server::start("");
        let store = Redis::connect(&server.url(), config()).unwrap();
        assert_eq!(try_charge(&store, "u").await, Ok(true));
        [[0_u8; 7].as_slice(), &[0; 4]].concat()
    };
    let bulk = |bytes: &[u8]| [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let reply = |outcome: &[u8]| [b"*2\r\n".as_slice(), &bulk(&honest), &bulk(outcome)].concat();
    let outcome =
        |flags: u8, row: u8, remaining: u32| [[flags, 0, row].as_slice(), &remaining.to_be_bytes(), &[0; 14]].concat();
    let answers = [
        reply(&outcome(0xff, 1, 1)),
        reply(&outcome(0x81, 1, 1)),
        reply(&outcome(1, 0, 0)),
        reply(&outcome(1, 2, 1)),
        reply(&outcome(1, 1, u32::MAX)),
        reply(&[outcome(5, 1, 1).as_slice(), &[0xff; 17]].concat()),
        reply(&[outcome(1, 1, 1).as_slice(), b"x"].concat()),
        reply(b""),
        b"*1\r\n$1\r\nx\r\n".to_vec(),
        b"+OK\r\n".to_vec(),
        b":1\r\n".to_vec(),
        b"$-1\r\n".to_vec(),
        b"-ERR no\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
        vec![0xff; 64],
    ];
    for answer in answers {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = answer.clone();
        let impostor = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = vec![0; 65_536];
                while matches!(stream.read(&mut asked).await, Ok(1..)) {
                    let text = String::from_utf8_lossy(&asked);
                    // What the client says of itself first is taken well.
                    let setup = text.matches("CLIENT").count() + text.matches("HELLO").count();
                    let says = if setup > 0 { b"+OK\r\n".repeat(setup) } else { told.clone() };
                    if stream.write_all(&says).await.is_err() {
                        break;
                    }
                    asked.fill(0);
                }
            }
        });
        let store = Redis::connect(&format!("redis://127.0.0.1:{port}"), config()).unwrap();
        let charged = try_charge(&store, "u").await;
        assert!(charged.is_err(), "{charged:?} for {:?}", String::from_utf8_lossy(&answer));
        impostor.abort();
    }
}

/// A state that nobody wrote counts as none, and is told.
#[tokio::test(flavor = "multi_thread")]
async fn spoilt_states_count_as_none() {
    let server = Server::start("");
    let store = Redis::connect(&server.url(), config()).unwrap();
    let rate = Rate::new(COUNT, 3_600_000_000).unwrap();
    let mut spoilt = 0;
    for algorithm in [
        Algorithm::FixedWindow,
        Algorithm::SlidingWindow,
        Algorithm::SlidingLog,
        Algorithm::TokenBucket,
        Algorithm::Concurrency,
    ] {
        let bucket = format!("p/{}/0:1:u", algorithm.name());
        let charge = Charge::new(bucket.clone(), Terms::new(algorithm, &[rate]), NonZeroU64::MIN);
        let key = format!("portcullis:p/{}/{{0:1:u}}", algorithm.name());
        store.charge(std::slice::from_ref(&charge), now(), Leasing::Off).await.unwrap();
        let honest: Vec<u8> = redis::cmd("GET").arg(&key).query(&mut server.connection()).unwrap();
        let mut wrongs: Vec<Vec<u8>> = vec![b"".to_vec(), b"nonsense".to_vec(), vec![0xff; 40], vec![honest[0]; 1_000]];
        wrongs.extend((1..honest.len()).map(|end| honest[..end].to_vec()));
        wrongs.extend([[honest.as_slice(), b"x"].concat(), [&honest[..1], &[0xff; 17]].concat()]);
        for wrong in wrongs {
            let _: () = redis::cmd("SET").arg(&key).arg(&wrong).query(&mut server.connection()).unwrap();
            let charged = store.charge(std::slice::from_ref(&charge), now(), Leasing::Off).await.unwrap();
            let Outcome::Admitted(admitted) = charged.outcomes[0] else { panic!("{algorithm:?}: {wrong:?}") };
            assert!(admitted.standing.remaining >= COUNT - 2, "{algorithm:?}: {wrong:?}: {admitted:?}");
        }
        assert!(store.metrics().unreadable > spoilt, "{algorithm:?}");
        spoilt = store.metrics().unreadable;
        // A key of another kind is written over.
        let _: () = server.ask("FLUSHALL");
        let _: () = redis::cmd("LPUSH").arg(&key).arg("x").query(&mut server.connection()).unwrap();
        let charged = store.charge(std::slice::from_ref(&charge), now(), Leasing::Off).await.unwrap();
        assert!(charged.outcomes[0].is_admitted());
    }
}

fn gate(on_failure: &str) -> Gate {
    let text = format!(
        "policy p\nlimit l {{ algorithm fixed_window  key client.ip  rate 20 per 1h  on_failure {on_failure} }}\n\
         routes / {{ GET / public limit l }}"
    );
    Policy::compile(&[Source::new("p.gate", text)]).unwrap().bind(&Keys::new()).unwrap()
}

/// The status of a request, decided by a host that asks this store, and what was noted.
async fn decide(gate: &Gate, store: &Redis) -> (u16, Vec<&'static str>) {
    let request = Request::new(&http::Method::GET, "/", now());
    let request = request.scheme(Scheme::Https).peer("203.0.113.9".parse().unwrap()).body(b"");
    let decision = portcullis_store::decide(gate, store, &NoFacts, &request).await.unwrap();
    (decision.status().as_u16(), decision.notes().iter().map(|note| note.code.as_str()).collect())
}

/// A host that answers nothing itself.
struct NoFacts;

impl portcullis_store::Host for NoFacts {}

/// Whoever comes while the store is away gets what `on_failure` promises, and the decision says so.
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
