//! Limits and tiers: each algorithm by tables and against a slow model, and limits with unknown facts, broken states or
//! clocks far from now. `pure` tests the transitions without a policy.

mod article;
mod entries;
mod models;
mod pure;
mod spoilt;
mod tables;

use portcullis::decision::Effect;
use portcullis::{Facts, Gate, User};
use serde_json::{Value, json};

use crate::support::exchange::{Call, at_microsecond, bucket, effects, header, put_bucket, reason, record, status};
use crate::support::{gate, with_defaults};

/// A Monday at midnight, in microseconds: every window of a test begins here.
const START: i64 = 1_795_392_000_000_000;
const SECOND: i64 = 1_000_000;

/// A policy with one limit, `l`, on `/` for authenticated and anonymous callers.
#[track_caller]
fn limited(limit: &str) -> Gate {
    gate(&format!(
        "secret KEY\n\
         token access {{ algorithm HS256  key KEY\n\
           claims {{ sub: string  tier?: string  weight?: int  heavy?: bool  group?: string }} }}\n\
         user from access {{ id = claims.sub  tier = claims.tier  weight = claims.weight\n\
           heavy = claims.heavy  group = claims.group }}\n\
         {limit}\nroutes / {{ GET / public limit l }}"
    ))
}

/// The part of a decision that a client sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Admitted, with the remaining quota.
    Left(u64),
    /// Refused, with the seconds of `Retry-After`.
    Wait(i64),
    /// Refused without `Retry-After`.
    Never,
}

/// A host that stores the effects of decisions.
#[derive(Clone, Default)]
struct Host {
    facts: Facts,
}

impl Host {
    fn with(bucket: &str, state: &Value) -> Self {
        let mut host = Self::default();
        put_bucket(&mut host.facts, bucket, serde_json::from_value(state.clone()).unwrap());
        host
    }

    fn version(&self, id: &str) -> u64 {
        bucket(&self.facts, id).unwrap().version
    }

    /// Decides a request of the user `u` at a time, and stores its effects.
    fn ask(&mut self, gate: &Gate, at: i64, attributes: &Value) -> Seen {
        let Value::Object(mut attributes) = attributes.clone() else { panic!("{attributes}") };
        let tier = attributes.remove("tier").and_then(|tier| tier.as_str().map(str::to_owned));
        let user = User { id: "u".to_owned(), tier, attributes, ..User::default() };
        let call = Call { now: at_microsecond(at), user: Some(user), ..Call::new("GET /") };
        let decision = gate.decide(&call.request_with(&self.facts)).into_owned();
        let number = |name: &str| header(&decision, name).map(|value| value.parse::<i64>().unwrap());
        let seen = match status(&decision) {
            200 => Seen::Left(u64::try_from(number("x-ratelimit-remaining").unwrap()).unwrap()),
            429 => number("retry-after").map_or(Seen::Never, Seen::Wait),
            other => panic!("{other}: {:?}", reason(&decision)),
        };
        for effect in effects(&decision) {
            match effect {
                Effect::Bucket { expires, .. } => assert!(*expires >= call.now, "{expires}"),
                effect => assert!(matches!(effect, Effect::Slot { .. }), "{effect:?}"),
            }
        }
        record(&mut self.facts, &decision);
        seen
    }

    /// Decides a request with a cost.
    fn charge(&mut self, gate: &Gate, at: i64, cost: u64) -> Seen {
        self.ask(gate, at, &json!({ "weight": cost }))
    }
}

/// Compares the outcomes of charges: each has a second and a cost.
#[track_caller]
fn check(limit: &str, table: &[(f64, u64, Seen)]) {
    let gate = limited(&format!("limit l {{ key user.id ?? client.ip  cost user.weight ?? 1  {limit} }}"));
    let mut host = Host::default();
    for (row, (second, cost, expected)) in table.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "tables hold small numbers")]
        let at = START + (second * 1e6).round() as i64;
        assert_eq!(host.charge(&gate, at, *cost), *expected, "row {row}: {cost} after {second} s");
    }
}

/// The decision document of a request document at [`START`].
fn decide(gate: &Gate, request: &Value) -> Value {
    let now = at_microsecond(START).to_string();
    let defaults = json!({ "now": now, "method": "GET", "url": "/", "peer": "203.0.113.9" });
    crate::support::decide(gate, &with_defaults(request, &defaults))
}
