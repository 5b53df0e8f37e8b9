//! One fetch for concurrent callers that need the same lease: the first one fetches it, and the others wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use event_listener::Event;

use crate::store::StoreError;

/// The fetches that are under way, by bucket.
#[derive(Debug, Default)]
pub(crate) struct SingleFlight {
    fetches: Mutex<HashMap<String, Arc<Fetch>>>,
}

#[derive(Debug, Default)]
struct Fetch {
    finished: Event,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    UnderWay,
    Finished,
    Failed(StoreError),
}

pub(crate) enum Role<'f> {
    Leader(Leader<'f>),
    Follower(Follower),
}

/// The caller that fetches. If it is dropped before the fetch has finished, the followers try again.
pub(crate) struct Leader<'f> {
    single_flight: &'f SingleFlight,
    bucket: String,
    fetch: Arc<Fetch>,
}

/// A caller that waits for the leader.
pub(crate) struct Follower(Arc<Fetch>);

impl SingleFlight {
    /// Joins the fetch for a bucket, or begins one.
    pub(crate) fn join(&self, bucket: &str) -> Role<'_> {
        let mut fetches = self.fetches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fetch) = fetches.get(bucket) {
            return Role::Follower(Follower(Arc::clone(fetch)));
        }
        let fetch = Arc::new(Fetch::default());
        fetches.insert(bucket.to_owned(), Arc::clone(&fetch));
        Role::Leader(Leader { single_flight: self, bucket: bucket.to_owned(), fetch })
    }
}

impl Leader<'_> {
    /// Ends the fetch. A failure is passed on to the followers, which then don't try themselves.
    pub(crate) fn finish(self, failure: Option<&StoreError>) {
        if let Some(failure) = failure {
            self.fetch.end(State::Failed(failure.clone()));
        }
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        self.single_flight.fetches.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.bucket);
        self.fetch.end(State::Finished);
        self.fetch.finished.notify(usize::MAX);
    }
}

impl Fetch {
    /// Sets the final state, unless one is set.
    fn end(&self, end: State) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::UnderWay) {
            *state = end;
        }
    }

    fn result(&self) -> Option<Result<(), StoreError>> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::UnderWay => None,
            State::Finished => Some(Ok(())),
            State::Failed(failure) => Some(Err(failure.clone())),
        }
    }
}

impl Follower {
    /// Waits until the fetch has finished.
    pub(crate) async fn finished(&self) -> Result<(), StoreError> {
        loop {
            let finished = self.0.finished.listen();
            // The fetch may have finished before this listener existed.
            match self.0.result() {
                Some(result) => return result,
                None => finished.await,
            }
        }
    }
}
