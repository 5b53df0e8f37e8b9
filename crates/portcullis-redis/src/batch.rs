//! Charges on their way to one server. While calls are under way, what comes waits, and goes out together in the next one: a
//! call costs a server and its client more than what it does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_store::StoreError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::breaker::Breaker;
use crate::config::{Clock, Config};
use crate::link::{CHARGE, Failed, Link};
use crate::wire::{self, Call, Head, Stage};

/// So many calls are under way at once: while the server works on one, the next one travels.
const MOST_CALLS: usize = 2;
/// So many stages go out in one call, which holds up the server for as long as they take.
const MOST_STAGES: usize = 128;
/// So many buckets are charged in one call, unless one stage alone has more.
const MOST_KEYS: usize = 512;
/// So many stages wait at most: more than a server serves within any timeout.
const MOST_WAITING: usize = 100_000;

struct Waiting {
    stage: Stage,
    answer: oneshot::Sender<Result<Answer, StoreError>>,
}

/// What the script says of a stage, still packed.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) outcomes: Vec<u8>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    calls: usize,
}

/// The way to one server.
pub(crate) struct Batches {
    link: Link,
    timeout: Duration,
    clock: Clock,
    breaker: Arc<Breaker>,
    queue: Mutex<Queue>,
}

impl Batches {
    pub(crate) fn new(link: Link, config: &Config, breaker: Arc<Breaker>) -> Self {
        Self { link, timeout: config.timeout, clock: config.clock, breaker, queue: Mutex::default() }
    }

    /// What the script says of a stage. Calls are made by tasks of their own: whoever charges may stop to listen at any moment.
    pub(crate) async fn charge(self: &Arc<Self>, stage: Stage) -> Result<Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        let is_free = {
            let mut queue = self.queue();
            if queue.waiting.len() >= MOST_WAITING {
                return Err(StoreError::Away("too many charges wait for it".to_owned()));
            }
            queue.waiting.push(Waiting { stage, answer });
            let is_free = queue.calls < MOST_CALLS;
            queue.calls += usize::from(is_free);
            is_free
        };
        if is_free {
            tokio::spawn(UnderWay { batches: Arc::clone(self), is_done: false }.call());
        }
        match timeout(self.timeout, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::Away("the runtime is shutting down".to_owned())),
            Err(_) => Err(Failed::late().error),
        }
    }

    async fn call_for(&self, stages: &[Stage]) -> Result<Vec<Vec<u8>>, StoreError> {
        let call = Call::of(stages);
        let called = timeout(self.timeout, self.link.call(&CHARGE, &call.keys, &call.arguments(self.clock))).await;
        self.breaker.heed(called.unwrap_or_else(|_| Err(Failed::late())))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that counts as under way until nothing waits any more, or until its task is dropped with the runtime.
struct UnderWay {
    batches: Arc<Batches>,
    is_done: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.is_done {
            let mut queue = self.batches.queue();
            queue.calls -= 1;
            // Whoever waits is told.
            queue.waiting.clear();
        }
    }
}

impl UnderWay {
    /// Calls for what waits, until nothing does.
    async fn call(mut self) {
        while let Some(next) = self.next() {
            let (stages, answers): (Vec<Stage>, Vec<_>) =
                next.into_iter().map(|waiting| (waiting.stage, waiting.answer)).unzip();
            let called = self.batches.call_for(&stages).await;
            for (row, answer) in answers.into_iter().enumerate() {
                // Whoever waited may be gone.
                let _ = answer.send(called.as_ref().map_err(Clone::clone).and_then(|reply| part(reply, row)));
            }
        }
    }

    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut queue = self.batches.queue();
        // What nobody waits for any more has been answered: it isn't charged.
        queue.waiting.retain(|waiting| !waiting.answer.is_closed());
        if queue.waiting.is_empty() {
            queue.calls -= 1;
            self.is_done = true;
            return None;
        }
        let mut keys = 0;
        let fits = queue.waiting.iter().take(MOST_STAGES).take_while(|waiting| {
            keys += waiting.stage.keys.len();
            keys <= MOST_KEYS
        });
        let most = fits.count().max(1);
        Some(queue.waiting.drain(..most).collect())
    }
}

/// What a reply says of one stage.
fn part(reply: &[Vec<u8>], row: usize) -> Result<Answer, StoreError> {
    let head = reply.first().and_then(|head| wire::head(head));
    let answer = head.zip(reply.get(row + 1)).map(|(head, outcomes)| Answer { head, outcomes: outcomes.clone() });
    answer.ok_or_else(|| Failed::unreadable("the script's answer").error)
}
