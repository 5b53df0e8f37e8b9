//! What the host knows: all that it said before a decision, or what it says when it is asked on the way.

use std::borrow::Cow;
use std::cell::RefCell;

use jiff::Timestamp;

use crate::eval::context::MissingFacts;
use crate::keys::KeySet;
use crate::limit::bucket::BucketState;
use crate::limit::{Charge, Leasing, Outcome, StageResult, Write, charge_all};
use crate::model::value::Known;
use crate::password::{PasswordOutcome, PasswordTask};
use crate::protocol::account::{Account, AccountOf, TokenFact};
use crate::protocol::decision::Effect;
use crate::protocol::question::{Answer, Question};
use crate::protocol::request::{Facts, Record, Request};
use crate::typed;

/// What the host has said so far.
pub(crate) struct Lookup<'r> {
    facts: Cow<'r, Facts>,
    body: Option<Cow<'r, [u8]>>,
    /// Whether the password holds that was asked about.
    password: Option<PasswordOutcome>,
    /// Where the host can be asked; where it can't, what it didn't say stays unknown.
    asking: Option<Asking>,
}

/// What the host was asked, and what it is to be asked next.
#[derive(Default)]
struct Asking {
    asked: Vec<Question>,
    /// What was to be charged, and what the host said to it.
    charged: Vec<(Vec<Charge>, Option<Vec<Outcome>>)>,
    wanted: RefCell<Vec<Question>>,
}

/// What became of charges, and what the host must record of them.
pub(crate) struct Reckoned {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) effects: Vec<Effect>,
}

impl<'r> Lookup<'r> {
    /// The host has said what it will ever say.
    pub(crate) fn of(request: &Request<'r>) -> Self {
        Self {
            facts: Cow::Borrowed(request.facts),
            body: request.body.map(Cow::Borrowed),
            password: None,
            asking: None,
        }
    }

    /// The host may be asked for what it didn't say.
    pub(crate) fn asking(request: &Request<'r>) -> Self {
        Self { asking: Some(Asking::default()), ..Self::of(request) }
    }

    pub(crate) fn into_owned(self) -> Lookup<'static> {
        Lookup {
            facts: Cow::Owned(self.facts.into_owned()),
            body: self.body.map(|body| Cow::Owned(body.into_owned())),
            password: self.password,
            asking: self.asking,
        }
    }

    /// The same, for whoever evaluates rules, where there is somebody to ask.
    pub(crate) fn if_asking(&self) -> Option<&dyn MissingFacts> {
        self.asking.is_some().then_some(self as &dyn MissingFacts)
    }

    pub(crate) fn context(&self) -> Option<&Record> {
        self.facts.context.as_ref()
    }

    /// The context, to be kept with the decision.
    pub(crate) fn into_context(self) -> Option<Cow<'r, Record>> {
        match self.facts {
            Cow::Borrowed(facts) => facts.context.as_ref().map(Cow::Borrowed),
            Cow::Owned(facts) => facts.context.map(Cow::Owned),
        }
    }

    /// The attributes of `KIND/ID`; none where there is no such thing, or nothing is known of it.
    pub(crate) fn resource(&self, name: &str) -> Option<&Record> {
        self.facts.resources.get(name)?.as_ref()
    }

    pub(crate) fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// A set of keys, as the host said with the request, or else with its key ring; nothing where nobody said.
    pub(crate) fn key_set<'s>(
        &'s self,
        set: &typed::KeySet,
        bound: Option<&'s KeySet>,
        key_id: impl FnOnce() -> Option<String>,
    ) -> Option<&'s KeySet> {
        let known = self.facts.key_sets.get(&set.name).or(bound);
        if known.is_none() {
            let (name, url) = (set.name.clone(), set.jwks.clone());
            self.want(|| Question::KeySet { name, url, key_id: key_id() });
        }
        known
    }

    /// What is known of a token; nothing where nobody said.
    pub(crate) fn token(&self, kind: &str, id: &str) -> Option<Option<&TokenFact>> {
        let known = self.facts.tokens.get(id).map(Option::as_ref);
        if known.is_none() {
            self.want(|| Question::Token { kind: kind.to_owned(), id: id.to_owned() });
        }
        known
    }

    /// The account that is logged in to, or that a token speaks of.
    pub(crate) fn account(&self, of: impl FnOnce() -> AccountOf) -> Known<&Account> {
        if self.facts.account == Known::Unknown {
            self.want(|| Question::Account(of()));
        }
        self.known_account()
    }

    /// The account, where it was asked for before.
    pub(crate) fn known_account(&self) -> Known<&Account> {
        match &self.facts.account {
            Known::Value(account) => Known::Value(account),
            Known::Absent => Known::Absent,
            Known::Unknown => Known::Unknown,
        }
    }

    /// Whether a password holds; nothing where nobody said.
    pub(crate) fn password(&self, task: impl FnOnce() -> PasswordTask) -> Option<PasswordOutcome> {
        if self.asking.is_none() {
            return Some(task().run());
        }
        if self.password.is_none() {
            self.want(|| Question::Password(task()));
        }
        self.password.clone()
    }

    /// What becomes of the charges of a stage; nothing where the host was asked and didn't say, or is to be asked first.
    pub(crate) fn charge(&self, charges: &[Charge], now: Timestamp) -> Option<Reckoned> {
        let Some(asking) = &self.asking else { return Some(self.reckon(charges, now)) };
        if charges.iter().all(|charge| self.facts.buckets.contains_key(&charge.bucket)) {
            return Some(self.reckon(charges, now));
        }
        if let Some((_, outcomes)) = asking.charged.iter().find(|(asked, _)| asked == charges) {
            return outcomes.clone().map(|outcomes| Reckoned { outcomes, effects: Vec::new() });
        }
        asking.wanted.borrow_mut().push(Question::Charge(charges.to_vec()));
        None
    }

    /// On the states that the host told before.
    fn reckon(&self, charges: &[Charge], now: Timestamp) -> Reckoned {
        let stored = |bucket: &str| self.facts.buckets.get(bucket);
        let state = |bucket: &str| stored(bucket).map(|state| state.usage.clone());
        let StageResult { outcomes, writes } = charge_all(charges, now.as_microsecond(), Leasing::Off, state);
        let effect = |write: Write| {
            let id = charges.get(write.charge)?.bucket.clone();
            let read = stored(&id).map_or(0, |state| state.version);
            let state = BucketState { version: read.wrapping_add(1), usage: write.usage };
            let expires = Timestamp::from_microsecond(write.expires).unwrap_or(Timestamp::MAX);
            Some(Effect::Bucket { id, read, state, expires })
        };
        Reckoned { outcomes, effects: writes.into_iter().filter_map(effect).collect() }
    }

    pub(crate) fn want_body(&self, most: usize) {
        if self.body.is_none() {
            self.want(|| Question::Body { most });
        }
    }

    /// Notes that something is to be asked, once.
    fn want(&self, question: impl FnOnce() -> Question) {
        let Some(asking) = &self.asking else { return };
        let question = question();
        let mut wanted = asking.wanted.borrow_mut();
        if !asking.asked.contains(&question) && !wanted.contains(&question) {
            wanted.push(question);
        }
    }

    /// Forgets what was wanted for something else.
    pub(crate) fn start(&self) {
        if let Some(asking) = &self.asking {
            asking.wanted.borrow_mut().clear();
        }
    }

    /// What was wanted since the start; nothing where all is known that could be.
    pub(crate) fn wanted(&self) -> Result<(), Vec<Question>> {
        let wanted = self.asking.as_ref().map(|asking| asking.wanted.take()).unwrap_or_default();
        if wanted.is_empty() { Ok(()) } else { Err(wanted) }
    }

    /// The first of it: what comes after may not be needed once that is known.
    pub(crate) fn first_wanted(&self) -> Result<(), Vec<Question>> {
        self.wanted().map_err(|mut wanted| {
            wanted.truncate(1);
            wanted
        })
    }

    /// Remembers a question and what the host says to it. Silence, and an answer to another question, leave it open for
    /// good: it isn't asked twice.
    pub(crate) fn answer(&mut self, question: Question, answer: Option<Answer>) {
        let question = match (question, &mut self.asking) {
            (Question::Charge(charges), Some(asking)) => {
                let outcomes = match answer {
                    Some(Answer::Charged(outcomes)) if outcomes.len() == charges.len() => Some(outcomes),
                    _ => None,
                };
                asking.charged.push((charges, outcomes));
                return;
            }
            (question, _) => question,
        };
        let facts = self.facts.to_mut();
        match (&question, answer) {
            (Question::Context, Some(Answer::Context(context))) => facts.context = Some(context),
            (Question::Resource { kind, id }, Some(Answer::Resource(attributes))) => {
                facts.resources.insert(format!("{kind}/{id}"), attributes);
            }
            (Question::Body { .. }, Some(Answer::Body(body))) => self.body = Some(Cow::Owned(body)),
            (Question::KeySet { name, .. }, Some(Answer::KeySet(set))) => {
                facts.key_sets.insert(name.clone(), set);
            }
            (Question::Token { id, .. }, Some(Answer::Token(fact))) => {
                facts.tokens.insert(id.clone(), fact);
            }
            (Question::Account(_), Some(Answer::Account(account))) => {
                facts.account = account.map_or(Known::Absent, Known::Value);
            }
            (Question::Password(_), Some(Answer::Password(outcome))) => self.password = Some(outcome),
            _ => {}
        }
        if let Some(asking) = &mut self.asking {
            asking.asked.push(question);
        }
    }
}

impl MissingFacts for Lookup<'_> {
    fn context(&self) {
        if self.facts.context.is_none() {
            self.want(|| Question::Context);
        }
    }

    fn resource(&self, kind: &str, id: &str) {
        if self.asking.is_some() && !self.facts.resources.contains_key(&format!("{kind}/{id}")) {
            self.want(|| Question::Resource { kind: kind.to_owned(), id: id.to_owned() });
        }
    }
}
