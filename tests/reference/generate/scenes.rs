//! Scenes for a generated policy: callers, facts and what is asked, right and wrong.

use serde_json::{Map, Value as Json, json};

use super::types::Attribute;
use super::{Model, Resource};
use crate::choices::Choices;
use crate::scene::Scene;

const IDS: [&str; 4] = ["u1", "u2", "red", "42"];

pub(crate) fn scene(choices: &mut Choices<'_>, model: &Model) -> Scene {
    let mut scene = Map::new();
    if model.doors.is_empty() || choices.chance(50) {
        permission(choices, model, &mut scene);
    } else {
        door(choices, model, &mut scene);
    }
    if !choices.chance(20) {
        let (kind, caller) = match scene.contains_key("resources") && choices.chance(30) {
            true => ("token", token(choices, model)),
            false => ("user", user(choices, model)),
        };
        scene.insert(kind.to_owned(), caller);
    }
    if !choices.chance(10) {
        scene.insert("context".to_owned(), record(choices, &model.context));
    }
    if !choices.chance(20) {
        let ip = *choices.one(&["10.0.0.1", "192.168.1.7", "203.0.113.9", "2001:db8::1", "::ffff:10.0.0.1", "::1"]);
        scene.insert("ip".to_owned(), json!(ip));
    }
    let now = *choices.one(&[
        "2026-11-23T10:00:00Z",
        "2026-11-23T09:45:00Z",
        "2026-11-23T10:00:00.5Z",
        "2026-11-24T10:00:00Z",
        "1970-01-01T00:00:00Z",
        "9999-12-30T12:00:00Z",
    ]);
    scene.insert("now".to_owned(), json!(now));
    Scene::read(Json::Object(scene))
}

fn permission(choices: &mut Choices<'_>, model: &Model, scene: &mut Map<String, Json>) {
    let resource = choices.one(&model.resources);
    scene.insert("ask".to_owned(), json!(format!("{}:{}", resource.name, choices.one(&resource.actions))));
    if !choices.chance(10) {
        let mut attributes = thing(choices, resource);
        if choices.chance(80) {
            attributes.insert("id".to_owned(), json!(choices.one(&IDS)));
        }
        scene.insert("resource".to_owned(), Json::Object(attributes));
    }
}

fn door(choices: &mut Choices<'_>, model: &Model, scene: &mut Map<String, Json>) {
    let door = choices.one(&model.doors);
    let id = *choices.one(&IDS);
    let rest = *choices.one(&["x", "one", "x/y"]);
    let number = *choices.one(&["42", "-1", "0"]);
    let mut path = door.path.replace("{id: int}", number).replace("{id}", id).replace("{*rest}", rest);
    match choices.below(20) {
        18 => path.push_str("/c"),
        19 => path.insert_str(0, "/c"),
        _ => {}
    }
    if door.query {
        let pairs = input(choices).into_iter().map(|(name, json)| match json {
            Json::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        });
        path = format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"));
    }
    let same_method = !choices.chance(10);
    if same_method && door.body {
        scene.insert("body".to_owned(), Json::Object(input(choices)));
    }
    let method = if same_method { door.method } else { *choices.one(&["GET", "HEAD", "PATCH"]) };
    scene.insert("ask".to_owned(), json!(format!("{method} {path}")));
    let mut resources = Map::new();
    let mine = door.on.as_ref().and_then(|on| model.resources.iter().find(|resource| resource.name == *on));
    for id in [id, number] {
        let Some(resource) = mine else { break };
        let attributes = match choices.below(12) {
            10 => continue,
            11 => Json::Null,
            _ => Json::Object(thing(choices, resource)),
        };
        resources.insert(format!("{}/{id}", resource.name), attributes);
    }
    scene.insert("resources".to_owned(), Json::Object(resources));
}

/// Mostly of the schema `Input`.
fn input(choices: &mut Choices<'_>) -> Map<String, Json> {
    let mut fields = Map::new();
    fields.insert("n".to_owned(), json!(choices.one(&[1, 0, -1, 5, 90])));
    fields.insert("flag".to_owned(), json!(choices.below(2) == 0));
    fields.insert("kind".to_owned(), json!(choices.one(&["draft", "published", "gone"])));
    if choices.chance(50) {
        fields.insert("s".to_owned(), json!(choices.one(&["u1", "red", "reddish"])));
    }
    match choices.below(12) {
        9 => drop(fields.shift_remove("n")),
        10 => drop(fields.insert("kind".to_owned(), json!("other"))),
        11 => drop(fields.insert("more".to_owned(), json!(1))),
        _ => {}
    }
    fields
}

fn thing(choices: &mut Choices<'_>, resource: &Resource) -> Map<String, Json> {
    match record(choices, &resource.attributes) {
        Json::Object(attributes) => attributes,
        _ => Map::new(),
    }
}

fn record(choices: &mut Choices<'_>, attributes: &[Attribute]) -> Json {
    let said = attributes.iter().filter_map(|it| Some((it.name.clone(), it.ty.said(choices)?)));
    Json::Object(said.collect())
}

/// Mostly with all the claims that its kind requires.
fn token(choices: &mut Choices<'_>, model: &Model) -> Json {
    let index = choices.below(model.mappings.len());
    let mut claims = Map::new();
    for claim in &model.claims[index] {
        let said = if choices.chance(10) { claim.ty.said(choices) } else { Some(claim.ty.json(choices)) };
        if !(claim.optional && choices.chance(30)) {
            claims.extend(said.filter(|json| !json.is_null()).map(|json| (claim.name.clone(), json)));
        }
    }
    claims.insert("sub".to_owned(), json!(choices.one(&["u1", "u2", "red"])));
    claims.insert("roles".to_owned(), json!(choices.some(&known_roles(model), 60)));
    claims.insert("scope".to_owned(), json!(choices.some(&known_scopes(model), 60).join(" ")));
    if choices.chance(50) {
        claims.insert("tier".to_owned(), json!(choices.one(&["free", "pro", "ghost"])));
    }
    json!({ "kind": (["first", "second"][index]), "claims": claims })
}

fn known_roles(model: &Model) -> Vec<String> {
    let mut known: Vec<String> = model.roles.iter().map(|role| role.replace('"', "")).collect();
    known.push("ghost".to_owned());
    known
}

fn known_scopes(model: &Model) -> Vec<String> {
    let mut known = model.scopes.clone();
    known.push("ghost".to_owned());
    known
}

fn user(choices: &mut Choices<'_>, model: &Model) -> Json {
    let mut user = match record(choices, &model.user) {
        Json::Object(attributes) => attributes,
        _ => Map::new(),
    };
    user.insert("id".to_owned(), json!(choices.one(&["u1", "u2", "red"])));
    if !choices.chance(10) {
        user.insert("roles".to_owned(), json!(choices.some(&known_roles(model), 60)));
    }
    if model.mappings.contains(&true) && choices.chance(50) {
        user.insert("scopes".to_owned(), json!(choices.some(&known_scopes(model), 60)));
    }
    if model.tiers && choices.chance(60) {
        user.insert("tier".to_owned(), json!(choices.one(&["free", "pro", "ghost"])));
    }
    Json::Object(user)
}
