//! Charges over the hash slots of a cluster: one concurrent call a slot. If one slot refuses, the charges in the other slots are refunded,
//! so that nothing is consumed in the end. Until then, other callers may be refused because of them.

use std::time::Instant;

use futures_util::future::join_all;
use portcullis::limit::{Charge, Leasing, Outcome};
use tokio::task::JoinHandle;

use crate::config::Clock;
use crate::link::{CHARGE, Failed, Link, REFUND};
use crate::wire::{self, Call, Head, Stage};

/// The charges of one slot.
struct SlotCharges<'k> {
    tag: &'k [u8],
    rows: Vec<usize>,
    keys: Vec<&'k [u8]>,
    charges: Vec<Charge>,
}

/// The outcomes of charges.
pub(crate) struct Reply {
    pub(crate) at: Option<i64>,
    pub(crate) unreadable: u64,
    pub(crate) outcomes: Vec<Outcome>,
}

/// Charges all or none.
pub(crate) async fn charge(
    link: &Link,
    keys: &[Vec<u8>],
    charges: &[Charge],
    now: Option<i64>,
    leasing: Leasing,
) -> Result<Reply, Failed> {
    let begun = Instant::now();
    let slots = slots(keys, charges);
    let replies = join_all(slots.iter().map(|slot| call(link, slot, now, leasing))).await;
    let admits = |(slot, reply): (&SlotCharges<'_>, &Result<Answered, Failed>)| {
        reply.as_ref().is_ok_and(|reply| wire::is_admitted(&slot.charges, &reply.outcomes))
    };
    let is_admitted = slots.iter().zip(&replies).all(admits);
    if !is_admitted && slots.len() > 1 {
        let admitted = slots.iter().zip(&replies).filter(|pair| admits(*pair));
        let taken = admitted.filter_map(|(slot, reply)| Some((slot, reply.as_ref().ok()?)));
        join_all(taken.map(|(slot, reply)| refund(link, slot, reply, now, begun))).await;
    }
    let mut combined = Reply { at: None, unreadable: 0, outcomes: Vec::with_capacity(charges.len()) };
    let mut rows = Vec::with_capacity(charges.len());
    for (slot, reply) in slots.into_iter().zip(replies) {
        let Answered { head, outcomes } = reply?;
        let at = now.unwrap_or(head.server_time);
        combined.at = Some(combined.at.map_or(at, |earliest| earliest.min(at)));
        combined.unreadable += head.unreadable;
        rows.extend(slot.rows.into_iter().zip(outcomes));
    }
    rows.sort_unstable_by_key(|(row, _)| *row);
    combined.outcomes.extend(rows.into_iter().map(|(_, outcome)| outcome));
    if !is_admitted {
        wire::none_consumed(&mut combined.outcomes);
    }
    Ok(combined)
}

/// The script's answer for one slot.
struct Answered {
    head: Head,
    outcomes: Vec<Outcome>,
}

fn slots<'k>(keys: &'k [Vec<u8>], charges: &[Charge]) -> Vec<SlotCharges<'k>> {
    let mut slots: Vec<SlotCharges<'k>> = Vec::new();
    for (row, (key, charge)) in keys.iter().zip(charges).enumerate() {
        let tag = hash_tag(key);
        let known = slots.iter().position(|slot| slot.tag == tag);
        let at = known.unwrap_or_else(|| {
            slots.push(SlotCharges { tag, rows: Vec::new(), keys: Vec::new(), charges: Vec::new() });
            slots.len() - 1
        });
        for slot in slots.iter_mut().skip(at).take(1) {
            slot.rows.push(row);
            slot.keys.push(key);
            slot.charges.push(charge.clone());
        }
    }
    slots
}

/// The part of a key that determines its slot: the text between the first `{` and the next `}`, or all of it.
fn hash_tag(key: &[u8]) -> &[u8] {
    let tag = || {
        let open = key.iter().position(|byte| *byte == b'{')?;
        let inside = key.get(open + 1..)?;
        let close = inside.iter().position(|byte| *byte == b'}')?;
        inside.get(..close).filter(|tag| !tag.is_empty())
    };
    tag().unwrap_or(key)
}

async fn call(link: &Link, slot: &SlotCharges<'_>, now: Option<i64>, leasing: Leasing) -> Result<Answered, Failed> {
    let keys = slot.keys.iter().map(|key| key.to_vec()).collect();
    let stage = Stage::new(keys, &slot.charges, now, leasing);
    let call = Call::of([&stage]);
    let clock = if now.is_some() { Clock::Host } else { Clock::Server };
    let reply: Vec<Vec<u8>> = link.call(&CHARGE, &call.keys, &call.arguments(clock)).await?;
    let answered = match reply.as_slice() {
        [head, outcomes] => {
            let head = wire::head(head);
            head.zip(wire::outcomes(outcomes, &slot.charges)).map(|(head, outcomes)| Answered { head, outcomes })
        }
        _ => None,
    };
    answered.ok_or_else(|| Failed::unreadable("the script's answer"))
}

/// Refunds the charges of a slot in a task of its own, which goes on if the caller drops its future.
fn refund(link: &Link, slot: &SlotCharges<'_>, reply: &Answered, now: Option<i64>, begun: Instant) -> JoinHandle<()> {
    let at = now.unwrap_or(reply.head.server_time);
    let elapsed = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
    let (mut keys, mut packed) = (Vec::new(), Vec::new());
    for ((key, charge), outcome) in slot.keys.iter().zip(&slot.charges).zip(&reply.outcomes) {
        if let Outcome::Admitted(admitted) = outcome {
            keys.push(key.to_vec());
            wire::pack_refund(&mut packed, charge, admitted, at, at.saturating_add(elapsed));
        }
    }
    let link = link.clone();
    tokio::spawn(async move {
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        // If the refund fails, the charges stay consumed.
        let _: Result<(), Failed> = link.call(&REFUND, &keys, &[&packed]).await;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slot_is_decided_by_the_tag() {
        for (key, tag) in [("a{b}c", "b"), ("a{b{c}d}", "b{c"), ("a{}b{c}", "a{}b{c}"), ("a}b{c", "a}b{c"), ("", "")] {
            assert_eq!(hash_tag(key.as_bytes()), tag.as_bytes(), "{key}");
        }
    }
}
