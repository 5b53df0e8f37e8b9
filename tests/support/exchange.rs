//! Requests, facts and decisions: tests and fuzz targets build them and read them here alone.
//!
//! This file needs no other file of the tests: the fuzz targets and the reference include it by its path.

use std::fmt::Debug;
use std::mem::take;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use portcullis::decision::{Body, Caller, Effect};
use portcullis::diagnostic::Span;
use portcullis::document::DecisionDocument;
use portcullis::facts::{Account, Record, TokenFact};
use portcullis::inquiry::{Answer, Question, Step};
use portcullis::keys::KeySet;
use portcullis::limit::BucketState;
use portcullis::limit::{Leasing, charge_all};
use portcullis::reason::Reason;
use portcullis::request::Scheme;
use portcullis::value::Known;
use portcullis::{Decision, Facts, Gate, Policy, Request, User, Verdict};
use serde_json::{Value, json};

/// The time of every request that has no other: 2026-11-23T10:00:00Z, in seconds.
pub(crate) const NOW: i64 = 1_795_428_000;

/// The random bytes of every request that has no others.
pub(crate) const ENTROPY: [u8; 32] = [1; 32];

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) fn at_microsecond(microsecond: i64) -> Timestamp {
    Timestamp::from_microsecond(microsecond).unwrap()
}

pub(crate) fn now() -> Timestamp {
    at(NOW)
}

/// A request that owns everything that [`Request`] borrows.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) scheme: Scheme,
    pub(crate) host: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) now: Timestamp,
    pub(crate) entropy: Option<[u8; 32]>,
    pub(crate) user: Option<User>,
    pub(crate) facts: Facts,
}

impl Call {
    /// A request over https without a body, from `203.0.113.9` at [`NOW`]. The line is a method and a target: `GET /path`.
    pub(crate) fn new(line: &str) -> Self {
        let (method, target) = line.split_once(' ').unwrap();
        Self {
            method: method.parse().unwrap(),
            target: target.to_owned(),
            scheme: Scheme::Https,
            host: None,
            headers: HeaderMap::new(),
            peer: Some([203, 0, 113, 9].into()),
            body: Some(Vec::new()),
            now: now(),
            entropy: Some(ENTROPY),
            user: None,
            facts: Facts::default(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn headers(self, headers: &[(&str, &str)]) -> Self {
        headers.iter().fold(self, |call, (name, value)| call.header(name, value))
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn body(self, media_type: &str, body: &str) -> Self {
        let call = if media_type.is_empty() { self } else { self.header("content-type", media_type) };
        Self { body: Some(body.as_bytes().to_vec()), ..call }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    pub(crate) fn user(self, user: Option<&User>) -> Self {
        Self { user: user.cloned(), ..self }
    }

    pub(crate) fn at(self, second: i64) -> Self {
        Self { now: at(second), ..self }
    }

    pub(crate) fn request(&self) -> Request<'_> {
        self.request_with(&self.facts)
    }

    /// The request with facts of a host that serves several requests.
    pub(crate) fn request_with<'r>(&'r self, facts: &'r Facts) -> Request<'r> {
        self.request_of(self.body.as_deref(), facts)
    }

    fn request_of<'r>(&'r self, body: Option<&'r [u8]>, facts: &'r Facts) -> Request<'r> {
        let request = Request::new(&self.method, &self.target, self.now);
        let mut request = request.scheme(self.scheme).headers(&self.headers).facts(facts);
        request.host = self.host.as_deref();
        request.peer = self.peer;
        request.body = body;
        request.entropy = self.entropy.as_ref();
        request.user = self.user.as_ref();
        request
    }

    /// Decides the request twice: with all facts given beforehand, and by questions and answers. Both decisions must be
    /// equal.
    #[track_caller]
    pub(crate) fn decide<'g>(&self, gate: &'g Gate, facts: &Facts) -> Decision<'g, 'static> {
        self.decide_and_questions(gate, facts).0
    }

    /// [`Call::decide`], and the questions in the order in which they were asked.
    #[track_caller]
    pub(crate) fn decide_and_questions<'g>(
        &self,
        gate: &'g Gate,
        facts: &Facts,
    ) -> (Decision<'g, 'static>, Vec<Vec<Question>>) {
        let decided = gate.decide(&self.request_with(facts)).into_owned();
        let body = self.body.as_deref().unwrap_or_default();
        let (asked, questions) = self.inquire(gate, |question| answer(question, facts, body, self.now));
        assert_eq!(parts(&decided), parts(&asked), "the facts given beforehand, and the answers to questions");
        (decided, questions)
    }

    /// Decides the request by questions and answers. No question may be asked twice.
    pub(crate) fn inquire<'g>(
        &self,
        gate: &'g Gate,
        mut answer: impl FnMut(&Question) -> Option<Answer>,
    ) -> (Decision<'g, 'static>, Vec<Vec<Question>>) {
        let nothing = Facts::default();
        let mut questions: Vec<Vec<Question>> = Vec::new();
        // A host knows from the connection that there is no body.
        let no_body = self.body.as_deref().filter(|body| body.is_empty());
        let mut step = match gate.inquire(&self.request_of(no_body, &nothing)) {
            Step::Decided(decision) => return (decision.into_owned(), questions),
            Step::Ask(inquiry) => inquiry,
        };
        loop {
            let round: Vec<Question> = step.questions().iter().map(|asked| asked.question.clone()).collect();
            assert!(!round.is_empty());
            for question in &round {
                assert!(!questions.iter().flatten().any(|known| known == question), "{question:?} is asked twice");
            }
            let asked = step.questions().iter();
            let answers: Vec<_> = asked.filter_map(|asked| Some((asked.id, answer(&asked.question)?))).collect();
            questions.push(round);
            step = match step.answer(answers).expect("each answer fits its question") {
                Step::Decided(decision) => return (decision, questions),
                Step::Ask(inquiry) => inquiry,
            };
        }
    }
}

/// All parts of a decision but its effects on buckets: a store that charges a bucket when it is asked writes it itself.
fn parts<'d>(decision: &'d Decision<'_, '_>) -> impl PartialEq + Debug + use<'d> {
    let effects: Vec<&Effect> =
        decision.effects().iter().filter(|effect| !matches!(effect, Effect::Bucket { .. })).collect();
    let headers: (Vec<_>, Vec<_>) = (decision.headers().collect(), decision.removed_headers().collect());
    let answer = (decision.verdict(), decision.status(), decision.body(), headers);
    let found = (decision.reasons().to_vec(), decision.notes().to_vec());
    (answer, found, decision.caller(), decision.input(), decision.target(), effects)
}

/// The answer of a host that knows these facts; `None` where they don't contain it.
pub(crate) fn answer(question: &Question, facts: &Facts, body: &[u8], now: Timestamp) -> Option<Answer> {
    match question {
        Question::Context => facts.context().cloned().map(Answer::Context),
        Question::Resource { kind, id } => {
            facts.resource(kind, id).supplied().map(|record| Answer::Resource(record.cloned()))
        }
        Question::Charge(charges) => {
            let usage = |id: &str| bucket(facts, id).map(|state| state.usage.clone());
            Some(Answer::Charge(charge_all(charges, now.as_microsecond(), Leasing::Off, usage).outcomes))
        }
        Question::Body { .. } => Some(Answer::Body(body.to_owned())),
        Question::KeySet { name, .. } => facts.key_set(name).cloned().map(Answer::KeySet),
        Question::Token { id, .. } => facts.token(id).supplied().map(|fact| Answer::Token(fact.cloned())),
        Question::Account(_) => facts.account().supplied().map(|account| Answer::Account(account.cloned())),
        Question::Password(task) => Some(Answer::Password(task.run())),
        _ => None,
    }
}

pub(crate) fn bucket<'f>(facts: &'f Facts, id: &str) -> Option<&'f BucketState> {
    facts.bucket(id)
}

pub(crate) fn put_bucket(facts: &mut Facts, id: &str, state: BucketState) {
    *facts = take(facts).with_bucket(id, state);
}

pub(crate) fn put_resources(facts: &mut Facts, resources: impl IntoIterator<Item = (String, Option<Record>)>) {
    *facts = resources.into_iter().fold(take(facts), |facts, (name, record)| {
        let (kind, id) = name.split_once('/').unwrap();
        facts.with_resource(kind, id, record)
    });
}

pub(crate) fn put_context(facts: &mut Facts, context: Option<Record>) {
    if let Some(context) = context {
        *facts = take(facts).with_context(context);
    }
}

pub(crate) fn put_key_set(facts: &mut Facts, name: &str, keys: KeySet) {
    *facts = take(facts).with_key_set(name, keys);
}

/// Puts an account into facts that have none yet, or another one.
pub(crate) fn put_account(facts: &mut Facts, account: Known<Account>) {
    match account.supplied() {
        Some(account) => *facts = take(facts).with_account(account),
        None => assert_eq!(facts.account(), Known::Unknown, "an account can't be taken away"),
    }
}

pub(crate) fn put_token(facts: &mut Facts, id: &str, fact: Option<TokenFact>) {
    *facts = take(facts).with_token(id, fact);
}

/// The version of a stored family of tokens; 0 where none is stored.
fn family_version(facts: &Facts, id: &str) -> u64 {
    match facts.token(id) {
        Known::Value(TokenFact::Family(stored)) => stored.version,
        _ => 0,
    }
}

/// True if a family was written after the facts of this decision were read.
pub(crate) fn is_stale(facts: &Facts, decision: &Decision<'_, '_>) -> bool {
    effects(decision).iter().any(|effect| match effect {
        Effect::Family { id, read, .. } => *read != family_version(facts, id),
        _ => false,
    })
}

/// Stores the buckets and families of a decision's effects, as JSON where a host stores JSON. Each must have the version
/// after the stored one.
#[track_caller]
pub(crate) fn record(facts: &mut Facts, decision: &Decision<'_, '_>) {
    assert!(!is_stale(facts, decision), "the version that was read is the one that is stored");
    for effect in effects(decision) {
        match effect {
            Effect::Bucket { id, read, state, .. } => {
                let known = bucket(facts, id).map_or(0, |known| known.version);
                assert_eq!((*read, state.version), (known, known.wrapping_add(1)));
                let stored: BucketState = serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
                assert_eq!(stored, *state);
                put_bucket(facts, id, stored);
            }
            Effect::Family { id, state, .. } => {
                assert!(state.version > family_version(facts, id));
                put_token(facts, id, Some(TokenFact::Family(state.clone())));
            }
            _ => {}
        }
    }
}

pub(crate) fn verdict(decision: &Decision<'_, '_>) -> Verdict {
    decision.verdict()
}

pub(crate) fn status(decision: &Decision<'_, '_>) -> u16 {
    decision.status().as_u16()
}

/// The first reason: the one that decided.
pub(crate) fn reason<'d, 'g>(decision: &'d Decision<'g, '_>) -> &'d Reason<'g> {
    decision.reasons().first().unwrap()
}

/// The status, and the code of the first reason.
pub(crate) fn code(decision: &Decision<'_, '_>) -> (u16, &'static str) {
    (status(decision), reason(decision).code.as_str())
}

pub(crate) fn notes<'d, 'g>(decision: &'d Decision<'g, '_>) -> &'d [Reason<'g>] {
    decision.notes()
}

/// The places in the policy that reasons and notes name.
pub(crate) fn spans(decision: &Decision<'_, '_>) -> Vec<Span> {
    decision.reasons().iter().chain(decision.notes()).filter_map(|reason| reason.span).collect()
}

pub(crate) fn caller<'d, 'g, 'r>(decision: &'d Decision<'g, 'r>) -> Option<&'d Caller<'g, 'r>> {
    decision.caller()
}

pub(crate) fn caller_id<'d>(decision: &'d Decision<'_, '_>) -> Option<&'d str> {
    decision.caller().map(Caller::id)
}

pub(crate) fn effects<'d>(decision: &'d Decision<'_, '_>) -> &'d [Effect] {
    decision.effects()
}

/// The values of all headers of a name.
pub(crate) fn headers(decision: &Decision<'_, '_>, name: &str) -> Vec<String> {
    let named = decision.headers().filter(|(known, _)| *known == name);
    named.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

pub(crate) fn header(decision: &Decision<'_, '_>, name: &str) -> Option<String> {
    headers(decision, name).into_iter().next()
}

/// The validated body; `None` where no schema validated one.
pub(crate) fn body_input<'d>(decision: &'d Decision<'_, '_>) -> Option<&'d Value> {
    decision.input().body.as_ref()
}

/// The validated query; `None` where no schema validated one.
pub(crate) fn query_input<'d>(decision: &'d Decision<'_, '_>) -> Option<&'d Value> {
    decision.input().query.as_ref()
}

pub(crate) fn masked_body(decision: &Decision<'_, '_>) -> Option<Value> {
    decision.input().masked_body()
}

pub(crate) fn masked_query(decision: &Decision<'_, '_>) -> Option<Value> {
    decision.input().masked_query()
}

pub(crate) fn target<'d>(decision: &'d Decision<'_, '_>) -> Option<&'d str> {
    decision.target()
}

/// The body of an answer as JSON; `null` where it has none.
pub(crate) fn answer_body(decision: &Decision<'_, '_>) -> Value {
    match decision.body() {
        Some(Body::Json(body)) => body.clone(),
        Some(Body::Problem(problem)) => serde_json::to_value(problem).unwrap(),
        None => json!(null),
    }
}

/// The decision document.
pub(crate) fn document(decision: &Decision<'_, '_>, policy: &Policy) -> Value {
    serde_json::to_value(DecisionDocument::new(decision, policy)).unwrap()
}
