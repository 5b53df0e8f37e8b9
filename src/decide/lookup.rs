//! Facts from the host: those that came with the request, and answers to questions.

use std::borrow::Cow;
use std::cell::RefCell;

use jiff::Timestamp;

use crate::eval::context::MissingFacts;
use crate::keys::KeySet;
use crate::limit::bucket::BucketState;
use crate::limit::{Charge, Leasing, Outcome, StageResult, Write, charge_all};
use crate::model::value::Known;
use crate::password::{PasswordOutcome, PasswordTask};
use crate::protocol::account::{Account, AccountQuery, TokenFact};
use crate::protocol::decision::Effect;
use crate::protocol::facts::{Facts, Record, ResourceKey};
use crate::protocol::question::{Answer, Question};
use crate::protocol::request::Request;
use crate::typed;

/// The facts that are known so far.
pub(crate) struct Lookup<'r> {
    facts: Cow<'r, Facts>,
    body: Option<Cow<'r, [u8]>>,
    password: Option<PasswordOutcome>,
    /// The questions, if the host can be asked. Otherwise, missing facts stay unknown.
    asking: Option<Asking>,
}

/// The questions that were asked, and those that are to be asked next.
#[derive(Default)]
struct Asking {
    asked: Vec<Question>,
    /// The outcomes of charges, by the index of the question in `asked`.
    charged: Vec<(usize, Vec<Outcome>)>,
    wanted: RefCell<Vec<Question>>,
}

/// The outcomes of charges, and the effects that record them.
pub(crate) struct ChargeResults {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) effects: Vec<Effect>,
}

impl<'r> Lookup<'r> {
    /// Looks up the request's facts only.
    pub(crate) fn of(request: &Request<'r>) -> Self {
        Self {
            facts: Cow::Borrowed(request.facts),
            body: request.body.map(Cow::Borrowed),
            password: None,
            asking: None,
        }
    }

    /// Asks the host for facts that the request lacks.
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

    /// The recorder of missing facts for evaluation, if the host can be asked.
    pub(crate) fn if_asking(&self) -> Option<&dyn MissingFacts> {
        self.asking.is_some().then_some(self as &dyn MissingFacts)
    }

    pub(crate) fn context(&self) -> Option<&Record> {
        self.facts.context.as_ref()
    }

    /// The context, for the decision.
    pub(crate) fn into_context(self) -> Option<Cow<'r, Record>> {
        match self.facts {
            Cow::Borrowed(facts) => facts.context.as_ref().map(Cow::Borrowed),
            Cow::Owned(facts) => facts.context.map(Cow::Owned),
        }
    }

    /// The attributes of a resource; `None` if it doesn't exist, or nothing is known of it.
    pub(crate) fn resource(&self, kind: &str, id: &str) -> Option<&Record> {
        self.facts.resource(kind, id).value()
    }

    pub(crate) fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// The key set of the request's facts, or else of the key ring.
    pub(crate) fn key_set<'s>(
        &'s self,
        set: &typed::KeySet,
        bound: Option<&'s KeySet>,
        key_id: impl FnOnce() -> Option<String>,
    ) -> Option<&'s KeySet> {
        let known = self.facts.key_set(&set.name).or(bound);
        if known.is_none() {
            let (name, url) = (set.name.clone(), set.jwks.clone());
            self.want(|| Question::KeySet { name, url, key_id: key_id() });
        }
        known
    }

    /// The fact about a token.
    pub(crate) fn token(&self, kind: &str, id: &str) -> Known<&TokenFact> {
        let known = self.facts.token(id);
        if known == Known::Unknown {
            self.want(|| Question::Token { kind: kind.to_owned(), id: id.to_owned() });
        }
        known
    }

    /// The account that is logged in to, or that a token speaks of.
    pub(crate) fn account(&self, of: impl FnOnce() -> AccountQuery) -> Known<&Account> {
        if self.facts.account == Known::Unknown {
            self.want(|| Question::Account(of()));
        }
        self.known_account()
    }

    /// The account, if it was looked up before.
    pub(crate) fn known_account(&self) -> Known<&Account> {
        self.facts.account()
    }

    /// The outcome of a password task; `None` if unknown.
    pub(crate) fn password(&self, task: impl FnOnce() -> PasswordTask) -> Option<PasswordOutcome> {
        if self.asking.is_none() {
            return Some(task().run());
        }
        if self.password.is_none() {
            self.want(|| Question::Password(task()));
        }
        self.password.clone()
    }

    /// The results of a stage's charges; `None` if unknown.
    pub(crate) fn charge(&self, charges: &[Charge], now: Timestamp) -> Option<ChargeResults> {
        let Some(asking) = &self.asking else { return Some(self.charge_stored(charges, now)) };
        if charges.iter().all(|charge| self.facts.buckets.contains_key(&charge.bucket)) {
            return Some(self.charge_stored(charges, now));
        }
        let is_same =
            |index: usize| matches!(asking.asked.get(index), Some(Question::Charge(asked)) if asked == charges);
        if let Some((_, outcomes)) = asking.charged.iter().find(|(index, _)| is_same(*index)) {
            return Some(ChargeResults { outcomes: outcomes.clone(), effects: Vec::new() });
        }
        self.want(|| Question::Charge(charges.to_vec()));
        None
    }

    /// Charges the states that came with the request.
    fn charge_stored(&self, charges: &[Charge], now: Timestamp) -> ChargeResults {
        let stored = |bucket: &str| self.facts.bucket(bucket);
        let state = |bucket: &str| stored(bucket).map(|state| state.usage.clone());
        let StageResult { outcomes, writes } = charge_all(charges, now.as_microsecond(), Leasing::Off, state);
        let effect = |write: Write| {
            let id = charges.get(write.charge)?.bucket.clone();
            let read = stored(&id).map_or(0, |state| state.version);
            let state = BucketState { version: read.wrapping_add(1), usage: write.usage };
            let expires = Timestamp::from_microsecond(write.expires).unwrap_or(Timestamp::MAX);
            Some(Effect::Bucket { id, read, state, expires })
        };
        ChargeResults { outcomes, effects: writes.into_iter().filter_map(effect).collect() }
    }

    pub(crate) fn want_body(&self, max: usize) {
        if self.body.is_none() {
            self.want(|| Question::Body { max });
        }
    }

    /// Adds a question that wasn't asked before.
    fn want(&self, question: impl FnOnce() -> Question) {
        let Some(asking) = &self.asking else { return };
        let question = question();
        let mut wanted = asking.wanted.borrow_mut();
        if !asking.asked.contains(&question) && !wanted.contains(&question) {
            wanted.push(question);
        }
    }

    /// Runs a step that looks facts up. Returns its result, or the questions to answer before it is run again.
    pub(crate) fn asking_for<T>(&self, step: impl FnOnce() -> T) -> Result<T, Vec<Question>> {
        if self.asking.is_none() {
            return Ok(step());
        }
        let (result, questions) = self.with_questions(step);
        if questions.is_empty() { Ok(result) } else { Err(questions) }
    }

    /// Runs a step that looks facts up. Returns its result, and the questions whose answers may change it.
    pub(crate) fn with_questions<T>(&self, step: impl FnOnce() -> T) -> (T, Vec<Question>) {
        let Some(Asking { wanted, .. }) = &self.asking else { return (step(), Vec::new()) };
        wanted.borrow_mut().clear();
        let result = step();
        (result, wanted.take())
    }

    /// Records a question and its answer. A question without an answer isn't asked again: its facts stay unknown.
    pub(crate) fn answer(&mut self, question: Question, answer: Option<Answer>) {
        match (&question, answer) {
            (Question::Context, Some(Answer::Context(context))) => self.facts.to_mut().context = Some(context),
            (Question::Resource { kind, id }, Some(Answer::Resource(attributes))) => {
                self.facts.to_mut().resources.insert(ResourceKey { kind: kind.clone(), id: id.clone() }, attributes);
            }
            (Question::Charge(charges), Some(Answer::Charge(outcomes))) => {
                if let Some(asking) = &mut self.asking
                    && outcomes.len() == charges.len()
                {
                    asking.charged.push((asking.asked.len(), outcomes));
                }
            }
            (Question::Body { .. }, Some(Answer::Body(body))) => self.body = Some(Cow::Owned(body)),
            (Question::KeySet { name, .. }, Some(Answer::KeySet(set))) => {
                self.facts.to_mut().key_sets.insert(name.clone(), set);
            }
            (Question::Token { id, .. }, Some(Answer::Token(fact))) => {
                self.facts.to_mut().tokens.insert(id.clone(), fact);
            }
            (Question::Account(_), Some(Answer::Account(account))) => self.facts.to_mut().account = account.into(),
            (Question::Password(_), Some(Answer::Password(outcome))) => self.password = Some(outcome),
            // Answers are checked against their questions before (`PendingQuestion::check`, `protocol::host::answer`).
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
        if self.asking.is_some() && self.facts.resource(kind, id) == Known::Unknown {
            self.want(|| Question::Resource { kind: kind.to_owned(), id: id.to_owned() });
        }
    }
}
