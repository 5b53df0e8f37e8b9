//! Checks over fields: their evaluation, and their violations.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::cell::RefCell;

use serde_json::{Map, Value as Json, json};

use crate::collections::table::Table;
use crate::model::value::Value;
use crate::protocol::decision::Violation;
use crate::schemas::validate::{Encoding, validate};
use crate::typed::schemas::{Check, Field, InputType, ListRules, NumberRules, Shape};
use crate::typed::{Attribute, Expr, Type};

fn rule(message: Option<&str>, reads: &[&str]) -> Check {
    Check {
        expr: Expr::Constant(Value::Bool(true)),
        message: message.map(ToOwned::to_owned),
        reads: reads.iter().map(|&name| Attribute { name: name.to_owned(), ty: Type::Int, optional: true }).collect(),
    }
}

fn field(name: &str, optional: bool, ty: InputType) -> Field {
    Field { name: name.to_owned(), optional, default: None, default_span: None, secret: false, ty }
}

fn int() -> InputType {
    InputType::Int(NumberRules { min: None, max: None, multiple_of: None })
}

/// `{ from: int, to?: int, check …, check … }`
fn range() -> Shape {
    Shape {
        fields: vec![field("from", false, int()), field("to", true, int())],
        checks: vec![rule(Some("From is after to"), &["from", "to"]), rule(None, &[])],
        ..Shape::default()
    }
}

/// The result of a validation, and the messages of the evaluated checks. The first check is `from <= to`, the second
/// `from < 10`.
fn outcome(shape: &Shape, input: &Json) -> (Result<Json, Vec<String>>, Vec<String>) {
    let asked = RefCell::new(Vec::new());
    let one = |check: &Check, fields: &Map<String, Json>| {
        asked.borrow_mut().push(check.message.clone().unwrap_or_default());
        let number = |name: &str| fields.get(name).and_then(Json::as_i64);
        if check.message.is_some() {
            number("to").is_none_or(|to| number("from").unwrap() <= to)
        } else {
            number("from") < Some(10)
        }
    };
    let holds = |checks: &[&Check], fields: &Map<String, Json>| checks.iter().map(|check| one(check, fields)).collect();
    let validated = validate(&Table::new(), shape, input, Encoding::Json, &holds);
    let result = validated.map(|validated| validated.value).map_err(|violations| {
        let line = |violation: &Violation| format!("{} {} {}", violation.pointer, violation.code, violation.message);
        violations.list.iter().map(line).collect()
    });
    (result, asked.into_inner())
}

#[test]
fn a_rule_is_asked_as_soon_as_its_fields_are_valid() {
    let both = vec!["From is after to".to_owned(), String::new()];
    let check = |input: Json, expected: Result<Json, &[&str]>, asked: &[String]| {
        let expected = expected.map_err(|told| told.iter().map(|&line| line.to_owned()).collect());
        assert_eq!(outcome(&range(), &input), (expected, asked.to_vec()), "{input}");
    };
    check(json!({ "from": 1, "to": 2.0 }), Ok(json!({ "from": 1, "to": 2 })), &both);
    check(json!({ "from": 1 }), Ok(json!({ "from": 1 })), &both);
    check(json!({ "from": 3, "to": 2 }), Err(&[" check From is after to"]), &both);
    check(
        json!({ "from": 13, "to": 2 }),
        Err(&[" check From is after to", " check doesn't satisfy a rule of the schema"]),
        &both,
    );
    // What is wrong elsewhere keeps no rule from being asked; a field that it reads does.
    check(
        json!({ "from": 3, "to": 2, "x": 1 }),
        Err(&["/x unknown_field isn't a known field", " check From is after to"]),
        &both,
    );
    check(json!({ "from": 3, "to": "2" }), Err(&["/to type must be an integer"]), &both[1..]);
}

#[test]
fn a_broken_rule_has_the_place_of_its_object() {
    let item = InputType::Record(Box::new(range()));
    let list = InputType::List(Box::new(ListRules { item, min: None, max: None, unique: false }));
    let shape = Shape { fields: vec![field("a", false, list)], ..Shape::default() };
    let (told, _) = outcome(&shape, &json!({ "a": [{ "from": 1 }, { "from": 2, "to": 1 }] }));
    assert_eq!(told, Err(vec!["/a/1 check From is after to".to_owned()]));
}

#[test]
fn a_member_whose_rule_is_broken_does_not_take_the_value() {
    let union = InputType::Union(vec![InputType::Record(Box::new(range())), InputType::Any]);
    let shape = Shape { fields: vec![field("a", false, union)], ..Shape::default() };
    let (told, _) = outcome(&shape, &json!({ "a": { "from": 2.0, "to": 1 } }));
    assert_eq!(told, Ok(json!({ "a": { "from": 2.0, "to": 1 } })));
}
