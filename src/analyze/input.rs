//! Example input that passes a schema's rules.

use serde_json::Value as Json;

use crate::analyze::scenario::Scenario;
use crate::analyze::solver::regex;
use crate::analyze::solver::samples::uuid;
use crate::model::keywords::Format;
use crate::model::value::Value;
use crate::typed::schemas::{InputType, Shape, StringRules, StringTest};

/// Texts to try for a schema's rules.
pub(crate) fn example_texts(rules: &StringRules) -> Vec<String> {
    let mut texts: Vec<String> = [
        "x1",
        "x",
        "",
        "a@example.com",
        "https://example.com/",
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "203.0.113.1",
        "example.com",
    ]
    .map(ToOwned::to_owned)
    .into();
    for check in &rules.checks {
        match &check.test {
            StringTest::OneOf(values) => texts.extend(values.iter().cloned()),
            StringTest::MinLength(length) | StringTest::MinBytes(length) => {
                texts.extend(
                    usize::try_from(*length).ok().filter(|length| *length < 10_000).map(|length| "x".repeat(length)),
                );
            }
            StringTest::Format(Format::Uuid) => {
                texts.extend(if let Value::String(text) = uuid(1) { Some(text) } else { None })
            }
            StringTest::Matches(regex) => texts.extend(regex::sample(regex.as_str())),
            _ => {}
        }
    }
    texts
}

/// A value that passes the rules of a schema.
pub(crate) fn valid_value(scenario: &Scenario<'_>, rules: &InputType) -> Option<Json> {
    valid_at(scenario, rules, 0)
}

fn valid_at(scenario: &Scenario<'_>, rules: &InputType, depth: usize) -> Option<Json> {
    const DEEPEST: usize = 8;
    if depth > DEEPEST {
        return None;
    }
    let valid_value = |rules: &InputType| valid_at(scenario, rules, depth + 1);
    let valid_object = |shape: &Shape| {
        let needed = shape.fields.iter().filter(|field| !field.optional && field.default.is_none());
        let fields = needed.map(|field| Some((field.name.clone(), valid_value(&field.ty)?)));
        fields.collect::<Option<_>>().map(Json::Object)
    };
    let candidates: Vec<Json> = match rules {
        InputType::String(rules) => example_texts(rules).into_iter().map(Json::from).collect(),
        InputType::Int(rules) => [Some(0), rules.min, rules.max].into_iter().flatten().map(Json::from).collect(),
        InputType::Float(rules) => [Some(0.0), rules.min, rules.max].into_iter().flatten().map(Json::from).collect(),
        InputType::Bool => vec![Json::from(false)],
        InputType::Timestamp => vec![Json::from("2026-01-01T00:00:00Z")],
        InputType::Duration => vec![Json::from("1m")],
        InputType::Ip => vec![Json::from("203.0.113.1")],
        InputType::Cidr => vec![Json::from("203.0.113.0/24")],
        InputType::Any | InputType::Nullable(_) => vec![Json::Null],
        InputType::Enum(values) => values.first().map(|value| Json::from(value.as_str())).into_iter().collect(),
        InputType::List(rules) => {
            let item = valid_value(&rules.item);
            let length = usize::try_from(rules.min.unwrap_or(0)).ok().filter(|length| *length < 1_000)?;
            vec![Json::Array(item.into_iter().cycle().take(length).collect())]
        }
        InputType::Map(_) => vec![Json::Object(serde_json::Map::new())],
        InputType::Record(shape) => vec![valid_object(shape)?],
        InputType::Shape(shape) => vec![valid_object(&scenario.policy.shapes[*shape])?],
        InputType::Union(members) => members.iter().filter_map(valid_value).collect(),
        InputType::Tagged(_) => return None,
    };
    candidates.into_iter().find(|json| scenario.is_valid_json(rules, json))
}
