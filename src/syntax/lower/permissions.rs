//! Comes in: the pairs of resources, roles, scopes and rules. Goes out: their trees. It never asks whether a
//! permission exists.

use crate::model::diagnostic::Diagnostic;
use crate::syntax::lower::{Lowering, Pair, Parts, routes, settings};
use crate::syntax::parse::Rule as R;
use crate::syntax::tree::{
    Action, DeclarationKind, Effect, Expression, NeverSubject, Pattern, PermissionSet, Polarity, Resource, Role, Rule,
    Scope,
};

/// A `resource`, `permissions`, `role`, `scope`, `allow`, `forbid` or `never` pair.
pub(crate) fn declaration(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<DeclarationKind> {
    match pair.as_rule() {
        R::resource => resource(lowering, pair).map(DeclarationKind::Resource),
        R::permissions => {
            let mut parts = Parts::of(pair);
            let name = lowering.text(&parts.pick(R::name)?);
            Some(DeclarationKind::Permissions(PermissionSet { name, patterns: patterns(lowering, &mut parts)? }))
        }
        R::role => {
            let mut parts = Parts::of(pair);
            let name = lowering.text(&parts.pick(R::role_name)?);
            let extends = match parts.take_next(R::extends) {
                Some(extends) => lowering.texts(only(extends, R::role_name)),
                None => Vec::new(),
            };
            Some(DeclarationKind::Role(Role { name, extends, grants: grants(lowering, parts)? }))
        }
        R::scope => {
            let mut parts = Parts::of(pair);
            let name = lowering.text(&parts.pick(R::string)?);
            Some(DeclarationKind::Scope(Scope { name, grants: grants(lowering, parts)? }))
        }
        _ => rule(lowering, pair).map(DeclarationKind::Rule),
    }
}

/// The parts of `pair` from the first of this rule on.
fn only(pair: Pair<'_>, rule: R) -> Parts<'_> {
    let mut parts = Parts::of(pair);
    let mut from = parts.clone();
    while parts.next().is_some_and(|part| part.as_rule() != rule) {
        from = parts.clone();
    }
    from
}

fn resource(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Resource> {
    let mut parts = Parts::of(pair);
    let name = lowering.text(&parts.pick(R::name)?);
    let mut resource = Resource { name, actions: Vec::new(), attributes: Vec::new() };
    for entry in parts {
        let mut entry = Parts::of(entry);
        let first = entry.next()?;
        if first.as_rule() == R::attribute {
            resource.attributes.push(settings::attribute(lowering, first)?);
        } else {
            resource.actions.extend(lowering.texts(entry));
        }
    }
    Some(resource)
}

/// The `allow`s of a role or a scope.
fn grants(lowering: &mut Lowering<'_>, parts: Parts<'_>) -> Option<Vec<Rule>> {
    parts
        .map(|part| {
            let mut inner = Parts::of(part.clone());
            if let Some(anyone) = inner.pick(R::anyone) {
                let span = lowering.span(&anyone);
                lowering.problem(
                    Diagnostic::error(
                        "anyone_in_role",
                        span,
                        "a role or a scope can't allow `anyone`: its holders are known",
                    )
                    .help("leave `anyone` out, or move the line out of the block"),
                );
                return None;
            }
            rule(lowering, part)
        })
        .collect()
}

/// An `allow`, `forbid` or `never` pair.
fn rule(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Rule> {
    let span = lowering.span(&pair);
    let kind = pair.as_rule();
    let mut parts = Parts::of(pair);
    parts.next()?;
    let effect = if let Some(door) = parts.take_next(R::door) {
        let mut door = Parts::of(door);
        let method = lowering.text(&door.pick(R::method)?);
        Effect::Never(NeverSubject::Door(method, routes::path(lowering, door.pick(R::path)?)?))
    } else {
        let anyone = parts.take_next(R::anyone).is_some();
        let patterns = patterns(lowering, &mut parts)?;
        let except = match parts.take_next(R::except) {
            Some(except) => self::patterns(lowering, &mut only(except, R::pattern))?,
            None => Vec::new(),
        };
        match kind {
            R::allow => Effect::Allow { anyone, patterns, except },
            R::forbid => Effect::Forbid { patterns, except },
            _ => Effect::Never(NeverSubject::Permissions { patterns, except }),
        }
    };
    let condition = match (parts.take_next(R::when), parts.take_next(R::unless)) {
        (Some(when), _) => Some((Polarity::When, clause_expression(lowering, when)?)),
        (None, Some(unless)) => Some((Polarity::Unless, clause_expression(lowering, unless)?)),
        (None, None) => None,
    };
    let because = parts.take_next(R::because).and_then(|because| Parts::of(because).pick(R::string));
    let because = because.map(|because| lowering.text(&because));
    Some(Rule { span, effect, condition, because })
}

/// The `EXPR` of `when EXPR`.
fn clause_expression(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Expression> {
    lowering.expression(Parts::of(pair).pick(R::expression)?)
}

/// The patterns that `parts` begins with.
pub(crate) fn patterns(lowering: &mut Lowering<'_>, parts: &mut Parts<'_>) -> Option<Vec<Pattern>> {
    let mut patterns = Vec::new();
    while let Some(pair) = parts.take_next(R::pattern) {
        patterns.push(pattern(lowering, pair)?);
    }
    Some(patterns)
}

fn pattern(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Pattern> {
    let span = lowering.span(&pair);
    let mut parts = Parts::of(pair);
    let first = parts.next()?;
    let resource = (first.as_rule() == R::name).then(|| lowering.text(&first));
    let action = match parts.next() {
        Some(action) => match action.as_rule() {
            R::name => Action::One(lowering.text(&action)),
            R::action_list => Action::Several(lowering.texts(Parts::of(action))),
            _ => Action::Every,
        },
        None if resource.is_none() => Action::Every,
        None => Action::None,
    };
    Some(Pattern { span, resource, action })
}
