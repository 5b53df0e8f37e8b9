//! One asks for many: of those that lack the same lease at the same moment, the first fetches it, and the others wait for that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use event_listener::Event;

use crate::store::StoreError;

/// What is being fetched.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    under_way: Mutex<HashMap<String, Arc<Flight>>>,
}

#[derive(Debug, Default)]
struct Flight {
    landed: Event,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    UnderWay,
    Landed,
    Failed(StoreError),
}

pub(crate) enum Seat<'f> {
    /// Nobody fetches it so far.
    Pilot(Pilot<'f>),
    /// Somebody does.
    Passenger(Passenger),
}

/// Who fetches. Where it is dropped before it has landed, the others see for themselves.
pub(crate) struct Pilot<'f> {
    flights: &'f Flights,
    bucket: String,
    flight: Arc<Flight>,
}

/// Who waits.
pub(crate) struct Passenger(Arc<Flight>);

impl Flights {
    pub(crate) fn board(&self, bucket: &str) -> Seat<'_> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get(bucket) {
            return Seat::Passenger(Passenger(Arc::clone(flight)));
        }
        let flight = Arc::new(Flight::default());
        under_way.insert(bucket.to_owned(), Arc::clone(&flight));
        Seat::Pilot(Pilot { flights: self, bucket: bucket.to_owned(), flight })
    }
}

impl Pilot<'_> {
    /// Tells those who wait how it went: where the store was away, they needn't try.
    pub(crate) fn land(self, failure: Option<&StoreError>) {
        if let Some(failure) = failure {
            self.flight.becomes(State::Failed(failure.clone()));
        }
    }
}

impl Drop for Pilot<'_> {
    fn drop(&mut self) {
        self.flights.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.bucket);
        self.flight.becomes(State::Landed);
        self.flight.landed.notify(usize::MAX);
    }
}

impl Flight {
    /// The first end holds.
    fn becomes(&self, end: State) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::UnderWay) {
            *state = end;
        }
    }

    fn ended(&self) -> Option<Result<(), StoreError>> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::UnderWay => None,
            State::Landed => Some(Ok(())),
            State::Failed(failure) => Some(Err(failure.clone())),
        }
    }
}

impl Passenger {
    /// Waits until it has landed.
    pub(crate) async fn landed(&self) -> Result<(), StoreError> {
        loop {
            let landed = self.0.landed.listen();
            // It may have landed before anybody listened.
            match self.0.ended() {
                Some(ended) => return ended,
                None => landed.await,
            }
        }
    }
}
