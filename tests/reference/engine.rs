//! The library, asked what the reference is asked.

use portcullis::{Diagnostic, Facts, Gate, Keys, Policy, Request, Scheme, Source, Verdict};

use crate::scene::{Outcome, Scene};

pub(crate) struct Engine {
    gate: Gate,
}

impl Engine {
    pub(crate) fn compile(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let policy = Policy::compile(&[Source::new("reference.gate", text)])?;
        let keys = Keys::new()
            .with_secret("FIRST_KEY", *b"for the tests alone: the first token's key")
            .with_secret("SECOND_KEY", *b"for the tests alone: the second token's key");
        Ok(Self { gate: policy.bind(&keys).unwrap() })
    }

    /// `None` where the library can't be asked yet.
    pub(crate) fn answer(&self, scene: &Scene) -> Option<Outcome> {
        scene.door().map(|_| self.decide(scene))
    }

    fn decide(&self, scene: &Scene) -> Outcome {
        let (method, path) = scene.door().unwrap();
        let user = scene.user();
        let mut facts = Facts::default();
        facts.resources = scene.resources.clone().into_iter().collect();
        facts.context.clone_from(&scene.context);
        let body = scene.body.as_ref().map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let mut headers = http::HeaderMap::new();
        if matches!(method, "POST" | "PUT") {
            headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        }
        let decision = self.gate.decide(&Request {
            method: &method.parse().unwrap(),
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
        });
        match decision.verdict {
            Verdict::Allow => Outcome::Allow,
            Verdict::Deny | Verdict::Answer => Outcome::Status(decision.status.as_u16()),
        }
    }
}
