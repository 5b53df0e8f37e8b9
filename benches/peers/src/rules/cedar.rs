//! Cedar: a policy a rule; and one policy, with the rules as data, in the two ways that it has for that.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};

use super::{CEDAR_RULES, Question, Rule, rules};
use crate::harness::contest::{Contest, load};

const TAGS: &str = "permit(principal, action, resource)
  when { principal.hasTag(resource.name) && principal.getTag(resource.name).contains(action) };";
const SET: &str = "permit(principal, action, resource) when { principal.may.contains(action) };";

pub(super) fn enter<'q>(contest: &mut Contest<'q>, size: usize, questions: &'q [Question]) -> Result<(), String> {
    let (loaded, cost) = load(|| Ok((policies(&a_policy_a_rule(size))?, Entities::empty())));
    let requests = questions.iter().map(|question| request(question, &question.action));
    enter_one(contest, CEDAR_RULES, loaded, cost, requests)?;

    let (loaded, cost) = load(|| Ok((policies(TAGS)?, tagged(size)?)));
    let requests = questions.iter().map(|question| request(question, &question.action));
    enter_one(contest, "cedar, one policy over tags", loaded, cost, requests)?;

    let (loaded, cost) = load(|| Ok((policies(SET)?, with_sets(size)?)));
    let requests = questions.iter().map(|question| request(question, &permission(&question.kind, &question.action)));
    enter_one(contest, "cedar, one policy over sets", loaded, cost, requests)
}

fn enter_one<'q>(
    contest: &mut Contest<'q>,
    style: &str,
    loaded: Result<(PolicySet, Entities), String>,
    cost: crate::harness::contest::Load,
    requests: impl Iterator<Item = Result<Request, String>>,
) -> Result<(), String> {
    let (policies, entities) = loaded?;
    let requests = requests.collect::<Result<Vec<_>, _>>()?;
    let authorizer = Authorizer::new();
    contest.enter(style, Some(cost), move |number| {
        authorizer.is_authorized(&requests[number], &policies, &entities).decision() == Decision::Allow
    });
    Ok(())
}

fn a_policy_a_rule(size: usize) -> String {
    let mut text = String::new();
    for Rule { role, kind, action } in rules(size) {
        let _ = writeln!(
            text,
            "permit(principal == Role::\"{role}\", action == Action::\"{action}\", resource == Type::\"{kind}\");"
        );
    }
    text
}

/// A role has a tag a type, which holds the actions.
fn tagged(size: usize) -> Result<Entities, String> {
    let mut entities = Vec::new();
    for Rule { role, kind, action } in rules(size) {
        let actions = RestrictedExpression::new_set([RestrictedExpression::new_entity_uid(uid("Action", &action)?)]);
        let role = Entity::new_with_tags(uid("Role", &role)?, [], [], [(kind, actions)]).map_err(told)?;
        entities.push(role);
    }
    for kind in rules(size).map(|rule| rule.kind).collect::<HashSet<_>>() {
        let name = HashMap::from([("name".to_owned(), RestrictedExpression::new_string(kind.clone()))]);
        entities.push(Entity::new(uid("Type", &kind)?, name, HashSet::new()).map_err(told)?);
    }
    Entities::from_entities(entities, None).map_err(told)
}

/// A role has a set of actions, each of which is of one type.
fn with_sets(size: usize) -> Result<Entities, String> {
    let entities = rules(size).map(|Rule { role, kind, action }| {
        let action = uid("Action", &permission(&kind, &action))?;
        let may = RestrictedExpression::new_set([RestrictedExpression::new_entity_uid(action)]);
        Entity::new(uid("Role", &role)?, HashMap::from([("may".to_owned(), may)]), HashSet::new()).map_err(told)
    });
    Entities::from_entities(entities.collect::<Result<Vec<_>, _>>()?, None).map_err(told)
}

fn permission(kind: &str, action: &str) -> String {
    format!("{kind}:{action}")
}

fn request(question: &Question, action: &str) -> Result<Request, String> {
    let (role, kind) = (uid("Role", &question.role)?, uid("Type", &question.kind)?);
    Request::new(role, uid("Action", action)?, kind, Context::empty(), None).map_err(told)
}

fn policies(text: &str) -> Result<PolicySet, String> {
    PolicySet::from_str(text).map_err(told)
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    Ok(EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind).map_err(told)?, EntityId::new(id)))
}

fn told(error: impl std::fmt::Display) -> String {
    format!("cedar: {error}")
}
