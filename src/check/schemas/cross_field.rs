//! `check EXPR` in schemas: rules over the fields beside them.

use indexmap::IndexMap;

use crate::check::Checker;
use crate::check::expressions::View;
use crate::collections::table::Id;
use crate::syntax::tree::{Expression, SchemaEntry, Text};
use crate::typed::schemas::{Check, Field, Shape};
use crate::typed::{Attribute, Expr, Read};

impl Checker<'_> {
    /// Types the checks of all schemas, which may read what a schema declared later says.
    pub(crate) fn shape_checks(&mut self) {
        let declared: Vec<_> = self.names.schemas.iter().map(|(_, schema)| *schema).collect();
        let ids: Vec<Id<Shape>> = self.shapes.table.ids().collect();
        for (id, schema) in ids.into_iter().zip(declared) {
            let written: Vec<(&Expression, Option<&Text>)> = schema
                .entries
                .iter()
                .filter_map(|entry| match entry {
                    SchemaEntry::Check(expression, message) => Some((expression, message.as_ref())),
                    SchemaEntry::Field(_) | SchemaEntry::Accepts(_) => None,
                })
                .collect();
            if written.is_empty() {
                continue;
            }
            let fields = self.shapes.table[id].fields.iter().map(Field::attribute);
            let siblings: IndexMap<String, Attribute> = fields.map(|field| (field.name.clone(), field)).collect();
            let checks = written.into_iter().filter_map(|(expression, message)| {
                let expr = self.truth(expression, View::check(&siblings).site())?;
                let message = message.map(|message| message.node.clone());
                Some(Check { reads: read_in(&expr, &siblings), expr, message })
            });
            let checks = checks.collect();
            self.shapes.table.row_mut(id).checks = checks;
        }
    }
}

/// The fields that an expression reads.
fn read_in(expr: &Expr, siblings: &IndexMap<String, Attribute>) -> Vec<Attribute> {
    let mut names: Vec<&str> = Vec::new();
    expr.any(&mut |part| {
        if let Expr::Read(Read::Sibling(name)) = part {
            names.extend(siblings.get(name).map(|field| field.name.as_str()));
        }
        false
    });
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| siblings.get(name)).cloned().collect()
}
