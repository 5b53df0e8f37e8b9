//! A program in place of a policy: enumerations and a `match`.

use super::Question;
use crate::harness::contest::Contest;

#[derive(Clone, Copy, PartialEq)]
enum Action {
    Read,
    Create,
    Update,
    Publish,
    Delete,
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Viewer,
    Author,
    Editor,
    Admin,
}

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Draft,
    Published,
    Archived,
}

#[derive(Clone, Copy, PartialEq)]
enum Classification {
    Public,
    Internal,
    Secret,
}

struct Facts<'q> {
    action: Action,
    role: Role,
    status: Status,
    classification: Classification,
    asked: &'q Question,
}

pub(super) fn enter<'q>(contest: &mut Contest<'q>, questions: &'q [Question]) {
    let facts: Vec<Facts<'q>> = questions.iter().map(facts).collect();
    contest.enter("a match by hand", None, move |number| decide(&facts[number]));
}

/// The answer that all engines are held against.
pub(super) fn allows(question: &Question) -> bool {
    decide(&facts(question))
}

fn facts(question: &Question) -> Facts<'_> {
    let action = match question.action {
        "read" => Action::Read,
        "create" => Action::Create,
        "update" => Action::Update,
        "publish" => Action::Publish,
        _ => Action::Delete,
    };
    let role = match question.role {
        "viewer" => Role::Viewer,
        "author" => Role::Author,
        "editor" => Role::Editor,
        _ => Role::Admin,
    };
    let status = match question.status {
        "draft" => Status::Draft,
        "published" => Status::Published,
        _ => Status::Archived,
    };
    let classification = match question.classification {
        "public" => Classification::Public,
        "internal" => Classification::Internal,
        _ => Classification::Secret,
    };
    Facts { action, role, status, classification, asked: question }
}

fn decide(facts: &Facts<'_>) -> bool {
    !forbidden(facts) && granted(facts)
}

fn forbidden(facts: &Facts<'_>) -> bool {
    let asked = facts.asked;
    let guarded = matches!(facts.action, Action::Update | Action::Publish | Action::Delete);
    asked.risk >= 90
        || facts.status == Status::Archived && facts.action != Action::Read
        || facts.classification == Classification::Secret && !asked.mfa && guarded
        || facts.action == Action::Delete && !(6..22).contains(&asked.hour)
}

fn granted(facts: &Facts<'_>) -> bool {
    let asked = facts.asked;
    let own = || asked.owner == asked.user;
    let home = || asked.document_department == asked.department;
    let open = facts.status == Status::Published && facts.classification == Classification::Public;
    match (facts.role, facts.action) {
        (Role::Admin, _) => true,
        (Role::Viewer, action) => action == Action::Read && open,
        (_, Action::Create) => true,
        (role, Action::Read) => open || own() || role == Role::Editor && home(),
        (role, Action::Update) => own() || role == Role::Editor && home(),
        (role, Action::Publish) => role == Role::Editor && asked.mfa && home(),
        (_, Action::Delete) => facts.status == Status::Draft && own(),
    }
}
