//! Families of refresh tokens against a simple model: exchanges, repetitions, thefts, logouts and steps of the clock in any
//! order.

use portcullis::facts::{Account, TokenFact};
use portcullis::token::IssuedToken;
use portcullis::value::Known;
use portcullis::{Facts, Gate};
use proptest::prelude::*;
use serde_json::json;

use crate::support::exchange::{
    Call, NOW, answer_body, at, code, effects, is_stale, put_account, put_token, record, status,
};
use crate::support::gate;

const POLICY: &str = r#"policy p
secret ACCESS, REFRESH
account { id: string }
token access  { algorithm HS256  key ACCESS   lifetime 15m  claims { sub: string = account.id } }
token refresh { algorithm HS256  key REFRESH  lifetime 30d  carried body "token"  single_use grace 10s idle 7d
  claims { sub: string = account.id } }
user from access { id = claims.sub }
routes / {
  GET  /me       authenticated
  POST /refresh  public  rotates refresh  issues access, refresh
  POST /logout   public  revokes refresh
}
"#;

const DAY: i64 = 24 * 60 * 60;

fn mia() -> Account {
    Account::new(json!({ "id": "mia" }).as_object().unwrap().clone())
}

/// The first token: the same each time.
fn issue(gate: &Gate) -> IssuedToken {
    gate.issue(gate.policy().token("refresh").unwrap(), &mia(), at(NOW), &[1; 32]).unwrap()
}

/// The facts of a host after a login, and the first token.
fn after_login(gate: &Gate) -> (Facts, String) {
    let issued = issue(gate);
    let mut facts = Facts::default();
    put_account(&mut facts, Known::Value(mia()));
    let (id, state) = issued.family.unwrap();
    put_token(&mut facts, &id, Some(TokenFact::Family(state)));
    (facts, issued.text)
}

fn present(route: &str, token: &str, now: i64, peer: Option<&'static str>, entropy: u8) -> Call {
    let call = Call::new(route).json(&json!({ "token": token })).at(now);
    Call { peer: peer.map(|peer| peer.parse().unwrap()), entropy: Some([entropy; 32]), ..call }
}

/// An act of a client, or of the clock.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Exchanges a token of the family; 0 is the newest.
    Exchange {
        back: usize,
        peer: Option<&'static str>,
    },
    /// Exchanges the newest token at two nodes that read the same state.
    Race {
        peer: Option<&'static str>,
    },
    Logout {
        back: usize,
    },
    /// Moves the clock by seconds.
    Clock(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let peer = prop_oneof![5 => Just(Some("203.0.113.9")), 2 => Just(Some("198.51.100.7")), 1 => Just(None)];
    let back = prop_oneof![6 => Just(0), 3 => Just(1), 1 => 2_usize..6];
    let clock = prop_oneof![
        4 => 0_i64..20,
        2 => Just(9_i64),
        1 => Just(10_i64),
        1 => -30_i64..0,
        1 => 6 * DAY..8 * DAY,
        1 => 20 * DAY..31 * DAY
    ];
    let act = prop_oneof![
        8 => (back.clone(), peer.clone()).prop_map(|(back, peer)| Act::Exchange { back, peer }),
        1 => peer.prop_map(|peer| Act::Race { peer }),
        1 => back.prop_map(|back| Act::Logout { back }),
        4 => clock.prop_map(Act::Clock),
    ];
    proptest::collection::vec(act, 1..30)
}

/// A token of the model.
#[derive(Debug, Clone)]
struct Past {
    text: String,
    issued: i64,
    expires: i64,
}

/// The model of a family.
#[derive(Debug)]
struct Model {
    now: i64,
    tokens: Vec<Past>,
    /// The time and the peer of the last exchange.
    exchanged: Option<(i64, Option<&'static str>)>,
    ends: i64,
    revoked: bool,
    reused: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Fresh,
    Same,
    Invalid,
    Reused,
}

impl Model {
    fn expects(&self, at: usize, peer: Option<&'static str>) -> Expected {
        let (token, last) = (&self.tokens[at], self.tokens.len() - 1);
        let family_expires = self.tokens[last].expires;
        if token.issued > self.now || self.revoked || self.now >= family_expires {
            return Expected::Invalid;
        }
        let recent =
            self.exchanged.is_some_and(|(then, by)| (self.now - then).abs() < 10 && by.is_some() && by == peer);
        let is_parent = at + 1 == last && recent;
        if at < last && !is_parent {
            // A reused token counts even after it has expired.
            return Expected::Reused;
        }
        match self.now >= token.expires {
            true => Expected::Invalid,
            false if at == last => Expected::Fresh,
            false => Expected::Same,
        }
    }

    fn add(&mut self, text: String) {
        let expires = (self.now + 7 * DAY).min(self.ends);
        self.tokens.push(Past { text, issued: self.now, expires });
    }
}

/// A family under test, and its model.
struct Run {
    gate: Gate,
    facts: Facts,
    model: Model,
    entropy: u8,
}

impl Run {
    fn new() -> Self {
        let gate = gate(POLICY);
        let (facts, text) = after_login(&gate);
        let first = Past { text, issued: NOW, expires: NOW + 7 * DAY };
        let model = Model {
            now: NOW,
            tokens: vec![first],
            exchanged: None,
            ends: NOW + 30 * DAY,
            revoked: false,
            reused: false,
        };
        Self { gate, facts, model, entropy: 1 }
    }

    fn index(&self, back: usize) -> usize {
        self.model.tokens.len().saturating_sub(1 + back)
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Clock(seconds) => self.model.now += seconds,
            Act::Exchange { back, peer } => self.exchange(self.index(back), peer),
            Act::Race { peer } => self.race(peer),
            Act::Logout { back } => self.logout(self.index(back)),
        }
        self.one_holds();
    }

    fn exchange(&mut self, at: usize, peer: Option<&'static str>) {
        self.entropy = self.entropy.wrapping_add(1);
        let text = self.model.tokens[at].text.clone();
        let call = present("POST /refresh", &text, self.model.now, peer, self.entropy);
        let decision = call.decide(&self.gate, &self.facts);
        let answer = answer_body(&decision);
        match self.model.expects(at, peer) {
            Expected::Fresh => {
                assert_eq!(code(&decision), (200, "tokens_issued"));
                let fresh = answer["refresh_token"].as_str().unwrap().to_owned();
                assert!(self.model.tokens.iter().all(|known| known.text != fresh));
                assert!(!self.model.reused, "a token outlives the first reuse");
                self.model.exchanged = Some((self.model.now, peer));
                self.model.add(fresh);
                assert_eq!(answer["expires_in"], 15 * 60);
            }
            Expected::Same => {
                assert_eq!(code(&decision), (200, "tokens_issued"));
                assert_eq!(answer["refresh_token"], self.model.tokens.last().unwrap().text.as_str());
                assert!(effects(&decision).is_empty());
            }
            Expected::Invalid => {
                assert_eq!(code(&decision), (401, "invalid_token"));
                assert!(effects(&decision).is_empty());
            }
            Expected::Reused => {
                assert_eq!(code(&decision), (401, "token_reused"));
                self.model.revoked = true;
                self.model.reused = true;
            }
        }
        record(&mut self.facts, &decision);
    }

    /// Both nodes decide by the same state. The second to write finds another version, discards its decision and decides again
    /// by the stored state.
    fn race(&mut self, peer: Option<&'static str>) {
        let stale = self.facts.clone();
        let last = self.model.tokens.len() - 1;
        let expected = self.model.expects(last, peer);
        self.exchange(last, peer);
        if expected != Expected::Fresh {
            return;
        }
        self.entropy = self.entropy.wrapping_add(1);
        let text = self.model.tokens[last].text.clone();
        let call = present("POST /refresh", &text, self.model.now, peer, self.entropy);
        let discarded = call.decide(&self.gate, &stale);
        assert_eq!(code(&discarded), (200, "tokens_issued"), "it doesn't know of the other");
        assert!(is_stale(&self.facts, &discarded), "two writes were made of one read");
        self.exchange(last, peer);
    }

    fn logout(&mut self, at: usize) {
        let token = self.model.tokens[at].clone();
        let call = present("POST /logout", &token.text, self.model.now, None, 0);
        let decision = call.decide(&self.gate, &self.facts);
        let genuine = token.issued <= self.model.now;
        if genuine {
            assert_eq!(code(&decision), (204, "token_revoked"));
            self.model.revoked = true;
        } else {
            assert_eq!(code(&decision), (401, "invalid_token"));
        }
        record(&mut self.facts, &decision);
    }

    /// Asserts that only the newest token can be exchanged for a new one.
    fn one_holds(&self) {
        for (at, token) in self.model.tokens.iter().enumerate() {
            let call = present("POST /refresh", &token.text, self.model.now, Some("192.0.2.1"), 0);
            let holds = status(&call.decide(&self.gate, &self.facts)) == 200;
            assert!(!holds || at + 1 == self.model.tokens.len() && !self.model.revoked, "{at} of {:?}", self.model);
        }
    }
}

proptest! {
    #[test]
    fn families_are_as_the_model_says(acts in acts()) {
        let mut run = Run::new();
        for act in acts {
            run.act(act);
        }
    }
}

#[test]
fn a_stolen_token_ends_with_its_first_reuse() {
    let mut run = Run::new();
    run.exchange(0, Some("203.0.113.9"));
    run.exchange(1, Some("203.0.113.9"));
    // A thief reuses the first token: the family is revoked.
    run.exchange(0, Some("198.51.100.7"));
    assert!(run.model.reused);
    for at in 0..3 {
        run.exchange(at, Some("203.0.113.9"));
    }
}

/// An expired token that is reused revokes the family as well.
#[test]
fn a_reuse_shows_after_the_token_has_expired() {
    let mut run = Run::new();
    run.exchange(0, Some("198.51.100.7"));
    for _ in 0..8 {
        run.act(Act::Clock(DAY));
        run.exchange(run.index(0), Some("198.51.100.7"));
    }
    run.exchange(0, Some("203.0.113.9"));
    assert!(run.model.reused);
    run.exchange(run.index(0), Some("198.51.100.7"));
}

#[test]
fn a_clients_problem_tells_nothing_of_a_theft() {
    let mut run = Run::new();
    run.exchange(0, Some("203.0.113.9"));
    let call = present("POST /refresh", &run.model.tokens[0].text, NOW, Some("198.51.100.7"), 9);
    let decision = call.decide(&run.gate, &run.facts);
    assert_eq!(code(&decision), (401, "token_reused"));
    assert_eq!(answer_body(&decision)["code"], "invalid_token");
}

#[test]
fn a_token_and_its_account_belong_together() {
    let gate = gate(POLICY);
    let (mut facts, text) = after_login(&gate);
    put_account(&mut facts, Known::Value(Account::new(json!({ "id": "admin" }).as_object().unwrap().clone())));
    let decision = present("POST /refresh", &text, NOW, Some("203.0.113.9"), 3).decide(&gate, &facts);
    assert_eq!((code(&decision), effects(&decision).len()), ((401, "invalid_token"), 0));
}

#[test]
fn a_store_tells_no_token() {
    let mut run = Run::new();
    run.exchange(0, Some("203.0.113.9"));
    let stored = format!("{:?}", run.facts);
    let (family, _) = issue(&run.gate).family.unwrap();
    let Known::Value(TokenFact::Family(state)) = run.facts.token(&family) else { panic!("a family is stored") };
    let json = serde_json::to_string(state).unwrap();
    for token in &run.model.tokens {
        let signature = token.text.rsplit('.').next().unwrap();
        assert!(!stored.contains(signature) && !json.contains(signature));
    }
    assert_eq!(serde_json::from_str::<portcullis::token::FamilyState>(&json).unwrap(), *state);
}

#[test]
fn a_family_ends_when_it_was_to_end() {
    let mut run = Run::new();
    for _ in 0..4 {
        run.act(Act::Clock(6 * DAY));
        run.exchange(run.index(0), Some("203.0.113.9"));
    }
    run.act(Act::Clock(6 * DAY - 1));
    run.exchange(run.index(0), Some("203.0.113.9"));
    assert_eq!(run.model.tokens.last().unwrap().expires, NOW + 30 * DAY, "idle expiry never outlives the family");
    run.act(Act::Clock(2));
    assert_eq!(run.model.expects(run.index(0), None), Expected::Invalid);
    run.exchange(run.index(0), Some("203.0.113.9"));
}

#[test]
fn what_nobody_knows_fails_closed() {
    let gate = gate(POLICY);
    let (facts, text) = after_login(&gate);
    let check = |facts: &Facts, expected: (u16, &str)| {
        let decision = present("POST /refresh", &text, NOW, Some("203.0.113.9"), 3).decide(&gate, facts);
        assert_eq!(code(&decision), expected);
        assert!(effects(&decision).is_empty());
    };
    let (family, state) = issue(&gate).family.unwrap();
    check(&facts.clone().without_token(&family), (503, "token_unknown"));
    check(&facts.clone().with_token(&family, None), (401, "invalid_token"));
    let mut no_account = Facts::default().with_token(&family, Some(TokenFact::Family(state)));
    check(&no_account, (503, "account_unknown"));
    put_account(&mut no_account, Known::Absent);
    check(&no_account, (401, "invalid_token"));
    put_account(&mut no_account, Known::Value(Account::new(serde_json::Map::new())));
    check(&no_account, (503, "account_incomplete"));
    let odd = facts.with_token(&family, Some(TokenFact::Claims(serde_json::Map::new())));
    check(&odd, (503, "token_unknown"));
}
