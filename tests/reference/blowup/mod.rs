//! Policies that make a decision diagram grow: each compiles, and decides as it is written.

mod pairs;
mod random;
mod wide;

use serde_json::{Map, Value, json};

use crate::engine::Engine;
use crate::scene::{Outcome, Scene};

/// Compiles a policy.
fn compiled(what: &str, text: &str) -> Engine {
    Engine::compile(text).unwrap_or_else(|errors| panic!("{what}: {:#?}", errors.first()))
}

/// The facts of a permission check or a request.
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

/// The outcome of a request.
fn passed(allowed: bool) -> Outcome {
    if allowed { Outcome::Allow } else { Outcome::Status(403) }
}

/// A deterministic random generator (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}
