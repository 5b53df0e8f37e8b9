//! The library behind the interface of the reference.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portcullis::diagnostic::Diagnostic;
use portcullis::inquiry::Question;
use portcullis::permission::{PermissionId, Resource, Ruling, SceneBuilder};
use portcullis::reason::Code;
use portcullis::{CompileError, Facts, Gate, Keys, Policy, Source, Verdict};
use serde_json::json;

use crate::exchange::{Call, answer, put_context, put_resources, status, verdict};
use crate::scene::{Outcome, Scene, Token};

pub(crate) struct Engine {
    gate: Gate,
}

impl Engine {
    pub(crate) fn compile(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let policy = Policy::compile(&[Source::new("reference.gate", text)]).map_err(CompileError::into_diagnostics)?;
        let keys = Keys::new().with_secret("FIRST_KEY", key("first")).with_secret("SECOND_KEY", key("second"));
        Ok(Self { gate: policy.bind(&keys).unwrap() })
    }

    pub(crate) fn answer(&self, scene: &Scene) -> Outcome {
        match scene.door() {
            Some((method, path)) => self.decide(scene, method, path),
            None => self.check(scene),
        }
    }

    fn check(&self, scene: &Scene) -> Outcome {
        let policy = self.gate.policy();
        let user = scene.user();
        let asked = policy.scene(scene.now()).user(user.as_ref()).context(scene.context.as_ref());
        let asked = match scene.ip {
            Some(ip) => asked.client(ip),
            None => asked,
        };
        let permission = policy.permission(&scene.ask).unwrap();
        let resource = scene.resource.as_ref().map(Resource::of);
        let ruling = policy.check(&asked.clone().build(), permission, resource.as_ref());
        self.check_prepared(scene, asked, permission, ruling);
        if ruling.is_allowed() { Outcome::Allow } else { Outcome::Deny }
    }

    /// Asserts that a prepared scene gives the same ruling, and that there is a reason.
    fn check_prepared(&self, scene: &Scene, asked: SceneBuilder<'_, '_>, permission: PermissionId, ruling: Ruling) {
        let policy = self.gate.policy();
        let (kind, _) = scene.ask.split_once(':').unwrap();
        let resource = scene.resource.as_ref().map(|record| policy.resource(kind, record).unwrap());
        let asked = asked.prepare();
        assert_eq!(policy.check(&asked, permission, resource.as_ref()), ruling, "{}", scene.ask);
        let reasons = policy.explain(&asked, permission, resource.as_ref());
        assert_eq!(reasons.first().map(|reason| reason.code == Code::Allowed), Some(ruling.is_allowed()));
    }

    fn decide(&self, scene: &Scene, method: &str, path: &str) -> Outcome {
        let mut facts = Facts::default();
        put_resources(&mut facts, scene.resources.clone());
        put_context(&mut facts, scene.context.clone());
        let mut call = Call {
            host: Some("api.example.com".to_owned()),
            peer: scene.ip,
            now: scene.now(),
            entropy: None,
            user: scene.user(),
            ..Call::new(&format!("{method} {path}"))
        };
        let body = scene.body.as_ref().map_or_else(String::new, ToString::to_string);
        if matches!(method, "POST" | "PUT") {
            call = call.body("application/json", &body);
        }
        if let Some(token) = &scene.token {
            call = call.bearer(&sign(token, scene.now().as_second()));
        }
        let decision = self.gate.decide(&call.request_with(&facts)).into_owned();
        // The same request from a host that gives no facts beforehand, and hasn't read the body.
        let unread = Call { body: None, ..call };
        let (asked, _) = unread.inquire(&self.gate, |question| match question {
            Question::Context | Question::Resource { .. } | Question::Body { .. } => {
                answer(question, &facts, body.as_bytes(), unread.now)
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(decision, asked, "the facts given beforehand, and the answers to questions");
        match verdict(&decision) {
            Verdict::Allow => Outcome::Allow,
            Verdict::Deny | Verdict::Answer => Outcome::Status(status(&decision)),
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
