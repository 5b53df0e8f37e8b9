//! regorus, compiled for its virtual machine.

use regorus::{Engine, Value};
use serde_json::json;

use super::Question;
use crate::engines::vm;
use crate::harness::contest::{Contest, load};

const POLICY: &str = include_str!("../../policies/documents.rego");

pub(super) fn enter<'q>(contest: &mut Contest<'q>, questions: &'q [Question]) -> Result<(), String> {
    let (machine, load) = load(|| {
        let mut engine = Engine::new();
        engine.add_policy("documents.rego".to_owned(), POLICY.to_owned()).map_err(|error| error.to_string())?;
        vm(engine, Value::new_object(), "data.documents.allow")
    });
    let mut machine = machine?;
    let inputs = questions.iter().map(input).collect::<Result<Vec<_>, _>>()?;
    contest.enter("regorus VM", Some(load), move |number| machine.allows(&inputs[number]));
    Ok(())
}

/// Flat, as a path of two steps takes longer than one.
fn input(question: &Question) -> Result<Value, String> {
    let input = json!({
        "action": question.action,
        "role": question.role,
        "user": question.user,
        "department": question.department,
        "owner": question.owner,
        "document_department": question.document_department,
        "status": question.status,
        "classification": question.classification,
        "mfa": question.mfa,
        "hour": question.hour,
        "risk": question.risk,
    });
    Value::from_json_str(&input.to_string()).map_err(|error| error.to_string())
}
