//! Attributes: of resources, of the context and of accounts.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use crate::check::checker::{Checker, Report};
use crate::check::schemas::shapes::Shapes;
use crate::check::schemas::value_type::attribute;
use crate::check::settings::Seen;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree;
use crate::typed::{Attribute, Resource};

/// The declared attributes, apart from those of the caller.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) resources: Table<Resource>,
    /// The names of resources' attributes, each once.
    pub(crate) names: Table<String>,
    pub(crate) ids: HashMap<String, Id<String>>,
    /// The resources that declare an attribute, by its name.
    pub(crate) declaring: HashMap<String, Vec<Id<Resource>>>,
    /// Attributes of resources whose own declaration is in error.
    pub(crate) broken: HashSet<String>,
    pub(crate) context: Table<Attribute>,
    pub(crate) context_rows: HashMap<String, usize>,
    /// One a declared attribute; nothing for one with an error.
    pub(crate) account: Vec<Option<Attribute>>,
}

impl Attributes {
    pub(crate) fn declared(checker: &Checker<'_>, shapes: &Shapes) -> Self {
        let mut all = Self::default();
        for resource in checker.names.resources.values() {
            all.add_resource(checker, shapes, resource);
        }
        for attribute in checker.names.context.values().filter_map(|written| attribute(checker, shapes, written)) {
            all.context_rows.insert(attribute.name.clone(), all.context.len());
            all.context.push(attribute);
        }
        all.account = checker.names.account.values().map(|written| attribute(checker, shapes, written)).collect();
        all
    }

    fn add_resource(&mut self, checker: &Checker<'_>, shapes: &Shapes, resource: &tree::Resource) {
        let mut attributes = IndexMap::new();
        let mut seen = Seen::default();
        for written in &resource.attributes {
            let name = &written.name;
            let what = || format!("attribute `{}` of `{}`", name.node, resource.name.node);
            if !seen.first(name, checker, |first| checker.findings.twice(first, name.span, &what())) {
                continue;
            }
            if name.node == "id" {
                Diagnostic::error("reserved_name", name.span, "`resource.id` is built in")
                    .report_with(checker, "take the attribute out: it is the id by which the resource is asked for");
                continue;
            }
            match attribute(checker, shapes, written) {
                Some(attribute) => drop(attributes.insert(name.node.clone(), attribute)),
                None => drop(self.broken.insert(name.node.clone())),
            }
        }
        let names = attributes.keys().map(|name| self.id_of(name)).collect();
        let id = self.resources.push(Resource { name: resource.name.node.clone(), attributes, names });
        for name in self.resources[id].attributes.keys() {
            self.declaring.entry(name.clone()).or_default().push(id);
        }
    }

    fn id_of(&mut self, name: &str) -> Id<String> {
        if let Some(known) = self.ids.get(name) {
            return *known;
        }
        let id = self.names.push(name.to_owned());
        self.ids.insert(name.to_owned(), id);
        id
    }
}
