//! Attributes: of resources, of the context and of accounts.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::check::Checker;
use crate::check::names::twice;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::typed::{Attribute, Resource};

impl Checker<'_> {
    /// The attributes of resources and of `context`, and which resources declare which.
    pub(crate) fn attributes_of_things(&mut self) {
        let resources: Vec<_> = self.names.resources.iter().map(|(_, resource)| *resource).collect();
        for resource in resources {
            let mut attributes = IndexMap::new();
            let mut seen: HashMap<&str, Span> = HashMap::new();
            for attribute in &resource.attributes {
                let name = &attribute.name;
                if let Some(first) = seen.insert(&name.node, name.span) {
                    let error = twice(
                        self.sources,
                        first,
                        name.span,
                        &format!("attribute `{}` of `{}`", name.node, resource.name.node),
                    );
                    self.report(error);
                    continue;
                }
                if name.node == "id" {
                    self.report(
                        Diagnostic::error("reserved_name", name.span, "`resource.id` is built in")
                            .help("take the attribute out: it is the id by which the resource is asked for"),
                    );
                    continue;
                }
                match self.declared_attribute(attribute) {
                    Some(attribute) => {
                        attributes.insert(name.node.clone(), attribute);
                    }
                    None => {
                        self.broken_attributes.insert(name.node.clone());
                    }
                }
            }
            let declared: Vec<String> = attributes.keys().cloned().collect();
            let names = declared.iter().map(|name| self.attribute_name(name)).collect();
            let id = self.resources.push(Resource { name: resource.name.node.clone(), attributes, names });
            for name in declared {
                self.declaring.entry(name).or_default().push(id);
            }
        }
        let context: Vec<&tree::Attribute> = self.names.context.iter().map(|(_, attribute)| *attribute).collect();
        for attribute in context {
            if let Some(attribute) = self.declared_attribute(attribute) {
                self.context_rows.insert(attribute.name.clone(), self.context.len());
                self.context.push(attribute);
            }
        }
        let account: Vec<&tree::Attribute> = self.names.account.iter().map(|(_, attribute)| *attribute).collect();
        self.account = account.into_iter().map(|attribute| self.declared_attribute(attribute)).collect();
    }

    fn attribute_name(&mut self, name: &str) -> Id<String> {
        if let Some(known) = self.attribute_ids.get(name) {
            return *known;
        }
        let id = self.attribute_names.push(name.to_owned());
        self.attribute_ids.insert(name.to_owned(), id);
        id
    }

    fn declared_attribute(&mut self, attribute: &tree::Attribute) -> Option<Attribute> {
        let ty = self.value_type(&attribute.ty)?;
        Some(Attribute { name: attribute.name.node.clone(), ty, optional: attribute.optional })
    }
}
