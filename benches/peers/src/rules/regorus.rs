//! regorus, compiled for its virtual machine: a rule a rule, and one rule with the rules as data.

use std::fmt::Write;
use std::num::{NonZeroU32, NonZeroUsize};

use regorus::{Engine, PolicyLengthConfig, Value};
use serde_json::{Map, json};

use super::{Question, Rule, rules};
use crate::engines::vm;
use crate::harness::contest::{Contest, load};

const DATA: &str = "package rules
import rego.v1
default allow := false
allow if data.grants[input.role][input.type][input.action]";

pub(super) fn enter<'q>(contest: &mut Contest<'q>, size: usize, questions: &'q [Question]) -> Result<(), String> {
    let (loaded, cost) = load(|| {
        let data = Value::from_json_str(&grants(size)).map_err(told)?;
        vm(engine(DATA)?, data, "data.rules.allow")
    });
    let (mut machine, inputs) = (loaded?, inputs(questions)?);
    contest.enter("regorus VM, rules as data", Some(cost), move |number| machine.allows(&inputs[number]));

    let style = "regorus VM, a rule a rule";
    let (loaded, cost) = load(|| vm(engine(&a_rule_a_rule(size))?, Value::new_object(), "data.rules.allow"));
    match loaded {
        Ok(mut machine) => {
            let inputs = self::inputs(questions)?;
            contest.enter(style, Some(cost), move |number| machine.allows(&inputs[number]));
        }
        Err(reason) => contest.refuse(style, format!("refused: {reason}")),
    }
    Ok(())
}

/// Its limits are there to refuse hostile policies, and are raised.
fn engine(text: &str) -> Result<Engine, String> {
    let mut engine = Engine::new();
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: NonZeroU32::MAX,
        max_file_bytes: NonZeroUsize::MAX,
        max_lines: NonZeroUsize::MAX,
    });
    engine.add_policy("rules.rego".to_owned(), text.to_owned()).map_err(told)?;
    Ok(engine)
}

fn a_rule_a_rule(size: usize) -> String {
    let mut text = String::from("package rules\nimport rego.v1\ndefault allow := false\n");
    for Rule { role, kind, action } in rules(size) {
        let _ = writeln!(
            text,
            "allow if {{ input.role == \"{role}\"; input.type == \"{kind}\"; input.action == \"{action}\" }}"
        );
    }
    text
}

fn grants(size: usize) -> String {
    let roles = rules(size).map(|Rule { role, kind, action }| (role, json!({ kind: { action: true } })));
    json!({ "grants": roles.collect::<Map<_, _>>() }).to_string()
}

fn inputs(questions: &[Question]) -> Result<Vec<Value>, String> {
    let input = |question: &Question| {
        let Question { role, kind, action } = question;
        Value::from_json_str(&json!({ "role": role, "type": kind, "action": action }).to_string()).map_err(told)
    };
    questions.iter().map(input).collect()
}

fn told(error: impl std::fmt::Display) -> String {
    format!("regorus: {error}")
}
