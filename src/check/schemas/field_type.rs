//! The types of a schema's fields.

use crate::check::checker::Report;
use crate::check::schemas::facet::{float_bound, int_bound};
use crate::check::schemas::media::no_schema_entries;
use crate::check::schemas::schema::SchemaChecker;
use crate::check::settings::{Seen, stands_twice};
use crate::check::suggest::Suggest;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{FacetKind, SchemaType, SchemaTypeKind, Text};
use crate::typed::schemas::{Case, InputType, ListRules, MapRules, TaggedUnion};

const TYPES: [&str; 9] = ["string", "int", "float", "bool", "timestamp", "duration", "ip", "cidr", "any"];

impl SchemaChecker<'_, '_> {
    pub(crate) fn input_type(&mut self, ty: &SchemaType) -> Option<InputType> {
        match &ty.kind {
            SchemaTypeKind::Named(name) => self.named_type(name, ty),
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
        // All of them, so that every mistake is told.
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

    fn named_type(&mut self, name: &str, ty: &SchemaType) -> Option<InputType> {
        let (known, what) = match name {
            "string" => return Some(InputType::String(self.string_rules(&ty.facets))),
            "int" => {
                let rules = self.number_rules(&ty.facets, "int", int_bound);
                self.some_multiple(&rules, &ty.facets);
                return Some(InputType::Int(rules));
            }
            "float" => return Some(InputType::Float(self.number_rules(&ty.facets, "float", float_bound))),
            "bool" => (InputType::Bool, "a `bool`"),
            "timestamp" => (InputType::Timestamp, "a `timestamp`"),
            "duration" => (InputType::Duration, "a `duration`"),
            "ip" => (InputType::Ip, "an `ip`"),
            "cidr" => (InputType::Cidr, "a `cidr`"),
            "any" => (InputType::Any, "`any`"),
            "null" => {
                Diagnostic::error("null_alone", ty.span, "a field that is always `null` says nothing")
                    .report_with(self.checker, "write what else it may be: `TYPE | null`");
                return None;
            }
            _ => return self.schema_type(name, ty),
        };
        self.no_facets(ty, what);
        Some(known)
    }

    fn schema_type(&mut self, name: &str, ty: &SchemaType) -> Option<InputType> {
        self.no_facets(ty, "a schema");
        if let Some(shape) = self.shapes.find(name) {
            return Some(InputType::Shape(shape));
        }
        let known = TYPES.into_iter().chain(self.checker.names.schemas.names());
        Diagnostic::error("unknown_type", ty.span, format!("there is no type or schema `{name}`"))
            .did_you_mean(
                name,
                known.take(self.checker.findings.most_names()),
                format!("write one of `{}`, or declare `schema {name}`", TYPES.join("`, `")),
            )
            .report(self.checker);
        None
    }
}

fn is_null(ty: &SchemaType) -> bool {
    matches!(&ty.kind, SchemaTypeKind::Named(name) if name == "null")
}

/// True if every value of the later type is one of the earlier, as far as their names say.
fn takes_all_of(earlier: &SchemaType, later: &SchemaType) -> bool {
    let bare = earlier.facets.iter().all(|facet| matches!(&facet.kind, FacetKind::Word(word) if word == "secret"));
    let SchemaTypeKind::Named(name) = &earlier.kind else { return false };
    if !bare {
        return false;
    }
    match (name.as_str(), &later.kind) {
        ("any", _) => true,
        ("string", SchemaTypeKind::Enum(_)) => true,
        ("string", SchemaTypeKind::Named(later)) => {
            matches!(later.as_str(), "string" | "timestamp" | "duration" | "ip" | "cidr")
        }
        ("float", SchemaTypeKind::Named(later)) => matches!(later.as_str(), "float" | "int"),
        (_, SchemaTypeKind::Named(later)) => name == later,
        _ => false,
    }
}
