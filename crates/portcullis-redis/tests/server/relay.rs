//! A relay between a store and its server: it records what the store sends, and holds it back on demand.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{PATIENCE, Server};

pub(crate) struct Relay {
    port: u16,
    traffic: Arc<watch::Sender<Traffic>>,
    accepting: JoinHandle<()>,
}

/// The bytes that clients have sent, whether or not they have gone on to the server.
#[derive(Default)]
struct Traffic {
    sent: Vec<u8>,
    is_held: bool,
}

impl Relay {
    pub(crate) async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, server) = (listener.local_addr().unwrap().port(), server.port);
        let traffic = Arc::new(watch::Sender::new(Traffic::default()));
        let shared = Arc::clone(&traffic);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(forward(client, server, Arc::clone(&shared)));
            }
        });
        Self { port, traffic, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Nothing that arrives from now on reaches the server.
    pub(crate) fn hold(&self) {
        self.traffic.send_modify(|traffic| traffic.is_held = true);
    }

    /// Everything that was held goes on to the server.
    pub(crate) fn release(&self) {
        self.traffic.send_modify(|traffic| traffic.is_held = false);
    }

    /// The number of times that a text has been sent, such as the key of a charge.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.traffic.borrow().count(text)
    }

    /// Waits until a text has been sent so many times.
    pub(crate) async fn wait_for(&self, text: &str, times: usize) {
        let mut traffic = self.traffic.subscribe();
        let arrived = timeout(PATIENCE, traffic.wait_for(|traffic| traffic.count(text) >= times)).await;
        assert!(arrived.is_ok(), "`{text}` isn't sent {times} times");
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Traffic {
    fn count(&self, text: &str) -> usize {
        self.sent.windows(text.len()).filter(|part| *part == text.as_bytes()).count()
    }
}

async fn forward(client: TcpStream, server: TcpStream, traffic: Arc<watch::Sender<Traffic>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let (arrived, mut queue) = mpsc::unbounded_channel::<Vec<u8>>();
    let mut held = traffic.subscribe();
    tokio::spawn(async move {
        while let Some(part) = queue.recv().await {
            if held.wait_for(|traffic| !traffic.is_held).await.is_err() || to_server.write_all(&part).await.is_err() {
                break;
            }
        }
    });
    let mut part = vec![0; 65_536];
    while let Ok(length @ 1..) = from_client.read(&mut part).await {
        // Into the queue first: once it counts as sent, a release lets it through.
        let _ = arrived.send(part[..length].to_vec());
        traffic.send_modify(|traffic| traffic.sent.extend_from_slice(&part[..length]));
    }
}
