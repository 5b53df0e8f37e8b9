//! How often: which buckets a request is charged to, whether they admit it, and what the client is told. All
//! limits of a stage are charged together, or none is.

use std::fmt::Write;
use std::net::IpAddr;

use http::{HeaderName, HeaderValue, header};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use crate::check::typed::{Expr, Limit, OnFailure, Quota, Rate, TypedPolicy};
use crate::model::bucket::BucketState;
use crate::model::decision::Effect;
use crate::model::reason::{Code, Stage};
use crate::model::request::Request;
use crate::model::table::Id;
use crate::model::value::{Known, Value};

use super::Denial;
use super::evaluate::{Environment, coalesce, evaluate};
use super::sliding_log::{Charged, Standing, charge};

/// IPv6 clients are counted by the subnet that one customer gets.
const IPV6_PREFIX: u8 = 64;
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const STANDARD: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What charging a set of limits came to.
#[derive(Debug, Default)]
pub(super) struct Outcome<'p> {
    pub(super) effects: Vec<Effect>,
    pub(super) tightest: Option<Tightest<'p>>,
    /// Limits that couldn't be decided and let the request pass all the same.
    pub(super) notes: Vec<Denial>,
    pub(super) refused: Option<Denial>,
}

/// A limit, and its rate that has the least left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tightest<'p> {
    limit: &'p Limit,
    standing: Standing,
}

impl<'p> Tightest<'p> {
    /// The tighter of the two: clients are told of one rate.
    pub(super) fn or(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.standing.remaining < self.standing.remaining => other,
            _ => self,
        }
    }
}

/// Charges all limits of a set, or none.
pub(super) fn charge_all<'p>(
    policy: &'p TypedPolicy,
    limits: &[Id<Limit>],
    environment: &Environment<'_>,
    request: &Request<'_>,
) -> Outcome<'p> {
    let mut outcome = Outcome::default();
    let mut tightest_refused: Option<Tightest<'p>> = None;
    let mut longest_wait: Option<(&Limit, Option<i64>)> = None;
    for limit in limits.iter().map(|limit| &policy.limits[*limit]) {
        let (Some(bucket), Some(rates)) = (bucket(policy, limit, environment), rates(policy, limit, environment))
        else {
            let undecided = undecided(limit);
            match limit.on_failure {
                OnFailure::Allow => outcome.notes.push(undecided),
                OnFailure::Deny => {
                    return Outcome { refused: Some(undecided), ..Outcome::default() };
                }
            }
            continue;
        };
        let fresh = BucketState::default();
        let state = request.facts.buckets.get(&bucket).unwrap_or(&fresh);
        match charge(state, rates, limit.longest_period, request.now.as_microsecond(), limit.cost) {
            Charged::Admitted { state: after, tightest } => {
                // The newest admission may lie ahead of a clock that has jumped back, and counts until its own window ends.
                let newest = after.log.last().and_then(|newest| Timestamp::from_microsecond(newest.0).ok());
                let expires = later(newest.unwrap_or(request.now), limit.longest_period);
                outcome.effects.push(Effect::Bucket { id: bucket, read: state.version, state: after, expires });
                outcome.tightest = Some(Tightest { limit, standing: tightest }.or(outcome.tightest));
            }
            Charged::Refused { tightest, retry_after } => {
                let longer = longest_wait.is_none_or(|(_, known)| match (known, retry_after) {
                    (Some(known), Some(wait)) => wait > known,
                    (Some(_), None) => true,
                    (None, _) => false,
                });
                if longer {
                    longest_wait = Some((limit, retry_after));
                }
                tightest_refused = Some(Tightest { limit, standing: tightest }.or(tightest_refused));
            }
        }
    }
    if let Some((limit, wait)) = longest_wait {
        // None was consumed, so what the others would have left says nothing.
        outcome.effects.clear();
        outcome.tightest = tightest_refused;
        outcome.refused = Some(refused(limit, wait));
    }
    outcome
}

fn undecided(limit: &Limit) -> Denial {
    let message = format!("the limit `{}` can't be decided: its key or its tier is unknown", limit.name);
    Denial::new(Code::LimitUndecided, Stage::Limit, message).at(limit.span)
}

fn refused(limit: &Limit, wait: Option<i64>) -> Denial {
    let message = format!("the limit `{}` is used up", limit.name);
    let denial = Denial::new(Code::RateLimited, Stage::Limit, message).at(limit.span);
    match wait {
        Some(wait) => denial.with_header(header::RETRY_AFTER, HeaderValue::from(seconds(wait))),
        None => denial,
    }
}

fn rates<'p>(policy: &'p TypedPolicy, limit: &'p Limit, environment: &Environment<'_>) -> Option<&'p [Rate]> {
    match &limit.quota {
        Quota::Rates(rates) => Some(rates),
        Quota::Tier(tier) => {
            let Known::Value(Value::String(name)) = evaluate(tier, environment) else { return None };
            policy.tiers.iter().find(|tier| tier.name == name).map(|tier| tier.rates.as_slice())
        }
    }
}

/// The id of the bucket: policy and limit, then for each part of the key which branch it came from and how long it
/// is, so that no user's id collides with an address, nor two parts with one.
fn bucket(policy: &TypedPolicy, limit: &Limit, environment: &Environment<'_>) -> Option<String> {
    let mut id = format!("{}/{}", policy.name, limit.name);
    for part in &limit.key {
        let (branch, value) = match part {
            Expr::Coalesce(operands) => coalesce(operands, environment),
            _ => (0, evaluate(part, environment)),
        };
        let text = key_text(&value.value()?)?;
        let _ = write!(id, "/{branch}:{}:{text}", text.len());
    }
    Some(id)
}

fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Ip(address) => Some(subnet(*address)),
        _ => None,
    }
}

/// An IPv4 address; of an IPv6 address, its subnet.
fn subnet(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(_) => {
            IpNet::new(address, IPV6_PREFIX).map_or_else(|_| address.to_string(), |net| net.trunc().to_string())
        }
    }
}

/// Both dialects: `X-RateLimit-*`, with the reset in Unix seconds, and the fields of the IETF's
/// draft-ietf-httpapi-ratelimit-headers-10, with it in seconds from now.
pub(super) fn headers(tightest: Tightest<'_>, now: Timestamp) -> Vec<(HeaderName, HeaderValue)> {
    let Tightest { limit, standing: Standing { rate, remaining, full_after } } = tightest;
    let window = seconds(rate.period);
    let reset = later(now, full_after);
    let reset_second = reset.as_second() + i64::from(reset.subsec_nanosecond() > 0);
    let mut headers = vec![
        (LIMIT, HeaderValue::from(rate.count)),
        (REMAINING, HeaderValue::from(remaining)),
        (RESET, HeaderValue::from(reset_second)),
    ];
    // A limit's name is an identifier, which needs no escape in a structured field's string (RFC 9651 §3.3.3).
    let standard = [
        (POLICY, format!("\"{}\";q={};w={window}", limit.name, rate.count)),
        (STANDARD, format!("\"{}\";r={remaining};t={}", limit.name, seconds(full_after))),
    ];
    for (name, value) in standard {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.push((name, value));
        }
    }
    headers
}

/// Whole seconds, rounded up: a client that waits as long as it is told must not come too early.
fn seconds(microseconds: i64) -> i64 {
    microseconds.max(0).saturating_add(999_999) / 1_000_000
}

fn later(now: Timestamp, microseconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_micros(microseconds)).unwrap_or(Timestamp::MAX)
}
