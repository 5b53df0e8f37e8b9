//! The library, asked what the reference is asked.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portcullis::{
    Answer, Code, Decision, Diagnostic, Facts, Gate, Keys, PermissionId, Policy, Question, Request, Resource, Ruling,
    Scheme, Source, Step, Verdict,
};
use serde_json::json;

use crate::scene::{Outcome, Scene, Token};

pub(crate) struct Engine {
    gate: Gate,
}

impl Engine {
    pub(crate) fn compile(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let policy = Policy::compile(&[Source::new("reference.gate", text)])?;
        let keys = Keys::new().with_secret("FIRST_KEY", key("first")).with_secret("SECOND_KEY", key("second"));
        Ok(Self { gate: policy.bind(&keys).unwrap() })
    }

    pub(crate) fn answer(&self, scene: &Scene) -> Outcome {
        match scene.door() {
            Some((method, path)) => self.decide(scene, method, path),
            None => self.check(scene),
        }
    }

    /// The same request from a host that says nothing before it is asked.
    fn inquire<'r>(&self, request: &Request<'r>, facts: &Facts, body: &[u8]) -> Decision<'_, 'r> {
        let answer = |question: &Question| match question {
            Question::Context => facts.context.clone().map(Answer::Context),
            Question::Resource { kind, id } => {
                facts.resources.get(&format!("{kind}/{id}")).cloned().map(Answer::Resource)
            }
            Question::Body { .. } => Some(Answer::Body(body.to_owned())),
            other => panic!("{other:?}"),
        };
        let mut step = self.gate.inquire(request);
        let mut known = Vec::new();
        loop {
            step = match step {
                Step::Decided(decision) => return decision,
                Step::Ask(inquiry) => {
                    assert!(!inquiry.questions().is_empty());
                    for asked in inquiry.questions() {
                        assert!(!known.contains(&asked.question), "{:?} is asked twice", asked.question);
                        known.push(asked.question.clone());
                    }
                    let asked = inquiry.questions().iter();
                    let answers: Vec<_> =
                        asked.filter_map(|asked| Some((asked.id, answer(&asked.question)?))).collect();
                    inquiry.answer(answers)
                }
            };
        }
    }

    fn check(&self, scene: &Scene) -> Outcome {
        let policy = self.gate.policy();
        let user = scene.user();
        let asked = policy.scene(user.as_ref(), scene.context.as_ref(), scene.ip, scene.now());
        let permission = policy.permission(&scene.ask).unwrap();
        let resource = scene.resource.as_ref().map(Resource::of);
        let ruling = policy.check(&asked, permission, resource.as_ref());
        self.check_prepared(scene, asked, permission, ruling);
        if ruling.is_allowed() { Outcome::Allow } else { Outcome::Deny }
    }

    /// What was looked at beforehand says the same, and there is always a reason.
    fn check_prepared(&self, scene: &Scene, asked: portcullis::Scene<'_>, permission: PermissionId, ruling: Ruling) {
        let policy = self.gate.policy();
        let (kind, _) = scene.ask.split_once(':').unwrap();
        let resource = scene.resource.as_ref().map(|record| policy.resource(kind, record).unwrap());
        let asked = policy.prepare(asked);
        assert_eq!(policy.check(&asked, permission, resource.as_ref()), ruling, "{}", scene.ask);
        let reasons = policy.explain(&asked, permission, resource.as_ref());
        assert_eq!(reasons.first().map(|reason| reason.code == Code::Allowed), Some(ruling.is_allowed()));
    }

    fn decide(&self, scene: &Scene, method: &str, path: &str) -> Outcome {
        let user = scene.user();
        let mut facts = Facts::default();
        facts.resources = scene.resources.clone().into_iter().collect();
        facts.context.clone_from(&scene.context);
        let body = scene.body.as_ref().map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let mut headers = http::HeaderMap::new();
        if matches!(method, "POST" | "PUT") {
            headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        }
        if let Some(token) = &scene.token {
            let bearer = format!("Bearer {}", sign(token, scene.now().as_second()));
            headers.insert(http::header::AUTHORIZATION, bearer.parse().unwrap());
        }
        let method = method.parse().unwrap();
        let request = Request {
            method: &method,
            target: path,
            scheme: Scheme::Https,
            host: Some("api.example.com"),
            headers: &headers,
            peer: scene.ip,
            body: Some(&body),
            now: scene.now(),
            entropy: None,
            user: user.as_ref(),
            facts: &facts,
        };
        let decision = self.gate.decide(&request);
        let nothing = Facts::default();
        let asked = self.inquire(&Request { body: None, facts: &nothing, ..request }, &facts, &body);
        assert_eq!(decision, asked, "asked on the way, or told before");
        match decision.verdict {
            Verdict::Allow => Outcome::Allow,
            Verdict::Deny | Verdict::Answer => Outcome::Status(decision.status.as_u16()),
        }
    }
}

/// The key of a kind of token.
fn key(kind: &str) -> Vec<u8> {
    format!("for the tests alone: the key of {kind} tokens").into_bytes()
}

fn sign(token: &Token, now: i64) -> String {
    let mut claims = token.claims.clone();
    for (name, value) in
        [("iss", json!(token.kind)), ("aud", json!("api")), ("iat", json!(now)), ("exp", json!(now + 900))]
    {
        claims.insert(name.to_owned(), value);
    }
    let key = EncodingKey::from_secret(&key(&token.kind)).unwrap();
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}
