//! Comes in: the pairs of a `routes` block. Goes out: its tree. It never joins a path with its block's prefix, and
//! adds up no defaults.

use crate::model::diagnostic::Diagnostic;
use crate::syntax::lower::permissions::patterns;
use crate::syntax::lower::{Lowering, Pair, Parts};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{Clause, ClauseKind, Login, PathPattern, Route, Routes, Segment};

/// A `routes` pair.
pub(crate) fn routes(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Routes> {
    let mut parts = Parts::of(pair);
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

/// A `path` pair.
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
                let mut names = lowering.texts(Parts::of(part)).into_iter();
                Segment::Parameter { name: names.next()?, ty: names.next() }
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
    let keyword = parts.next()?.as_rule();
    let kind = match keyword {
        Rule::k_public => ClauseKind::Public,
        Rule::k_authenticated => ClauseKind::Authenticated,
        Rule::k_csrf => ClauseKind::Csrf,
        Rule::k_conceal => ClauseKind::Conceal,
        Rule::k_requires => {
            let any = parts.pick(Rule::k_of).is_some();
            let patterns = patterns(lowering, &mut parts)?;
            if any { ClauseKind::RequiresAny(patterns) } else { ClauseKind::Requires(patterns) }
        }
        Rule::k_when => ClauseKind::When(lowering.expression(parts.next()?)?),
        Rule::k_issues => ClauseKind::Issues(lowering.texts(parts)),
        Rule::k_login => {
            let login = parts.pick(Rule::password_login);
            ClauseKind::Login(match login {
                Some(password) => {
                    let mut password = Parts::of(password);
                    let who = lowering.expression(password.pick(Rule::expression)?)?;
                    Login::Password(Box::new(who), Box::new(lowering.expression(password.pick(Rule::expression)?)?))
                }
                None => Login::Provider(lowering.text(&parts.pick(Rule::clause_name)?)),
            })
        }
        Rule::k_on => {
            let resource = lowering.text(&parts.pick(Rule::clause_name)?);
            ClauseKind::On { resource, parameter: lowering.text(&parts.pick(Rule::name)?) }
        }
        Rule::k_callback => ClauseKind::Callback(lowering.text(&parts.pick(Rule::clause_name)?)),
        _ => {
            let name = lowering.text(&parts.next()?);
            match keyword {
                Rule::k_scope => ClauseKind::Scope(name),
                Rule::k_body if name.node == "raw" => ClauseKind::BodyRaw,
                Rule::k_body => ClauseKind::Body(name),
                Rule::k_no if name.node == "body" => ClauseKind::NoBody,
                Rule::k_no => ClauseKind::No(name),
                Rule::k_query => ClauseKind::Query(name),
                Rule::k_limit => ClauseKind::Limit(name),
                Rule::k_cors => ClauseKind::Cors(name),
                Rule::k_headers => ClauseKind::Headers(name),
                Rule::k_rotates => ClauseKind::Rotates(name),
                Rule::k_revokes => ClauseKind::Revokes(name),
                _ => return None,
            }
        }
    };
    Some(Clause { span, kind })
}
