//! A host in small: it keeps what decisions tell it to, and asks them with that.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use portcullis::limit::{Leasing, charge_all};
use portcullis::{
    Answer, Body, Decision, Effect, Facts, Gate, Keys, Policy, Question, Request, Scheme, Source, Step, TokenFact,
};
use serde_json::{Value, json};

/// 2026-11-23T10:00:00Z
pub(crate) const NOW: i64 = 1_795_428_000;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A secret of its name's own.
pub(crate) fn secret(name: &str) -> String {
    format!("{name}, a secret of these tests alone: {name}").repeat(2)
}

#[track_caller]
pub(crate) fn gate(text: &str, keys: Keys) -> Gate {
    let policy = Policy::compile(&[Source::new("p.gate", text)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    policy.bind(&keys).unwrap_or_else(|error| panic!("{error}"))
}

/// One request of a test.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) peer: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    pub(crate) now: i64,
    pub(crate) entropy: [u8; 32],
}

impl Call {
    /// `GET /path`
    pub(crate) fn new(call: &str) -> Self {
        let (method, target) = call.split_once(' ').unwrap();
        Self {
            method: method.parse().unwrap(),
            target: target.to_owned(),
            headers: HeaderMap::new(),
            peer: Some("203.0.113.9"),
            body: Vec::new(),
            now: NOW,
            entropy: [7; 32],
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    pub(crate) fn at(self, now: i64) -> Self {
        Self { now, ..self }
    }

    /// Decided by what a host has looked up before, and once more by a host that says nothing before it is asked: both
    /// must come out alike.
    #[track_caller]
    pub(crate) fn decide<'g>(&self, gate: &'g Gate, facts: &Facts) -> Decision<'g, 'static> {
        let (decided, _) = self.both(gate, facts);
        decided
    }

    /// The same, and what was asked, question by question.
    #[track_caller]
    pub(crate) fn both<'g>(&self, gate: &'g Gate, facts: &Facts) -> (Decision<'g, 'static>, Vec<Vec<Question>>) {
        let decided = gate.decide(&self.request(Some(&self.body), facts)).into_owned();
        let (asked, questions) = self.inquire(gate, |question| answer(question, facts, &self.body, self.now));
        // A store that charges has written what it charged.
        let mut told = decided.clone();
        told.effects.retain(|effect| !matches!(effect, Effect::Bucket { .. }));
        assert_eq!(told, asked, "told before, and asked on the way");
        (decided, questions)
    }

    pub(crate) fn inquire<'g>(
        &self,
        gate: &'g Gate,
        mut answer: impl FnMut(&Question) -> Option<Answer>,
    ) -> (Decision<'g, 'static>, Vec<Vec<Question>>) {
        let nothing = Facts::default();
        let mut questions: Vec<Vec<Question>> = Vec::new();
        // Where there is no body, a host knows it from the connection.
        let unread = self.body.is_empty().then_some(self.body.as_slice());
        let mut step = match gate.inquire(&self.request(unread, &nothing)) {
            Step::Decided(decision) => return (decision.into_owned(), questions),
            Step::Ask(inquiry) => inquiry,
        };
        loop {
            let now: Vec<Question> = step.questions().iter().map(|asked| asked.question.clone()).collect();
            for question in &now {
                assert!(!questions.iter().flatten().any(|known| known == question), "{question:?} is asked twice");
            }
            let asked = step.questions().iter();
            let answers: Vec<_> = asked.filter_map(|asked| Some((asked.id, answer(&asked.question)?))).collect();
            questions.push(now);
            step = match step.answer(answers) {
                Step::Decided(decision) => return (decision, questions),
                Step::Ask(inquiry) => inquiry,
            };
        }
    }

    fn request<'r>(&'r self, body: Option<&'r [u8]>, facts: &'r Facts) -> Request<'r> {
        Request {
            method: &self.method,
            target: &self.target,
            scheme: Scheme::Https,
            host: Some("api.example.com"),
            headers: &self.headers,
            peer: self.peer.map(|peer| peer.parse().unwrap()),
            body,
            now: at(self.now),
            entropy: Some(&self.entropy),
            user: None,
            facts,
        }
    }
}

/// What a host answers that knows all of this.
pub(crate) fn answer(question: &Question, facts: &Facts, body: &[u8], now: i64) -> Option<Answer> {
    use portcullis::Known;
    match question {
        Question::Context => facts.context.clone().map(Answer::Context),
        Question::Resource { kind, id } => facts.resources.get(&format!("{kind}/{id}")).cloned().map(Answer::Resource),
        Question::Charge(charges) => {
            let usage = |bucket: &str| facts.buckets.get(bucket).map(|state| state.usage.clone());
            Some(Answer::Charged(charge_all(charges, now * 1_000_000, Leasing::Off, usage).outcomes))
        }
        Question::Body { .. } => Some(Answer::Body(body.to_owned())),
        Question::KeySet { name, .. } => facts.key_sets.get(name).cloned().map(Answer::KeySet),
        Question::Token { id, .. } => facts.tokens.get(id).cloned().map(Answer::Token),
        Question::Account(_) => match &facts.account {
            Known::Value(account) => Some(Answer::Account(Some(account.clone()))),
            Known::Absent => Some(Answer::Account(None)),
            Known::Unknown => None,
        },
        Question::Password(task) => Some(Answer::Password(task.run())),
        _ => None,
    }
}

/// Whether somebody else has written since what a decision was made from was read.
pub(crate) fn is_stale(facts: &Facts, decision: &Decision<'_, '_>) -> bool {
    decision.effects.iter().any(|effect| match effect {
        Effect::Family { id, read, .. } => *read != version(facts, id),
        _ => false,
    })
}

fn version(facts: &Facts, family: &str) -> u64 {
    match facts.tokens.get(family) {
        Some(Some(TokenFact::Family(stored))) => stored.version,
        _ => 0,
    }
}

/// Records what a decision tells a host to, as a host does that keeps versions.
#[track_caller]
pub(crate) fn record(facts: &mut Facts, decision: &Decision<'_, '_>) {
    assert!(!is_stale(facts, decision), "the version that was read is the one that is stored");
    for effect in &decision.effects {
        match effect {
            Effect::Bucket { id, state, .. } => drop(facts.buckets.insert(id.clone(), state.clone())),
            Effect::Family { id, state, .. } => {
                assert!(state.version > version(facts, id));
                facts.tokens.insert(id.clone(), Some(TokenFact::Family(state.clone())));
            }
            _ => {}
        }
    }
}

/// What an answer holds.
pub(crate) fn body(decision: &Decision<'_, '_>) -> Value {
    match &decision.body {
        Some(Body::Json(body)) => body.clone(),
        Some(Body::Problem(problem)) => serde_json::to_value(problem).unwrap(),
        None => json!(null),
    }
}

pub(crate) fn code(decision: &Decision<'_, '_>) -> (u16, &'static str) {
    (decision.status.as_u16(), decision.reasons[0].code.as_str())
}
