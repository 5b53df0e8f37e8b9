//! A random policy and a random scene, decided by the library and by the second reading of the language's page.
#![no_main]
// The reference is a test's: it may panic, and not all of it is used here.
#![allow(dead_code)]

#[path = "../../tests/reference/caller.rs"]
mod caller;
#[path = "../../tests/reference/choices.rs"]
mod choices;
#[path = "../../tests/reference/doors.rs"]
mod doors;
#[path = "../../tests/reference/engine.rs"]
mod engine;
#[path = "../../tests/reference/eval.rs"]
mod eval;
#[path = "../../tests/support/exchange.rs"]
mod exchange;
#[path = "../../tests/reference/generate/mod.rs"]
mod generate;
#[path = "../../tests/reference/input.rs"]
mod input;
#[path = "../../tests/reference/operators.rs"]
mod operators;
#[path = "../../tests/reference/policy.rs"]
mod policy;
#[path = "../../tests/reference/rules.rs"]
mod rules;
#[path = "../../tests/reference/scene.rs"]
mod scene;
#[path = "../../tests/reference/value.rs"]
mod value;

use choices::Choices;
use engine::Engine;

/// The number of choices that make a scene; the others make the policy.
const SCENE: usize = 100;

libfuzzer_sys::fuzz_target!(|choices: Vec<u32>| {
    let (scene, policy) = choices.split_at(choices.len().min(SCENE));
    let model = generate::policy(&mut Choices::new(policy));
    let Ok(library) = Engine::compile(&model.text) else { return };
    let scene = generate::scene(&mut Choices::new(scene), &model);
    let expected = policy::Reference::new(&model.text).answer(&scene);
    assert_eq!(library.answer(&scene), expected, "\n{}\n{}", model.text, serde_json::to_string(&scene).unwrap());
});
