//! Lowers blocks of routes. It leaves the prefix apart from the paths, and the defaults apart from the routes.

use crate::model::diagnostic::Diagnostic;
use crate::syntax::lower::permissions::patterns;
use crate::syntax::lower::{Lowering, Pair, Parts};
use crate::syntax::parse::Rule;
use crate::syntax::tree::routes::{CLAUSES, ClauseForm};
use crate::syntax::tree::{Clause, ClauseKind, Login, PathPattern, Route, Routes, Segment};

/// Lowers a `routes` pair after its keyword.
pub(crate) fn routes(lowering: &mut Lowering<'_>, mut parts: Parts<'_>) -> Option<Routes> {
    let prefix = path(lowering, parts.pick(Rule::path)?)?;
    let mut routes = Routes { prefix, defaults: Vec::new(), routes: Vec::new() };
    for part in parts {
        if part.as_rule() == Rule::clause {
            routes.defaults.push(clause(lowering, part)?);
        } else {
            routes.routes.push(route(lowering, part)?);
        }
    }
    Some(routes)
}

fn route(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Route> {
    let span = lowering.span(&pair);
    let mut parts = Parts::of(pair);
    let method = lowering.text(&parts.pick(Rule::method)?);
    let path = path(lowering, parts.pick(Rule::path)?)?;
    let clauses = parts.map(|part| clause(lowering, part)).collect::<Option<_>>()?;
    Some(Route { span, method, path, clauses })
}

/// Lowers a `path` pair.
pub(crate) fn path(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<PathPattern> {
    let span = lowering.span(&pair);
    if let Some(shorter) = pair.as_str().strip_suffix('/').filter(|shorter| !shorter.is_empty()) {
        lowering.problem(
            Diagnostic::error("trailing_slash", span, "only the root path ends in a slash")
                .help(format!("write `{shorter}`")),
        );
        return None;
    }
    let mut segments = Vec::new();
    for part in Parts::of(pair) {
        segments.push(match part.as_rule() {
            Rule::parameter => {
                let mut parts = Parts::of(part);
                let name = lowering.next_text(&mut parts)?;
                Segment::Parameter { name, ty: parts.next().map(|ty| lowering.word(&ty)) }
            }
            Rule::rest => Segment::Rest(lowering.text(&Parts::of(part).pick(Rule::name)?)),
            _ => Segment::Literal(lowering.text(&part)),
        });
    }
    Some(PathPattern { span, segments })
}

fn clause(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Clause> {
    let span = lowering.span(&pair);
    let mut parts = Parts::of(pair);
    let keyword = parts.next()?;
    let kind = match keyword.as_rule() {
        Rule::k_requires => {
            let any = parts.pick(Rule::k_of).is_some();
            let patterns = patterns(lowering, &mut parts)?;
            if any { ClauseKind::RequiresAny(patterns) } else { ClauseKind::Requires(patterns) }
        }
        Rule::k_scope => ClauseKind::Scope(lowering.next_text(&mut parts)?),
        Rule::k_when => ClauseKind::When(lowering.next_expression(&mut parts)?),
        Rule::k_issues => ClauseKind::Issues(lowering.texts(parts)),
        Rule::k_login => ClauseKind::Login(match parts.pick(Rule::password_login) {
            Some(password) => {
                let mut password = Parts::of(password);
                let account = lowering.next_expression(&mut password)?;
                Login::Password(Box::new(account), Box::new(lowering.next_expression(&mut password)?))
            }
            None => Login::Provider(lowering.text(&parts.pick(Rule::clause_name)?)),
        }),
        Rule::k_on => {
            let resource = lowering.next_text(&mut parts)?;
            ClauseKind::On { resource, parameter: lowering.next_text(&mut parts)? }
        }
        Rule::k_callback => ClauseKind::Callback(lowering.text(&parts.pick(Rule::clause_name)?)),
        _ => match &CLAUSES.iter().find(|(word, _)| *word == keyword.as_str())?.1 {
            ClauseForm::Word(kind) => kind.clone(),
            ClauseForm::Named(kind) => kind(lowering.next_text(&mut parts)?),
            ClauseForm::Other => return None,
        },
    };
    Some(Clause { span, kind })
}
