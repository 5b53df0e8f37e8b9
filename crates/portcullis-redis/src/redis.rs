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
use crate::config::{Clock, Config, ConnectError};
use crate::key;
use crate::link::{Failed, Link, RELEASE, SWAP};
use crate::spread::{self, Reply};
use crate::wire::{self, Stage};

/// So many charges a stage may have: a script can't look at more keys at once.
const MOST_CHARGES: usize = 4_000;

/// Limits and families in Redis or Valkey. A clone is the same store.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    link: Link,
    /// The way to one server; none in a cluster.
    batches: Option<Arc<Batches>>,
    /// Of one server. In a cluster the shards fail apart, and its client knows which.
    breaker: Option<Arc<Breaker>>,
    config: Config,
    unreadable: AtomicU64,
}

/// What a store counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// States of buckets that couldn't be read, and counted as none: something else writes to the same keys.
    pub unreadable: u64,
}

impl Redis {
    /// The store on one server, `redis://[USER:PASSWORD@]HOST:PORT[/DATABASE]`. The connection is made with the first call, and
    /// made anew when it breaks: a host starts, and its limits go by their `on_failure`, while the server is away.
    ///
    /// # Errors
    ///
    /// Where the URL can't be read, or outside of tokio's runtime.
    pub fn connect(url: &str, config: Config) -> Result<Self, ConnectError> {
        Ok(Self::over(Link::to_server(url, &config)?, config))
    }

    /// The store on a cluster, of which some nodes are named.
    ///
    /// # Errors
    ///
    /// Where a URL can't be read, or outside of tokio's runtime.
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

    /// What was counted since it was made.
    pub fn metrics(&self) -> Metrics {
        Metrics { unreadable: self.inner.unreadable.load(Ordering::Relaxed) }
    }
}

impl Inner {
    async fn charge(&self, charges: &[Charge], now: Timestamp, leasing: Leasing) -> Result<Reply, StoreError> {
        if charges.len() > MOST_CHARGES {
            return Err(StoreError::Refused("a stage has more charges than a script can take".to_owned()));
        }
        self.may_ask()?;
        let keys: Vec<Vec<u8>> =
            charges.iter().map(|charge| key::bucket(&self.config.prefix, &charge.bucket)).collect();
        let now = match self.config.clock {
            Clock::Server => None,
            Clock::Host => Some(now.as_microsecond()),
        };
        let Some(batches) = &self.batches else {
            return self.ask(spread::charge(&self.link, &keys, charges, now, leasing)).await;
        };
        let Answer { head, outcomes } = batches.charge(Stage::new(keys, charges, now, leasing)).await?;
        let outcomes =
            wire::outcomes(&outcomes, charges).ok_or_else(|| Failed::unreadable("the script's answer").error)?;
        Ok(Reply { at: Some(now.unwrap_or(head.server_time)), unreadable: head.unreadable, outcomes })
    }

    fn may_ask(&self) -> Result<(), StoreError> {
        if self.breaker.as_ref().is_none_or(|breaker| breaker.lets_through()) {
            return Ok(());
        }
        Err(StoreError::Away("it has failed, and is asked again in a moment".to_owned()))
    }

    /// Asks in time.
    async fn ask<T>(&self, call: impl Future<Output = Result<T, Failed>>) -> Result<T, StoreError> {
        let called = timeout(self.config.timeout, call).await.unwrap_or_else(|_| Err(Failed::late()));
        match &self.breaker {
            Some(breaker) => breaker.heed(called),
            None => called.map_err(|failed| failed.error),
        }
    }

    /// Something else writes to the same keys: that is told once.
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
        // As in the state, which has no room for what no slot is.
        let [0, slot @ ..] = packed else { return Ok(()) };
        // A slot that isn't given back shuts somebody out for as long as its timeout: the store is asked also where it has just
        // failed, and once more.
        let first = inner.ask(inner.link.call(&RELEASE, &[&key], &[&slot])).await;
        if first.is_ok() {
            return first;
        }
        tokio::time::sleep(inner.config.first_pause).await;
        inner.ask(inner.link.call(&RELEASE, &[&key], &[&slot])).await
    }

    async fn family(&self, id: &str, _now: Timestamp) -> Result<Option<FamilyState>, StoreError> {
        let inner = &self.inner;
        inner.may_ask()?;
        let mut get = redis::cmd("GET");
        get.arg(key::family(&inner.config.prefix, id));
        let stored: Option<Vec<u8>> = inner.ask(async { Ok(inner.link.query(&get).await?) }).await?;
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
        inner.may_ask()?;
        let key = key::family(&inner.config.prefix, id);
        let text =
            serde_json::to_vec(state).map_err(|_| StoreError::Refused("the state can't be written".to_owned()))?;
        let kept = expires.duration_since(now).as_millis().clamp(1, i64::MAX.into()).to_string();
        let (read, version) = (read.to_string(), state.version.to_string());
        let arguments: [&[u8]; 4] = [read.as_bytes(), version.as_bytes(), &text, kept.as_bytes()];
        match inner.ask(inner.link.call(&SWAP, &[&key], &arguments)).await? {
            1 => Ok(true),
            0_i64 => Ok(false),
            _ => Err(StoreError::Unreadable("the state of a family".to_owned())),
        }
    }
}
