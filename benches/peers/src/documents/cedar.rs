//! Cedar: a policy a rule, as its handbook has it, with the entities of all requests at hand.

use std::str::FromStr;

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use serde_json::{Value, json};

use super::{CEDAR, Question};
use crate::harness::contest::{Contest, load};

const POLICY: &str = include_str!("../../policies/documents.cedar");

pub(super) fn enter<'q>(contest: &mut Contest<'q>, questions: &'q [Question]) -> Result<(), String> {
    let (policies, load) = load(|| PolicySet::from_str(POLICY).map_err(told));
    let policies = policies?;
    // Of a document, attributes differ from question to question: each has a set of entities of its own.
    let prepared = questions.iter().map(|question| Ok((request(question)?, entities(question)?)));
    let prepared = prepared.collect::<Result<Vec<_>, String>>()?;
    let authorizer = Authorizer::new();
    contest.enter(CEDAR, Some(load), move |number| {
        let (request, entities) = &prepared[number];
        authorizer.is_authorized(request, &policies, entities).decision() == Decision::Allow
    });
    Ok(())
}

fn request(question: &Question) -> Result<Request, String> {
    let context = json!({ "mfa": question.mfa, "hour": question.hour, "risk": question.risk });
    let context = Context::from_json_value(context, None).map_err(told)?;
    let (user, action) = (uid("User", &question.user)?, uid("Action", question.action)?);
    Request::new(user, action, uid("Document", "d_1")?, context, None).map_err(told)
}

fn entities(question: &Question) -> Result<Entities, String> {
    let role = |name: &str, parents: Value| json!({ "uid": id("Role", name), "attrs": {}, "parents": parents });
    let user = json!({
        "uid": id("User", &question.user),
        "attrs": { "department": question.department },
        "parents": [id("Role", question.role)],
    });
    let document = json!({
        "uid": id("Document", "d_1"),
        "attrs": {
            "owner": { "__entity": id("User", &question.owner) },
            "department": question.document_department,
            "status": question.status,
            "classification": question.classification,
        },
        "parents": [],
    });
    let viewer = role("viewer", json!([]));
    let author = role("author", json!([id("Role", "viewer")]));
    let editor = role("editor", json!([id("Role", "author")]));
    let admin = role("admin", json!([]));
    Entities::from_json_value(json!([user, document, viewer, author, editor, admin]), None).map_err(told)
}

fn id(kind: &str, id: &str) -> Value {
    json!({ "type": kind, "id": id })
}

fn uid(kind: &str, name: &str) -> Result<EntityUid, String> {
    EntityUid::from_json(id(kind, name)).map_err(told)
}

fn told(error: impl std::fmt::Display) -> String {
    format!("cedar: {error}")
}
