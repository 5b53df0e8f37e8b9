//! Batches the charges for one server. While calls are under way, new charges are queued, and the next call carries all of them: the
//! overhead of a call is greater than the work for a charge.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_store::StoreError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::breaker::Breaker;
use crate::config::{Clock, Config};
use crate::link::{CHARGE, Failed, Link};
use crate::wire::{self, Call, Head, Stage};

/// The most calls under way at once: one on the network while the server works on another.
const MOST_CALLS: usize = 2;
/// The most stages of one call, during which the server serves nobody else.
const MOST_STAGES: usize = 128;
/// The most buckets of one call, unless a single stage has more.
const MOST_KEYS: usize = 512;
/// The most queued stages: more than a server serves within any timeout.
const MOST_WAITING: usize = 100_000;

struct Queued {
    stage: Stage,
    answer: oneshot::Sender<Result<Answer, StoreError>>,
}

/// The script's answer to a stage. The outcomes are still packed.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) outcomes: Vec<u8>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Queued>,
    calls: usize,
}

/// The queue of charges for one server.
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

    /// Charges a stage. Separate tasks make the calls, so that a caller may drop this future at any time.
    pub(crate) async fn charge(self: &Arc<Self>, stage: Stage) -> Result<Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        let is_free = {
            let mut queue = self.queue();
            if queue.waiting.len() >= MOST_WAITING {
                return Err(StoreError::Away("too many charges wait for it".to_owned()));
            }
            queue.waiting.push(Queued { stage, answer });
            let is_free = queue.calls < MOST_CALLS;
            queue.calls += usize::from(is_free);
            is_free
        };
        if is_free {
            tokio::spawn(CallTask { batches: Arc::clone(self), is_done: false }.run());
        }
        match timeout(self.timeout, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::Away("the runtime is shutting down".to_owned())),
            Err(_) => Err(Failed::timed_out().error),
        }
    }

    async fn call_for(&self, stages: &[Stage]) -> Result<Vec<Vec<u8>>, StoreError> {
        let call = Call::of(stages);
        let called = timeout(self.timeout, self.link.call(&CHARGE, &call.keys, &call.arguments(self.clock))).await;
        self.breaker.record(called.unwrap_or_else(|_| Err(Failed::timed_out())))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that makes calls until the queue is empty. If the runtime drops it before, it releases its place and the queue.
struct CallTask {
    batches: Arc<Batches>,
    is_done: bool,
}

impl Drop for CallTask {
    fn drop(&mut self) {
        if !self.is_done {
            let mut queue = self.batches.queue();
            queue.calls -= 1;
            // Dropped senders tell the callers.
            queue.waiting.clear();
        }
    }
}

impl CallTask {
    async fn run(mut self) {
        while let Some(batch) = self.next_batch() {
            let (stages, answers): (Vec<Stage>, Vec<_>) =
                batch.into_iter().map(|queued| (queued.stage, queued.answer)).unzip();
            let called = self.batches.call_for(&stages).await;
            for (row, answer) in answers.into_iter().enumerate() {
                // The caller may have dropped its future.
                let _ = answer.send(called.as_ref().map_err(Clone::clone).and_then(|reply| answer_at(reply, row)));
            }
        }
    }

    fn next_batch(&mut self) -> Option<Vec<Queued>> {
        let mut queue = self.batches.queue();
        // A charge whose caller has given up isn't made.
        queue.waiting.retain(|queued| !queued.answer.is_closed());
        if queue.waiting.is_empty() {
            queue.calls -= 1;
            self.is_done = true;
            return None;
        }
        let mut keys = 0;
        let fits = queue.waiting.iter().take(MOST_STAGES).take_while(|queued| {
            keys += queued.stage.keys.len();
            keys <= MOST_KEYS
        });
        let most = fits.count().max(1);
        Some(queue.waiting.drain(..most).collect())
    }
}

/// The answer to one stage in a reply.
fn answer_at(reply: &[Vec<u8>], row: usize) -> Result<Answer, StoreError> {
    let head = reply.first().and_then(|head| wire::head(head));
    let answer = head.zip(reply.get(row + 1)).map(|(head, outcomes)| Answer { head, outcomes: outcomes.clone() });
    answer.ok_or_else(|| Failed::unreadable("the script's answer").error)
}
