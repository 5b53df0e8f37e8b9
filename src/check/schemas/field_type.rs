//! The types of a schema's fields.

use crate::check::checker::Report;
use crate::check::schemas::facet::{float_bound, int_bound};
use crate::check::schemas::media::no_schema_entries;
use crate::check::schemas::schema::SchemaChecker;
use crate::check::settings::{Seen, stands_twice};
use crate::check::suggest::Suggest;
use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::{Keyword as _, ScalarType};
use crate::model::source::Span;
use crate::syntax::tree::{FacetKind, SchemaType, SchemaTypeKind, Text};
use crate::typed::schemas::{Case, InputType, ListRules, MapRules, TaggedUnion};

impl SchemaChecker<'_, '_> {
    pub(crate) fn input_type(&mut self, ty: &SchemaType) -> Option<InputType> {
        match &ty.kind {
            SchemaTypeKind::Scalar(scalar) => Some(self.scalar_type(*scalar, ty)),
            SchemaTypeKind::Null => {
                Diagnostic::error("null_alone", ty.span, "a field that is always `null` says nothing")
                    .report_with(self.checker, "write what else it may be: `TYPE | null`");
                None
            }
            SchemaTypeKind::Named(name) => self.schema_type(name, ty),
            SchemaTypeKind::Enum(values) => {
                self.no_facets(ty, "an enum");
                self.distinct_names(values.iter());
                Some(InputType::Enum(values.iter().map(|value| value.node.clone()).collect()))
            }
            SchemaTypeKind::List(item) => {
                let item = self.input_type(item);
                let rules = self.list_rules(ty, "a list");
                Some(InputType::List(Box::new(ListRules { item: item?, ..rules })))
            }
            SchemaTypeKind::Record(entries) => {
                self.no_facets(ty, "a record");
                no_schema_entries(self.checker, entries);
                Some(InputType::Record(Box::new(self.shape(entries))))
            }
            SchemaTypeKind::Map(item) => {
                let item = self.input_type(item);
                let ListRules { min, max, .. } = self.list_rules(ty, "a map");
                Some(InputType::Map(Box::new(MapRules { item: item?, min, max })))
            }
            SchemaTypeKind::Union(members) => self.union(members),
            SchemaTypeKind::Tagged(tag, cases) => {
                self.no_facets(ty, "a tagged union");
                self.tagged_union(ty.span, tag, cases)
            }
        }
    }

    fn distinct_names<'n>(&mut self, names: impl Iterator<Item = &'n Text>) {
        let mut seen = Seen::default();
        for name in names {
            seen.first(name, self.checker, |first| stands_twice(&format!("`{}`", name.node), first, name.span));
        }
    }

    /// `A | B | null`: `null` may stand anywhere among the members.
    fn union(&mut self, members: &[SchemaType]) -> Option<InputType> {
        for (at, member) in members.iter().enumerate() {
            let earlier = members.get(..at).unwrap_or_default();
            if let Some(first) = earlier.iter().find(|first| takes_all_of(first, member)) {
                Diagnostic::error("unreachable_member", member.span, "no value gets as far as this type")
                    .also(first.span, "this one takes them all")
                    .help("the first type that takes a value counts: put the narrower one first, or take it out")
                    .report(self.checker);
            }
        }
        let (nulls, others): (Vec<_>, Vec<_>) = members.iter().partition(|member| is_null(member));
        for null in &nulls {
            self.no_facets(null, "`null`");
        }
        // All of them, so that every mistake is reported.
        let mut types: Vec<Option<InputType>> = Vec::new();
        for member in &others {
            types.push(self.input_type(member));
        }
        let mut types = types.into_iter().collect::<Option<Vec<InputType>>>()?;
        let ty = if types.len() > 1 { InputType::Union(types) } else { types.pop()? };
        Some(if nulls.is_empty() { ty } else { InputType::Nullable(Box::new(ty)) })
    }

    fn tagged_union(&mut self, span: Span, tag: &Text, cases: &[(Text, SchemaType)]) -> Option<InputType> {
        self.distinct_names(cases.iter().map(|(name, _)| name));
        if cases.is_empty() {
            Diagnostic::error("empty_union", span, "a union without cases takes no value")
                .help(format!("write cases, such as `union on \"{}\" {{ \"a\": SCHEMA }}`", tag.node))
                .report(self.checker);
            return None;
        }
        let mut taken = Vec::new();
        for (name, ty) in cases {
            let case = self.input_type(ty);
            if case.as_ref().is_some_and(|case| !matches!(case, InputType::Record(_) | InputType::Shape(_))) {
                Diagnostic::error("case_without_fields", ty.span, "a case must be an object, as it holds the tag")
                    .report_with(self.checker, "write a schema's name, or a record: `{ FIELD: TYPE }`");
                continue;
            }
            taken.push(case.map(|ty| Case { name: name.node.clone(), span: name.span, ty }));
        }
        let cases = taken.into_iter().collect::<Option<_>>()?;
        Some(InputType::Tagged(Box::new(TaggedUnion { tag: tag.node.clone(), cases })))
    }

    fn scalar_type(&mut self, scalar: ScalarType, ty: &SchemaType) -> InputType {
        let (known, what) = match scalar {
            ScalarType::String => return InputType::String(self.string_rules(&ty.facets)),
            ScalarType::Int => {
                let rules = self.number_rules(&ty.facets, "int", int_bound);
                self.some_multiple(&rules, &ty.facets);
                return InputType::Int(rules);
            }
            ScalarType::Float => return InputType::Float(self.number_rules(&ty.facets, "float", float_bound)),
            ScalarType::Bool => (InputType::Bool, "a `bool`"),
            ScalarType::Timestamp => (InputType::Timestamp, "a `timestamp`"),
            ScalarType::Duration => (InputType::Duration, "a `duration`"),
            ScalarType::Ip => (InputType::Ip, "an `ip`"),
            ScalarType::Cidr => (InputType::Cidr, "a `cidr`"),
            ScalarType::Any => (InputType::Any, "`any`"),
        };
        self.no_facets(ty, what);
        known
    }

    fn schema_type(&mut self, name: &str, ty: &SchemaType) -> Option<InputType> {
        self.no_facets(ty, "a schema");
        if let Some(shape) = self.shapes.find(name) {
            return Some(InputType::Shape(shape));
        }
        let scalars: Vec<&str> = ScalarType::words().collect();
        let known = scalars.iter().copied().chain(self.checker.names.schemas.names());
        Diagnostic::error("unknown_type", ty.span, format!("there is no type or schema `{name}`"))
            .did_you_mean(
                name,
                known.take(self.checker.findings.most_names()),
                format!("write one of `{}`, or declare `schema {name}`", scalars.join("`, `")),
            )
            .report(self.checker);
        None
    }
}

fn is_null(ty: &SchemaType) -> bool {
    ty.kind == SchemaTypeKind::Null
}

/// True if every value of the later type is one of the earlier, as far as their names say.
fn takes_all_of(earlier: &SchemaType, later: &SchemaType) -> bool {
    use ScalarType as Scalar;
    if !earlier.facets.iter().all(|facet| facet.kind == FacetKind::Secret) {
        return false;
    }
    match (&earlier.kind, &later.kind) {
        (SchemaTypeKind::Scalar(Scalar::Any), _) => true,
        (SchemaTypeKind::Scalar(Scalar::String), SchemaTypeKind::Enum(_)) => true,
        (SchemaTypeKind::Scalar(Scalar::String), SchemaTypeKind::Scalar(later)) => {
            matches!(later, Scalar::String | Scalar::Timestamp | Scalar::Duration | Scalar::Ip | Scalar::Cidr)
        }
        (SchemaTypeKind::Scalar(Scalar::Float), SchemaTypeKind::Scalar(later)) => {
            matches!(later, Scalar::Float | Scalar::Int)
        }
        (SchemaTypeKind::Scalar(earlier), SchemaTypeKind::Scalar(later)) => earlier == later,
        (SchemaTypeKind::Named(earlier), SchemaTypeKind::Named(later)) => earlier == later,
        (SchemaTypeKind::Null, SchemaTypeKind::Null) => true,
        _ => false,
    }
}
