//! Policies that are made to blow up a decision diagram: they compile, and decide as they are written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

#[path = "reference/caller.rs"]
mod caller;
#[allow(dead_code, reason = "the reference makes more choices")]
#[path = "reference/choices.rs"]
mod choices;
#[path = "reference/doors.rs"]
mod doors;
#[path = "reference/engine.rs"]
mod engine;
#[path = "reference/eval.rs"]
mod eval;
#[path = "reference/input.rs"]
mod input;
#[path = "reference/operators.rs"]
mod operators;
#[path = "blowup/pairs.rs"]
mod pairs;
#[path = "reference/policy.rs"]
mod policy;
#[path = "blowup/random.rs"]
mod random;
#[path = "reference/rules.rs"]
mod rules;
#[path = "reference/scene.rs"]
mod scene;
#[path = "reference/value.rs"]
mod value;
#[path = "blowup/wide.rs"]
mod wide;

use engine::Engine;
use scene::{Outcome, Scene};
use serde_json::{Map, Value, json};

/// Compiles a policy.
fn compiled(what: &str, text: &str) -> Engine {
    Engine::compile(text).unwrap_or_else(|errors| panic!("{what}: {:#?}", errors.first()))
}

/// What is known, to ask for a permission or at a door.
#[derive(Default)]
struct Facts {
    user: Option<Value>,
    context: Map<String, Value>,
    resource: Map<String, Value>,
}

impl Facts {
    fn set(&mut self, path: &str, value: Value) {
        let (part, name) = path.split_once('.').unwrap();
        let part = if part == "context" { &mut self.context } else { &mut self.resource };
        part.insert(name.to_owned(), value);
    }

    fn scene(&self, ask: &str) -> Scene {
        let user = self.user.clone().unwrap_or_else(|| json!({ "id": "mia" }));
        let common = json!({ "ask": ask, "user": user, "context": self.context });
        let Value::Object(mut scene) = common else { panic!("it is a map") };
        match ask.contains(' ') {
            true => scene.insert("resources".to_owned(), json!({ "docs/1": self.resource })),
            false => scene.insert("resource".to_owned(), json!(self.resource)),
        };
        Scene::read(Value::Object(scene))
    }
}

fn verdict(allowed: bool) -> Outcome {
    if allowed { Outcome::Allow } else { Outcome::Deny }
}

/// At a door.
fn passed(allowed: bool) -> Outcome {
    if allowed { Outcome::Allow } else { Outcome::Status(403) }
}

/// Numbers that are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}
