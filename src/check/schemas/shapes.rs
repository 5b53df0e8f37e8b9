//! The shapes that schemas declare, by name.

use std::collections::HashMap;

use crate::check::names::Names;
use crate::collections::table::{Id, Table};
use crate::typed::schemas::Shape;

pub(crate) struct Shapes {
    pub(crate) table: Table<Shape>,
    ids: HashMap<String, Id<Shape>>,
}

impl Shapes {
    /// An empty shape for each declared schema, so that schemas can name each other.
    pub(crate) fn declared(names: &Names<'_>) -> Self {
        let names = names.schemas.names();
        let table: Table<Shape> = names.clone().map(|_| Shape::default()).collect();
        Self { ids: names.map(ToOwned::to_owned).zip(table.ids()).collect(), table }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Id<Shape>> {
        self.ids.get(name).copied()
    }
}
