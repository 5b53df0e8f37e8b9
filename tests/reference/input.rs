//! Validated input, as far as schemas of plain fields go: `int`, `string`, `bool` and enums, strict.

use std::collections::BTreeMap;

use portcullis::syntax::tree::{ClauseKind, ScalarType, SchemaEntry, SchemaType, SchemaTypeKind};
use serde_json::{Map, Value as Json};

use crate::policy::Reference;
use crate::scene::Scene;
use crate::value::Value;

type Fields = BTreeMap<String, Value>;

impl Reference {
    /// `None` where it violates its schema; empty where there is none. A query is text: what it says is read strictly.
    pub(crate) fn query(&self, clauses: &[&ClauseKind], scene: &Scene) -> Option<Fields> {
        let schema = clauses.iter().rev().find_map(|clause| match clause {
            ClauseKind::Query(name) => Some(name.node.as_str()),
            _ => None,
        });
        let Some(schema) = schema else { return Some(Fields::new()) };
        let text = scene.ask.split_once('?').map_or("", |(_, text)| text);
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let read = |pair: &str| {
            let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
            let ty = self.fields(schema).into_iter().find(|field| field.0 == name).map(|field| &field.2.kind);
            let json = match ty {
                Some(SchemaTypeKind::Scalar(ty)) if *ty != ScalarType::String => {
                    text.parse().unwrap_or_else(|_| text.into())
                }
                _ => Json::from(text),
            };
            (name.to_owned(), json)
        };
        self.conforming(schema, &pairs.map(read).collect())
    }

    pub(crate) fn body(&self, clauses: &[&ClauseKind], scene: &Scene) -> Option<Fields> {
        let schema = clauses.iter().rev().find_map(|clause| match clause {
            ClauseKind::Body(name) => Some(name.node.as_str()),
            _ => None,
        });
        let Some(schema) = schema else { return Some(Fields::new()) };
        self.conforming(schema, scene.body.as_ref()?.as_object()?)
    }

    fn conforming(&self, schema: &str, record: &Map<String, Json>) -> Option<Fields> {
        let declared = self.fields(schema);
        if record.keys().any(|key| !declared.iter().any(|(name, _, _)| name == key)) {
            return None;
        }
        let mut fields = Fields::new();
        for (name, optional, ty) in declared {
            match record.get(name) {
                Some(json) => drop(fields.insert(name.to_owned(), read(json, ty)?)),
                None if optional => {}
                None => return None,
            }
        }
        Some(fields)
    }

    fn fields(&self, schema: &str) -> Vec<(&str, bool, &SchemaType)> {
        let fields = self.schema(schema).unwrap().entries.iter().map(|entry| match entry {
            SchemaEntry::Field(field) => (field.name.node.as_str(), field.optional, &field.ty),
            SchemaEntry::Check(..) | SchemaEntry::Accepts(_) => panic!("the reference reads plain fields only"),
        });
        fields.collect()
    }
}

fn read(json: &Json, ty: &SchemaType) -> Option<Value> {
    assert!(ty.facets.is_empty(), "the reference knows no facets");
    match (&ty.kind, json) {
        (SchemaTypeKind::Enum(names), Json::String(text)) => {
            names.iter().any(|name| name.node == *text).then(|| Value::Text(text.clone()))
        }
        (SchemaTypeKind::Scalar(ty), json) => match (ty, json) {
            (ScalarType::Int, Json::Number(number)) => number.as_i64().map(Value::Int),
            (ScalarType::String, Json::String(text)) => Some(Value::Text(text.clone())),
            (ScalarType::Bool, Json::Bool(truth)) => Some(Value::Bool(*truth)),
            _ => None,
        },
        _ => None,
    }
}
