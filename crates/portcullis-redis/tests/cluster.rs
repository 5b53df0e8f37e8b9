//! Charges over the slots of a cluster of three.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs, dead_code)]

mod server;

use std::num::NonZeroU64;
use std::time::Duration;

use jiff::Timestamp;
use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms};
use portcullis_redis::{Clock, Config, Redis};
use portcullis_store::Store;
use server::{Cluster, PATIENCE};

const COUNT: u64 = 10;

fn now() -> Timestamp {
    Timestamp::from_second(1_795_392_000).unwrap()
}

fn connect(cluster: &Cluster) -> Redis {
    let urls = cluster.urls();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let config = Config::default().with_clock(Clock::Host).with_timeout(Duration::from_secs(5));
    Redis::connect_cluster(&urls, config).unwrap()
}

fn charge(algorithm: Algorithm, limit: &str, key: usize) -> Charge {
    let rate = Rate::new(COUNT, 3_600_000_000).unwrap();
    let key = key.to_string();
    Charge::new(format!("p/{limit}/0:{}:{key}", key.len()), Terms::new(algorithm, &[rate]), NonZeroU64::MIN)
}

/// True if the charges are admitted together.
async fn admits(store: &Redis, charges: &[Charge]) -> bool {
    let charged = store.charge(charges, now(), Leasing::Off).await.unwrap();
    charged.outcomes.iter().all(|outcome| outcome.is_admitted())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_all_shards_are_charged() {
    let cluster = Cluster::start();
    let store = connect(&cluster);
    let mut admitted = 0;
    for _ in 0..COUNT + 2 {
        for key in 0..30 {
            admitted += u64::from(admits(&store, &[charge(Algorithm::TokenBucket, "l", key)]).await);
        }
    }
    assert_eq!(admitted, 30 * COUNT);
    let sizes: Vec<u64> = cluster.servers().iter().map(|server| server.ask("DBSIZE")).collect();
    assert!(sizes.iter().all(|size| *size > 0) && sizes.iter().sum::<u64>() == 30, "{sizes:?}");
}

/// A stage over several slots is charged as a whole or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_in_one_slot_refunds_the_others() {
    let cluster = Cluster::start();
    let store = connect(&cluster);
    for algorithm in Algorithm::ALL {
        let used_up = charge(algorithm, "used_up", 0);
        while admits(&store, std::slice::from_ref(&used_up)).await {}
        for key in 1..20 {
            let mut other = charge(algorithm, "other", key);
            other.cost = NonZeroU64::new(if algorithm == Algorithm::Concurrency { 1 } else { 3 }).unwrap();
            for _ in 0..COUNT {
                assert!(!admits(&store, &[other.clone(), used_up.clone()]).await);
            }
            let mut admitted = 0;
            while admits(&store, std::slice::from_ref(&other)).await {
                admitted += other.cost.get();
            }
            assert_eq!(admitted, COUNT - COUNT % other.cost.get(), "{algorithm:?} {key}: all of it is there");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_given_back_and_a_family_is_swapped() {
    let cluster = Cluster::start();
    let store = connect(&cluster);
    for key in 0..20 {
        let charge = charge(Algorithm::Concurrency, "l", key);
        let charged = store.charge(std::slice::from_ref(&charge), now(), Leasing::Off).await.unwrap();
        let portcullis::limit::Outcome::Admitted(admitted) = charged.outcomes[0] else { panic!("{charged:?}") };
        store.release(&charge.bucket, admitted.slot.unwrap()).await.unwrap();
        let id = format!("family{key}");
        let ends = now() + jiff::SignedDuration::from_hours(1);
        let state = portcullis::token::FamilyState::begin("token", ends, ends);
        assert_eq!(store.family(&id, now()).await, Ok(None));
        assert_eq!(store.swap_family(&id, 1, &state, ends, now()).await, Ok(false));
        assert_eq!(store.swap_family(&id, 0, &state, ends, now()).await, Ok(true));
        assert_eq!(store.swap_family(&id, 0, &state, ends, now()).await, Ok(false));
        assert_eq!(store.family(&id, now()).await, Ok(Some(state)));
    }
    let sizes: Vec<u64> = cluster.servers().iter().map(|server| server.ask("DBSIZE")).collect();
    assert_eq!(sizes.iter().sum::<u64>(), 20, "a bucket without slots is gone");
}

/// The failure of a shard affects its own keys alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_shards_go_on() {
    let mut cluster = Cluster::start();
    for server in cluster.servers() {
        let _: () = server.ask("CONFIG SET cluster-require-full-coverage no");
    }
    let urls = cluster.urls();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let config = Config::default().with_clock(Clock::Host).with_timeout(Duration::from_secs(2));
    let store = Redis::connect_cluster(&urls, config).unwrap();
    let mut healthy = Vec::new();
    for key in 0..30 {
        let before: u64 = cluster.servers()[2].ask("DBSIZE");
        assert!(admits(&store, &[charge(Algorithm::FixedWindow, "l", key)]).await);
        let after: u64 = cluster.servers()[2].ask("DBSIZE");
        if before == after {
            healthy.push(key);
        }
    }
    assert!(!healthy.is_empty() && healthy.len() < 30);
    cluster.servers_mut()[2].kill();
    for _ in 0..3 {
        for key in &healthy {
            let charges = [charge(Algorithm::FixedWindow, "l", *key)];
            // The first calls may fail, until the client knows which shard is gone.
            let answers = async {
                loop {
                    match store.charge(&charges, now(), Leasing::Off).await {
                        Ok(charged) => return charged,
                        Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                    }
                }
            };
            let charged = tokio::time::timeout(PATIENCE, answers).await.expect("the other shards don't go on");
            assert!(charged.outcomes[0].is_admitted());
        }
    }
}
