//! Random policies and scenes, decided by the library and by the reference.

use std::cell::Cell;

use portcullis::diagnostic::Diagnostic;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::choices::Choices;
use crate::engine::Engine;
use crate::generate::{Model, policy, scene};
use crate::policy::Reference;
use crate::scene::{Outcome, Scene};

/// The largest number of scenes for each policy.
const SCENES: usize = 24;

#[derive(Default)]
struct Count {
    policies: Cell<usize>,
    refused: Cell<usize>,
    asked: Cell<usize>,
    allowed: Cell<usize>,
    first_refusal: Cell<Option<String>>,
}

/// Compares the library and the reference. `PROPTEST_CASES` is the number of policies.
#[test]
fn the_library_agrees_with_the_reference() {
    let count = Count::default();
    let choices = (vec(any::<u32>(), 0..1_200), vec(vec(any::<u32>(), 0..100), 1..=SCENES));
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() });
    let outcome = runner.run(&choices, |(policy_choices, scenes)| {
        let model = policy(&mut Choices::new(&policy_choices));
        add(&count.policies, 1);
        let engine = Engine::compile(&model.text);
        if let Err(diagnostics) = &engine {
            add(&count.refused, 1);
            let first = count.first_refusal.take().unwrap_or_else(|| refusal(&model.text, diagnostics));
            count.first_refusal.set(Some(first));
        }
        compare(engine.ok().as_ref(), &model, &scenes, &count)
    });
    // The shrunk numbers are no help to a reader.
    match outcome {
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(error @ TestError::Abort(_)) => panic!("{error}"),
        Ok(()) => {}
    }
    let (policies, refused) = (count.policies.get(), count.refused.get());
    let (asked, allowed) = (count.asked.get(), count.allowed.get());
    println!("{policies} policies, {refused} refused; {asked} scenes, {allowed} allowed");
    assert!(
        refused * 100 <= policies,
        "{refused} of {policies} policies were refused, such as\n{:?}",
        count.first_refusal.take()
    );
    assert!(allowed * 10 >= asked && allowed * 10 <= asked * 9, "{allowed} of {asked} were allowed");
}

fn compare(engine: Option<&Engine>, model: &Model, scenes: &[Vec<u32>], count: &Count) -> Result<(), TestCaseError> {
    let reference = Reference::new(&model.text);
    for numbers in scenes {
        let scene = scene(&mut Choices::new(numbers), model);
        let expected = reference.answer(&scene);
        let said = engine.map_or(expected, |engine| engine.answer(&scene));
        add(&count.asked, 1);
        add(&count.allowed, usize::from(expected == Outcome::Allow));
        if said != expected {
            return Err(TestCaseError::fail(mismatch(&model.text, &scene, said, expected)));
        }
    }
    Ok(())
}

fn mismatch(policy: &str, scene: &Scene, said: Outcome, expected: Outcome) -> String {
    let scene = serde_json::to_string(scene).unwrap();
    format!("\n{policy}\n{scene}\nthe library says {said:?}, the reference {expected:?}\n")
}

fn refusal(policy: &str, diagnostics: &[Diagnostic]) -> String {
    let told = diagnostics.iter().map(|it| format!("{}: {}", it.code, it.message));
    format!("{policy}\n{}", told.collect::<Vec<_>>().join("\n"))
}

fn add(cell: &Cell<usize>, more: usize) {
    cell.set(cell.get() + more);
}
