//! The store on Redis passes the suite: by the host's clock and by the server's, on one server and on a cluster.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs, dead_code)]

mod server;

use std::time::Duration;

use portcullis_conformance::{Clock, Contest, Forgets, Suite, family_steps, hostile_ids, steps};
use portcullis_redis::{Config, Redis};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use server::{Cluster, Server};
use tokio::runtime::Runtime;

fn config(clock: portcullis_redis::Clock) -> Config {
    Config::default().with_timeout(Duration::from_secs(10)).with_clock(clock)
}

/// Each sequence has buckets of its own, as a server has them all.
fn passes(runtime: &Runtime, store: &Redis, clock: Clock, cases: u32) {
    let suite = Suite::new(store, "p").with_forgets(Forgets::ByWallClock).with_clock(clock);
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 500,
        ..ProptestConfig::default()
    });
    runner
        .run(&steps(), |steps| Ok(runtime.block_on(suite.run(&steps))?))
        .unwrap_or_else(|failure| panic!("{failure}"));
    runner
        .run(&family_steps(), |steps| Ok(runtime.block_on(suite.run(&steps))?))
        .unwrap_or_else(|failure| panic!("{failure}"));
    runtime.block_on(suite.run_verbatim(&hostile_ids())).unwrap();
}

fn on_a_server(clock: portcullis_redis::Clock, as_the_suite_calls_it: Clock) {
    let (runtime, server) = (Runtime::new().unwrap(), Server::start(""));
    let store = runtime.block_on(async { Redis::connect(&server.url(), config(clock)).unwrap() });
    passes(&runtime, &store, as_the_suite_calls_it, 400);
    assert_eq!(store.metrics().unreadable, 0, "what it wrote, it can read");
    let expiring: String = server.ask("INFO keyspace");
    let number = |name: &str| -> u64 {
        let from = expiring.split(name).nth(1).unwrap();
        from.split([',', '\r']).next().unwrap().parse().unwrap()
    };
    assert_eq!(number("keys="), number("expires="), "every key expires");
}

#[test]
fn by_the_hosts_clock() {
    on_a_server(portcullis_redis::Clock::Host, Clock::Host);
}

#[test]
fn by_the_servers_clock() {
    on_a_server(portcullis_redis::Clock::Server, Clock::Own);
}

#[test]
fn on_a_cluster() {
    let (runtime, cluster) = (Runtime::new().unwrap(), Cluster::start());
    let urls = cluster.urls();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let store =
        runtime.block_on(async { Redis::connect_cluster(&urls, config(portcullis_redis::Clock::Host)).unwrap() });
    runtime.block_on(async {
        let suite = Suite::new(&store, "p").with_forgets(Forgets::ByWallClock);
        suite.run_verbatim(&hostile_ids()).await.unwrap();
        let contest = Contest::new("contest");
        let contenders = (0..4).map(|_| contest.contend(&store));
        for contended in futures_util::future::join_all(contenders).await {
            contended.unwrap();
        }
        contest.judge(&store).await.unwrap();
    });
}

#[test]
fn contenders_get_what_there_is() {
    let (runtime, server) = (Runtime::new().unwrap(), Server::start(""));
    runtime.block_on(async {
        let contest = Contest::new("p");
        let stores: Vec<Redis> =
            (0..4).map(|_| Redis::connect(&server.url(), config(portcullis_redis::Clock::Host)).unwrap()).collect();
        for contended in futures_util::future::join_all(stores.iter().map(|store| contest.contend(store))).await {
            contended.unwrap();
        }
        contest.judge(&stores[0]).await.unwrap();
    });
}
