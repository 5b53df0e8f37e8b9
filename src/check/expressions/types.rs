//! Types as messages name them.

use crate::check::expressions::typer::Typer;
use crate::typed::Type;

impl Typer<'_, '_> {
    /// The type with its article: `` a `string` ``, `` an `int` ``.
    pub(crate) fn a_type(&self, ty: &Type) -> String {
        let article = if matches!(ty, Type::Int | Type::Ip | Type::Opaque) { "an" } else { "a" };
        format!("{article} `{}`", self.type_name(ty))
    }

    pub(crate) fn type_name(&self, ty: &Type) -> String {
        ty.name(&self.shapes.table)
    }
}
