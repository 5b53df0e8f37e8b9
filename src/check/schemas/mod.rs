//! Schemas: fields, facets, media types and rules across fields.

pub(crate) mod cross_field;
pub(crate) mod facet;
pub(crate) mod field_type;
pub(crate) mod media;
pub(crate) mod regex;
pub(crate) mod schema;
pub(crate) mod shapes;
pub(crate) mod value_type;
