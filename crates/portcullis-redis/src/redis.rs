//! The store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use portcullis::limit::{Charge, Leasing};
use portcullis::token::FamilyState;
use portcullis_store::{Charged, Store, StoreError};
use tokio::time::timeout;

use crate::batch::{Answer, Batches};
use crate::breaker::Breaker;
use crate::cluster::{self, Reply};
use crate::config::{Clock, Config, ConnectError};
use crate::key;
use crate::link::{Failed, Link, RELEASE, SWAP};
use crate::wire::{self, Stage};

/// The most charges of a stage: a script can't read more keys at once.
const MOST_CHARGES: usize = 4_000;

/// A store of limits and families in Redis or Valkey. Clones share one connection.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    link: Link,
    /// Is `None` in a cluster, where the charges of a stage go to several servers.
    batches: Option<Arc<Batches>>,
    /// Is `None` in a cluster, where the shards fail independently, and the client knows which.
    breaker: Option<Arc<Breaker>>,
    config: Config,
    unreadable: AtomicU64,
}

/// Counts since the store was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// The number of unreadable states of buckets, which were treated as empty: something else writes to the same keys.
    pub unreadable: u64,
}

impl Redis {
    /// Makes a store on one server, `redis://[USER:PASSWORD@]HOST:PORT[/DATABASE]`. The first call connects, and later ones reconnect
    /// if the connection breaks: a host starts while the server is away, and the `on_failure` of its limits applies.
    ///
    /// # Errors
    ///
    /// Fails if the URL is invalid, and outside of a tokio runtime.
    pub fn connect(url: &str, config: Config) -> Result<Self, ConnectError> {
        Ok(Self::over(Link::to_server(url, &config)?, config))
    }

    /// Makes a store on a cluster, given the URLs of some of its nodes.
    ///
    /// # Errors
    ///
    /// Fails if a URL is invalid, and outside of a tokio runtime.
    pub fn connect_cluster(urls: &[&str], config: Config) -> Result<Self, ConnectError> {
        Ok(Self::over(Link::to_cluster(urls, &config)?, config))
    }

    fn over(link: Link, config: Config) -> Self {
        let (breaker, batches) = match &link {
            Link::Server(_) => {
                let breaker = Arc::new(Breaker::new(&config));
                let batches = Batches::new(link.clone(), &config, Arc::clone(&breaker));
                (Some(breaker), Some(Arc::new(batches)))
            }
            Link::Cluster(_) => (None, None),
        };
        Self { inner: Arc::new(Inner { link, batches, breaker, config, unreadable: AtomicU64::new(0) }) }
    }

    /// Counts since the store was made.
    pub fn metrics(&self) -> Metrics {
        Metrics { unreadable: self.inner.unreadable.load(Ordering::Relaxed) }
    }
}

impl Inner {
    async fn charge(&self, charges: &[Charge], now: Timestamp, leasing: Leasing) -> Result<Reply, StoreError> {
        if charges.len() > MOST_CHARGES {
            return Err(StoreError::Refused("a stage has more charges than a script can take".to_owned()));
        }
        self.check_breaker()?;
        let keys: Vec<Vec<u8>> =
            charges.iter().map(|charge| key::bucket(&self.config.prefix, &charge.bucket)).collect();
        let now = match self.config.clock {
            Clock::Server => None,
            Clock::Host => Some(now.as_microsecond()),
        };
        let Some(batches) = &self.batches else {
            return self.call(cluster::charge(&self.link, &keys, charges, now, leasing)).await;
        };
        let Answer { head, outcomes } = batches.charge(Stage::new(keys, charges, now, leasing)).await?;
        let outcomes =
            wire::outcomes(&outcomes, charges).ok_or_else(|| Failed::unreadable("the script's answer").error)?;
        Ok(Reply { at: Some(now.unwrap_or(head.server_time)), unreadable: head.unreadable, outcomes })
    }

    fn check_breaker(&self) -> Result<(), StoreError> {
        if self.breaker.as_ref().is_none_or(|breaker| breaker.allows_call()) {
            return Ok(());
        }
        Err(StoreError::Away("it has failed, and is asked again in a moment".to_owned()))
    }

    /// Makes a call within the timeout and records its result.
    async fn call<T>(&self, call: impl Future<Output = Result<T, Failed>>) -> Result<T, StoreError> {
        let called = timeout(self.config.timeout, call).await.unwrap_or_else(|_| Err(Failed::timed_out()));
        match &self.breaker {
            Some(breaker) => breaker.record(called),
            None => called.map_err(|failed| failed.error),
        }
    }

    /// Counts unreadable states and logs the first ones: something else writes to the same keys.
    fn count_unreadable(&self, states: u64) {
        if states > 0 && self.unreadable.fetch_add(states, Ordering::Relaxed) == 0 {
            tracing::warn!(
                prefix = self.config.prefix,
                "states of limits can't be read, and count as none: something else writes to these keys"
            );
        }
    }
}

impl Store for Redis {
    async fn charge(&self, charges: &[Charge], now: Timestamp, leasing: Leasing) -> Result<Charged, StoreError> {
        if charges.is_empty() {
            return Ok(Charged::new(Vec::new(), now.as_microsecond()));
        }
        let Reply { at, unreadable, outcomes } = self.inner.charge(charges, now, leasing).await?;
        self.inner.count_unreadable(unreadable);
        Ok(Charged::new(outcomes, at.unwrap_or_else(|| now.as_microsecond())))
    }

    async fn release(&self, bucket: &str, slot: i64) -> Result<(), StoreError> {
        let inner = &self.inner;
        let key = key::bucket(&inner.config.prefix, bucket);
        let packed = slot.to_be_bytes();
        // Slots have 56 bits. A larger number is no slot.
        let [0, slot @ ..] = packed else { return Ok(()) };
        // A slot that isn't released refuses a request until its timeout. So the breaker is ignored, and there is a second attempt.
        let first = inner.call(inner.link.call(&RELEASE, &[&key], &[&slot])).await;
        if first.is_ok() {
            return first;
        }
        tokio::time::sleep(inner.config.first_pause).await;
        inner.call(inner.link.call(&RELEASE, &[&key], &[&slot])).await
    }

    async fn family(&self, id: &str, _now: Timestamp) -> Result<Option<FamilyState>, StoreError> {
        let inner = &self.inner;
        inner.check_breaker()?;
        let mut get = redis::cmd("GET");
        get.arg(key::family(&inner.config.prefix, id));
        let stored: Option<Vec<u8>> = inner.call(async { Ok(inner.link.query(&get).await?) }).await?;
        let Some(stored) = stored else { return Ok(None) };
        let state = stored.iter().position(|byte| *byte == b':').and_then(|colon| stored.get(colon + 1..));
        let state = state.and_then(|state| serde_json::from_slice(state).ok());
        state.map(Some).ok_or_else(|| StoreError::Unreadable("the state of a family".to_owned()))
    }

    async fn swap_family(
        &self,
        id: &str,
        read: u64,
        state: &FamilyState,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let inner = &self.inner;
        inner.check_breaker()?;
        let key = key::family(&inner.config.prefix, id);
        let text =
            serde_json::to_vec(state).map_err(|_| StoreError::Refused("the state can't be written".to_owned()))?;
        let kept = expires.duration_since(now).as_millis().clamp(1, i64::MAX.into()).to_string();
        let (read, version) = (read.to_string(), state.version.to_string());
        let arguments: [&[u8]; 4] = [read.as_bytes(), version.as_bytes(), &text, kept.as_bytes()];
        match inner.call(inner.link.call(&SWAP, &[&key], &arguments)).await? {
            1 => Ok(true),
            0_i64 => Ok(false),
            _ => Err(StoreError::Unreadable("the state of a family".to_owned())),
        }
    }
}
