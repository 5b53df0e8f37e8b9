//! Malformed answers of a server, and unreadable states in it.

use std::num::NonZeroU64;

use portcullis::limit::{Algorithm, Charge, Leasing, Outcome, Rate, Terms};
use portcullis_redis::Redis;
use portcullis_store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::Server;
use crate::{COUNT, config, now, try_charge};

/// Malformed answers admit nothing.
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
                    // The client's setup succeeds.
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

/// An unreadable state is treated as empty and counted.
#[tokio::test(flavor = "multi_thread")]
async fn spoilt_states_count_as_none() {
    let server = Server::start("");
    let store = Redis::connect(&server.url(), config()).unwrap();
    let rate = Rate::new(COUNT, 3_600_000_000).unwrap();
    let mut spoilt = 0;
    for algorithm in Algorithm::ALL {
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
