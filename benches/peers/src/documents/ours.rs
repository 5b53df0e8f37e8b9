//! Portcullis.

use jiff::Timestamp;
use portcullis::facts::Record;
use portcullis::permission::{Resource, Scene};
use portcullis::{Policy, Source, User};
use serde_json::{Value, json};

use super::{FROM_JSON, Question, US};
use crate::harness::contest::{Contest, load};

const POLICY: &str = include_str!("../../policies/documents.gate");

pub(super) fn enter<'q>(contest: &mut Contest<'q>, questions: &'q [Question]) -> Result<(), String> {
    let (policy, load) = load(|| Policy::compile(&[Source::new("documents.gate", POLICY)]));
    let policy = policy.map_err(|errors| format!("us: {errors}"))?;
    let permission = |question: &Question| policy.permission(&format!("documents:{}", question.action));
    let permissions: Option<Vec<_>> = questions.iter().map(permission).collect();
    let permissions = permissions.ok_or("us: a permission is missing")?;
    let users: Vec<User> = questions.iter().map(user).collect();
    let contexts: Vec<Record> = questions.iter().map(context).collect();
    let documents: Vec<Record> = questions.iter().map(document).collect();
    let prepare = |(user, context): (&User, &Record)| {
        policy.scene(Timestamp::UNIX_EPOCH).user(user).context(context).prepare().into_owned()
    };
    let scenes: Vec<Scene<'static>> = users.iter().zip(&contexts).map(prepare).collect();
    let prepared = documents.iter().map(|document| policy.resource("documents", document));
    let prepared: Vec<Resource<'static>> = prepared.collect::<Option<_>>().ok_or("us: there are no documents")?;
    let (shared, ids) = (policy.clone(), permissions.clone());
    contest.enter(US, Some(load), move |number| {
        shared.check(&scenes[number], ids[number], Some(&prepared[number])).is_allowed()
    });
    contest.enter(FROM_JSON, None, move |number| {
        let scene = policy.scene(Timestamp::UNIX_EPOCH).user(&users[number]).context(&contexts[number]).build();
        policy.check(&scene, permissions[number], Some(&Resource::of(&documents[number]))).is_allowed()
    });
    Ok(())
}

fn user(question: &Question) -> User {
    User {
        id: question.user.clone(),
        roles: Some(vec![question.role.to_owned()]),
        attributes: record(json!({ "department": question.department })),
        ..User::default()
    }
}

fn context(question: &Question) -> Record {
    record(json!({ "mfa": question.mfa, "hour": question.hour, "risk": question.risk }))
}

fn document(question: &Question) -> Record {
    record(json!({
        "id": "d_1",
        "owner": question.owner,
        "department": question.document_department,
        "status": question.status,
        "classification": question.classification,
    }))
}

fn record(value: Value) -> Record {
    match value {
        Value::Object(record) => record,
        _ => Record::default(),
    }
}
