//! The servers that tests start for themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs, dead_code)]

mod server;

use std::time::Duration;

use redis::{Commands, ErrorKind, RedisResult, ServerErrorKind};
use server::{Cluster, Server};

/// A frozen server never answers, so any time is long enough.
const SHORTLY: Duration = Duration::from_millis(200);

#[test]
fn each_server_is_another_and_keeps_to_itself() {
    let servers = [Server::start(""), Server::start("")];
    assert_ne!(servers[0].url(), servers[1].url());
    let _: () = servers[0].ask("SET key value");
    assert_eq!(servers[0].ask::<String>("GET key"), "value");
    assert_eq!(servers[1].ask::<Option<String>>("GET key"), None);
    assert!(servers[0].info("used_memory").parse::<u64>().unwrap() > 0);
}

#[test]
fn a_server_is_gone_with_its_test() {
    let server = Server::start("");
    let client = redis::Client::open(server.url()).unwrap();
    assert!(client.get_connection().is_ok());
    drop(server);
    assert!(client.get_connection().is_err());
}

#[test]
fn a_durable_server_survives_kill_and_another_forgets() {
    let (mut durable, mut forgetful) = (Server::durable(), Server::start(""));
    for server in [&mut durable, &mut forgetful] {
        let _: () = server.ask("SET key value");
        let url = server.url();
        server.kill();
        assert!(redis::Client::open(url.as_str()).unwrap().get_connection().is_err());
        server.restart();
        assert_eq!(server.url(), url);
    }
    assert_eq!(durable.ask::<Option<String>>("GET key").as_deref(), Some("value"));
    assert_eq!(forgetful.ask::<Option<String>>("GET key"), None);
}

#[test]
fn a_frozen_server_answers_when_it_is_thawed() {
    let server = Server::start("");
    let mut connection = server.connection();
    server.freeze();
    connection.set_read_timeout(Some(SHORTLY)).unwrap();
    let late: RedisResult<i64> = connection.incr("key", 1);
    assert!(late.unwrap_err().is_timeout());
    server.thaw();
    // The request that arrived while the server was frozen has been done.
    while server.ask::<Option<i64>>("GET key").is_none() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.ask::<i64>("GET key"), 1);
}

#[test]
fn a_frozen_server_is_gone_with_its_test_too() {
    let server = Server::start("");
    let client = redis::Client::open(server.url()).unwrap();
    server.freeze();
    drop(server);
    assert!(client.get_connection().is_err());
}

#[test]
fn a_full_server_refuses() {
    let server = Server::start("--maxmemory 1 --maxmemory-policy noeviction");
    let refused: RedisResult<()> = server.connection().set("key", "value");
    assert_eq!(refused.unwrap_err().code(), Some("OOM"));
}

#[test]
fn a_cluster_serves_all_slots_and_each_member_its_own() {
    let cluster = Cluster::start();
    let urls = cluster.urls();
    assert_eq!(urls.len(), 3);
    let client = redis::cluster::ClusterClient::new(urls).unwrap();
    let mut connection = client.get_connection().unwrap();
    for key in 0..100 {
        let _: () = connection.set(key, key).unwrap();
        assert_eq!(connection.get::<_, u64>(key).unwrap(), key);
    }
    let sizes: Vec<u64> = cluster.servers().iter().map(|server| server.ask("DBSIZE")).collect();
    assert_eq!(sizes.iter().sum::<u64>(), 100);
    assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
    // `foo` lies in the slot 12182.
    let elsewhere: RedisResult<String> = cluster.servers()[0].connection().get("foo");
    assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::Server(ServerErrorKind::Moved));
}

#[test]
fn a_member_of_a_cluster_comes_back() {
    let mut cluster = Cluster::start();
    let member = &mut cluster.servers_mut()[1];
    member.kill();
    member.restart();
    cluster.wait();
    assert_eq!(cluster.servers()[1].info("cluster_enabled"), "1");
}
