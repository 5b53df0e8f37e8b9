//! `check EXPR` in schemas: rules over the fields beside them.

use indexmap::IndexMap;

use crate::check::expressions::View;
use crate::check::expressions::typer::Typer;
use crate::syntax::tree::SchemaEntry;
use crate::typed::schemas::{Check, Field};
use crate::typed::{Attribute, Expr, Read};

/// Types the checks of all schemas. Each list of the result is for the shape of the same row.
pub(crate) fn shape_checks(typer: &mut Typer<'_, '_>) -> Vec<Vec<Check>> {
    let (checker, shapes) = (typer.checker, &typer.shapes.table);
    let schemas = shapes.iter().zip(checker.names.schemas.values());
    schemas
        .map(|(shape, schema)| {
            let fields = shape.fields.iter().map(Field::attribute);
            let siblings: IndexMap<String, Attribute> = fields.map(|field| (field.name.clone(), field)).collect();
            let checks = schema.entries.iter().filter_map(|entry| {
                let SchemaEntry::Check(expression, message) = entry else { return None };
                let expr = typer.truth(expression, View::check(&siblings).site())?;
                let message = message.as_ref().map(|message| message.node.clone());
                Some(Check { reads: read_in(&expr, &siblings), expr, message })
            });
            checks.collect()
        })
        .collect()
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
