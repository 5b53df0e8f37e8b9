//! Methods and paths of routes, and that no two routes match the same requests.

use std::collections::HashMap;

use http::Method;

use crate::check::checker::{Checker, Report};
use crate::check::suggest::Suggest;
use crate::collections::table::Table;
use crate::model::diagnostic::Diagnostic;
use crate::model::path::decode_segment;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{PathPattern, Segment};
use crate::typed::{ParameterType, PathSegment, Route};

pub(crate) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Deeper paths than any client's target would hold.
const MOST_SEGMENTS: usize = 64;

pub(crate) fn method(checker: &Checker<'_>, method: &tree::Text) -> Option<Method> {
    if METHODS.contains(&method.node.as_str()) {
        return Method::from_bytes(method.node.as_bytes()).ok();
    }
    Diagnostic::error("unknown_method", method.span, format!("there is no method `{}`", method.node))
        .did_you_mean(
            &method.node.to_ascii_uppercase(),
            METHODS.into_iter(),
            "write `GET`, `POST`, `PUT`, `PATCH`, `DELETE`, `HEAD` or `OPTIONS`",
        )
        .report(checker);
    None
}

pub(crate) fn path(checker: &Checker<'_>, prefix: &PathPattern, path: &PathPattern) -> Option<Vec<PathSegment>> {
    let mut segments = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let written = prefix.segments.iter().chain(&path.segments);
    let count = prefix.segments.len() + path.segments.len();
    if count > MOST_SEGMENTS {
        let message = format!("the path has {count} segments");
        let help = format!("use at most {MOST_SEGMENTS}");
        Diagnostic::error("path_too_deep", path.span, message).report_with(checker, help);
        return None;
    }
    for (at, segment) in written.enumerate() {
        let (name, typed) = match segment {
            Segment::Literal(text) => {
                segments.push(PathSegment::Literal(literal(checker, text)?));
                continue;
            }
            Segment::Parameter { name, ty } => {
                let ty = match ty {
                    Some(ty) => parameter_type(checker, ty)?,
                    None => ParameterType::Any,
                };
                (name, PathSegment::Parameter { name: name.node.clone(), ty })
            }
            Segment::Rest(name) => {
                if at + 1 != count {
                    let message = format!("`{{*{}}}` takes the whole rest of the path", name.node);
                    Diagnostic::error("rest_not_last", name.span, message).report_with(checker, "let it stand last");
                    return None;
                }
                (name, PathSegment::Rest(name.node.clone()))
            }
        };
        if names.contains(&name.node.as_str()) {
            let message = format!("parameter `{}` stands twice in this path", name.node);
            Diagnostic::error("duplicate_name", name.span, message).report_with(checker, "give them different names");
            return None;
        }
        names.push(&name.node);
        segments.push(typed);
    }
    Some(segments)
}

/// A literal is read as a request's segment is, or no request would ever match it.
fn literal(checker: &Checker<'_>, literal: &tree::Text) -> Option<String> {
    let elsewhere = match literal.node.strip_prefix(':') {
        Some(name) if !name.is_empty() => Some(format!("a parameter is written `{{{name}}}`")),
        _ if literal.node.contains('*') => {
            Some("a segment is written `{name}`, and the rest of a path `{*rest}`; a literal `*` is `%2A`".to_owned())
        }
        _ => None,
    };
    if let Some(help) = elsewhere {
        let message = format!("`{}` means nothing but itself here", literal.node);
        Diagnostic::error("invalid_path", literal.span, message).report_with(checker, help);
        return None;
    }
    match decode_segment(&literal.node) {
        Ok(decoded) => Some(decoded),
        Err(what) => {
            Diagnostic::error("invalid_path", literal.span, format!("this segment holds {what}"))
                .report_with(checker, "requests with such a path are refused: write the segment without it");
            None
        }
    }
}

fn parameter_type(checker: &Checker<'_>, ty: &tree::Word<ParameterType>) -> Option<ParameterType> {
    if ty.keyword.is_none() {
        let message = format!("a path parameter can't be of type `{}`", ty.text.node);
        Diagnostic::error("unknown_type", ty.text.span, message)
            .report_with(checker, "write `{name}`, `{name: int}` or `{name: uuid}`");
    }
    ty.keyword
}

/// Two routes with one method whose paths match the same requests, and two types at one place.
pub(crate) fn distinct(checker: &Checker<'_>, routes: &Table<Route>) {
    let mut shapes: HashMap<(Vec<PathSegment>, &Method), Span> = HashMap::new();
    for route in routes.iter() {
        let shape = nameless(&route.path);
        if let Some(first) = shapes.get(&(shape.clone(), &route.method)) {
            let shape = path_shape(&route.path);
            let (earlier, later) = checker.findings.in_order(*first, route.span);
            Diagnostic::error("duplicate_route", later, format!("two routes match `{} {shape}`", route.method))
                .also(earlier, "the other one")
                .report_with(checker, "take one of them out");
            continue;
        }
        shapes.insert((shape, &route.method), route.span);
    }
    let mut types: HashMap<Vec<PathSegment>, (ParameterType, Span)> = HashMap::new();
    for route in routes.iter() {
        for (at, segment) in route.path.iter().enumerate() {
            let PathSegment::Parameter { ty: ty @ (ParameterType::Int | ParameterType::Uuid), .. } = segment else {
                continue;
            };
            let before = route.path.get(..at).unwrap_or_default();
            let place = path_shape(before);
            let (known, first) = *types.entry(nameless(before)).or_insert((*ty, route.span));
            if known != *ty {
                let (earlier, later) = checker.findings.in_order(first, route.span);
                Diagnostic::error("parameter_types", later, format!("two types of parameter follow `{place}`"))
                    .also(earlier, "the other type")
                    .report_with(checker, "give both the same type");
            }
        }
    }
}

/// The path with parameters' names taken out: equal ones match the same requests.
fn nameless(path: &[PathSegment]) -> Vec<PathSegment> {
    path.iter()
        .map(|segment| match segment {
            PathSegment::Literal(_) => segment.clone(),
            PathSegment::Parameter { ty, .. } => PathSegment::Parameter { name: String::new(), ty: *ty },
            PathSegment::Rest(_) => PathSegment::Rest(String::new()),
        })
        .collect()
}

/// The path as it is written.
pub(crate) fn path_pattern(path: &[PathSegment]) -> String {
    pattern(path, |segment| match segment {
        PathSegment::Literal(literal) => literal.clone(),
        PathSegment::Parameter { name, ty: ParameterType::Int } => format!("{{{name}: int}}"),
        PathSegment::Parameter { name, ty: ParameterType::Uuid } => format!("{{{name}: uuid}}"),
        PathSegment::Parameter { name, ty: ParameterType::Any } => format!("{{{name}}}"),
        PathSegment::Rest(name) => format!("{{*{name}}}"),
    })
}

/// The path without the names of its parameters.
fn path_shape(path: &[PathSegment]) -> String {
    pattern(path, |segment| match segment {
        PathSegment::Literal(literal) => literal.clone(),
        PathSegment::Parameter { ty: ParameterType::Int, .. } => "{int}".to_owned(),
        PathSegment::Parameter { ty: ParameterType::Uuid, .. } => "{uuid}".to_owned(),
        PathSegment::Parameter { ty: ParameterType::Any, .. } => "{}".to_owned(),
        PathSegment::Rest(_) => "{*}".to_owned(),
    })
}

fn pattern(path: &[PathSegment], written: impl Fn(&PathSegment) -> String) -> String {
    if path.is_empty() { "/".to_owned() } else { path.iter().map(|segment| format!("/{}", written(segment))).collect() }
}
