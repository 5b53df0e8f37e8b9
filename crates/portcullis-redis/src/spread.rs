//! Charges over the hash slots of a cluster: one call a slot, all at once. Where one slot refuses, what the others took is given
//! back, so that in the end nothing is consumed; in between, others may be refused for it, and nobody is admitted.

use std::time::Instant;

use futures_util::future::join_all;
use portcullis::limit::{Charge, Leasing, Outcome};
use tokio::task::JoinHandle;

use crate::config::Clock;
use crate::link::{CHARGE, Failed, GIVE_BACK, Link};
use crate::wire::{self, Call, Head, Stage};

/// The charges of one slot.
struct Share<'k> {
    tag: &'k [u8],
    rows: Vec<usize>,
    keys: Vec<&'k [u8]>,
    charges: Vec<Charge>,
}

/// What became of charges.
pub(crate) struct Reply {
    pub(crate) at: Option<i64>,
    pub(crate) unreadable: u64,
    pub(crate) outcomes: Vec<Outcome>,
}

/// Charges all, or none.
pub(crate) async fn charge(
    link: &Link,
    keys: &[Vec<u8>],
    charges: &[Charge],
    now: Option<i64>,
    leasing: Leasing,
) -> Result<Reply, Failed> {
    let begun = Instant::now();
    let shares = shares(keys, charges);
    let replies = join_all(shares.iter().map(|share| call(link, share, now, leasing))).await;
    let admits = |(share, reply): (&Share<'_>, &Result<Answered, Failed>)| {
        reply.as_ref().is_ok_and(|reply| wire::is_admitted(&share.charges, &reply.outcomes))
    };
    let is_admitted = shares.iter().zip(&replies).all(admits);
    if !is_admitted && shares.len() > 1 {
        let admitted = shares.iter().zip(&replies).filter(|pair| admits(*pair));
        let taken = admitted.filter_map(|(share, reply)| Some((share, reply.as_ref().ok()?)));
        join_all(taken.map(|(share, reply)| give_back(link, share, reply, now, begun))).await;
    }
    let mut together = Reply { at: None, unreadable: 0, outcomes: Vec::with_capacity(charges.len()) };
    let mut rows = Vec::with_capacity(charges.len());
    for (share, reply) in shares.into_iter().zip(replies) {
        let Answered { head, outcomes } = reply?;
        let at = now.unwrap_or(head.server_time);
        together.at = Some(together.at.map_or(at, |earliest| earliest.min(at)));
        together.unreadable += head.unreadable;
        rows.extend(share.rows.into_iter().zip(outcomes));
    }
    rows.sort_unstable_by_key(|(row, _)| *row);
    together.outcomes.extend(rows.into_iter().map(|(_, outcome)| outcome));
    if !is_admitted {
        wire::none_consumed(&mut together.outcomes);
    }
    Ok(together)
}

/// What the script said of a share.
struct Answered {
    head: Head,
    outcomes: Vec<Outcome>,
}

fn shares<'k>(keys: &'k [Vec<u8>], charges: &[Charge]) -> Vec<Share<'k>> {
    let mut shares: Vec<Share<'k>> = Vec::new();
    for (row, (key, charge)) in keys.iter().zip(charges).enumerate() {
        let tag = hash_tag(key);
        let known = shares.iter().position(|share| share.tag == tag);
        let at = known.unwrap_or_else(|| {
            shares.push(Share { tag, rows: Vec::new(), keys: Vec::new(), charges: Vec::new() });
            shares.len() - 1
        });
        for share in shares.iter_mut().skip(at).take(1) {
            share.rows.push(row);
            share.keys.push(key);
            share.charges.push(charge.clone());
        }
    }
    shares
}

/// What decides on a key's slot: what stands between the first `{` and the next `}`, or all of it.
fn hash_tag(key: &[u8]) -> &[u8] {
    let tag = || {
        let open = key.iter().position(|byte| *byte == b'{')?;
        let inside = key.get(open + 1..)?;
        let close = inside.iter().position(|byte| *byte == b'}')?;
        inside.get(..close).filter(|tag| !tag.is_empty())
    };
    tag().unwrap_or(key)
}

async fn call(link: &Link, share: &Share<'_>, now: Option<i64>, leasing: Leasing) -> Result<Answered, Failed> {
    let keys = share.keys.iter().map(|key| key.to_vec()).collect();
    let stage = Stage::new(keys, &share.charges, now, leasing);
    let call = Call::of([&stage]);
    let clock = if now.is_some() { Clock::Host } else { Clock::Server };
    let reply: Vec<Vec<u8>> = link.call(&CHARGE, &call.keys, &call.arguments(clock)).await?;
    let answered = match reply.as_slice() {
        [head, outcomes] => {
            let head = wire::head(head);
            head.zip(wire::outcomes(outcomes, &share.charges)).map(|(head, outcomes)| Answered { head, outcomes })
        }
        _ => None,
    };
    answered.ok_or_else(|| Failed::unreadable("the script's answer"))
}

/// A task of its own, which goes on where nobody waits for it any more.
fn give_back(link: &Link, share: &Share<'_>, reply: &Answered, now: Option<i64>, begun: Instant) -> JoinHandle<()> {
    let at = now.unwrap_or(reply.head.server_time);
    let elapsed = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
    let (mut keys, mut packed) = (Vec::new(), Vec::new());
    for ((key, charge), outcome) in share.keys.iter().zip(&share.charges).zip(&reply.outcomes) {
        if let Outcome::Admitted(admitted) = outcome {
            keys.push(key.to_vec());
            wire::taken(&mut packed, charge, admitted, at, at.saturating_add(elapsed));
        }
    }
    let link = link.clone();
    tokio::spawn(async move {
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        // What can't be given back stays taken.
        let _: Result<(), Failed> = link.call(&GIVE_BACK, &keys, &[&packed]).await;
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
