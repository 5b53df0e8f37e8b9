//! Tiers and limits: each algorithm by tables and against a slow, obvious model; what a limit does where something is
//! unknown, spoilt or far from now; the transitions alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "limits/entries.rs"]
mod entries;
#[path = "limits/models.rs"]
mod models;
#[path = "limits/pure.rs"]
mod pure;
#[path = "limits/spoilt.rs"]
mod spoilt;
#[path = "limits/tables.rs"]
mod tables;

use http::{HeaderMap, Method};
use jiff::Timestamp;
use portcullis::{BucketState, Effect, Facts, Gate, Keys, Policy, Request, Scheme, Source, User};
use serde_json::{Map, Value, json};

/// A Monday at midnight, so that every window of a test begins here.
const START: i64 = 1_795_392_000_000_000;
const SECOND: i64 = 1_000_000;

/// A policy with one limit, `l`, on `/` for callers and others.
#[track_caller]
fn gate(limit: &str) -> Gate {
    let text = format!(
        "policy p\nsecret KEY\n\
         token access {{ algorithm HS256  key KEY\n\
           claims {{ sub: string  tier?: string  weight?: int  heavy?: bool  group?: string }} }}\n\
         user from access {{ id = claims.sub  tier = claims.tier  weight = claims.weight\n\
           heavy = claims.heavy  group = claims.group }}\n\
         {limit}\nroutes / {{ GET / public limit l }}"
    );
    let policy = Policy::compile(&[Source::new("test.gate", text)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    policy.bind(&Keys::new().with_secret("KEY", "the access tokens of a test, and no others")).unwrap()
}

/// What a client sees of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Admitted, and so much is left.
    Left(u64),
    /// Refused, and to be tried again in so many seconds.
    Wait(i64),
    /// Refused, and never to be tried again.
    Never,
}

/// A host: it keeps what the decisions' effects say, as JSON.
#[derive(Clone, Default)]
struct Host {
    facts: Facts,
}

impl Host {
    fn with(bucket: &str, state: &Value) -> Self {
        let mut host = Self::default();
        host.facts.buckets.insert(bucket.to_owned(), serde_json::from_value(state.clone()).unwrap());
        host
    }

    /// Decides a request of the user `u` at a time, and keeps what is to be kept.
    fn ask(&mut self, gate: &Gate, at: i64, attributes: &Value) -> Seen {
        let Value::Object(mut attributes) = attributes.clone() else { panic!("{attributes}") };
        let tier = attributes.remove("tier").and_then(|tier| tier.as_str().map(str::to_owned));
        let user = User { id: "u".to_owned(), tier, attributes, ..User::default() };
        let headers = HeaderMap::new();
        let decision = gate.decide(&Request {
            method: &Method::GET,
            target: "/",
            scheme: Scheme::Https,
            host: None,
            headers: &headers,
            peer: None,
            body: Some(b""),
            now: Timestamp::from_microsecond(at).unwrap(),
            entropy: None,
            user: Some(&user),
            facts: &self.facts,
        });
        let header = |name: &str| decision.headers().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let number = |name: &str| header(name).map(|value| value.to_str().unwrap().parse::<i64>().unwrap());
        let seen = match decision.status.as_u16() {
            200 => Seen::Left(u64::try_from(number("x-ratelimit-remaining").unwrap()).unwrap()),
            429 => number("retry-after").map_or(Seen::Never, Seen::Wait),
            other => panic!("{other}: {:?}", decision.reasons),
        };
        for effect in decision.effects.clone() {
            if matches!(effect, Effect::Slot { .. }) {
                continue;
            }
            let Effect::Bucket { id, read, state, expires } = effect else { panic!("{effect:?}") };
            let known = self.facts.buckets.get(&id).map_or(0, |known| known.version);
            assert_eq!((read, state.version), (known, known.wrapping_add(1)));
            assert!(expires >= Timestamp::from_microsecond(at).unwrap(), "{expires}");
            let kept: BucketState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
            assert_eq!(kept, state);
            self.facts.buckets.insert(id, kept);
        }
        seen
    }

    /// A request of some cost.
    fn charge(&mut self, gate: &Gate, at: i64, cost: u64) -> Seen {
        self.ask(gate, at, &json!({ "weight": cost }))
    }
}

/// Asks at these seconds for these costs, and expects what is seen.
#[track_caller]
fn check(limit: &str, table: &[(f64, u64, Seen)]) {
    let gate = gate(&format!("limit l {{ key user.id ?? client.ip  cost user.weight ?? 1  {limit} }}"));
    let mut host = Host::default();
    for (row, (second, cost, expected)) in table.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "tables hold small numbers")]
        let at = START + (second * 1e6).round() as i64;
        assert_eq!(host.charge(&gate, at, *cost), *expected, "row {row}: {cost} after {second} s");
    }
}

/// The decision document of a request document.
fn decide(gate: &Gate, request: &Value) -> Value {
    use portcullis::document::{DecisionDocument, RequestDocument};
    let mut fields: Map<String, Value> = request.as_object().unwrap().clone();
    for (key, value) in [("method", json!("GET")), ("url", json!("/")), ("peer", json!("203.0.113.9"))] {
        fields.entry(key).or_insert(value);
    }
    let document: RequestDocument = serde_json::from_value(Value::Object(fields)).unwrap();
    let decision = gate.decide(&document.request(Timestamp::from_microsecond(START).unwrap(), None));
    serde_json::to_value(DecisionDocument::new(&decision, gate.policy())).unwrap()
}
