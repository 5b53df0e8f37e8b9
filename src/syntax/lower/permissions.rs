//! Lowers resources, context, conditions, roles, scopes and rules.

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::lower::{Lowering, Pair, Parts, attribute, attributes, optional, routes};
use crate::syntax::parse::Rule as R;
use crate::syntax::tree::{
    Action, Condition, DeclarationKind, Effect, NeverSubject, Pattern, PermissionSet, Polarity, Resource, Role, Rule,
    Scope, Text,
};

/// Lowers the declaration after its keyword.
pub(crate) fn declaration(lowering: &mut Lowering<'_>, rule: R, mut parts: Parts<'_>) -> Option<DeclarationKind> {
    if rule == R::context {
        return attributes(lowering, parts).map(DeclarationKind::Context);
    }
    let name = lowering.next_text(&mut parts)?;
    Some(match rule {
        R::resource => DeclarationKind::Resource(resource(lowering, name, parts)?),
        R::condition => {
            DeclarationKind::Condition(Condition { name, expression: lowering.next_expression(&mut parts)? })
        }
        R::permissions => {
            DeclarationKind::Permissions(PermissionSet { name, patterns: patterns(lowering, &mut parts)? })
        }
        R::role => {
            let extends = match parts.take_next(R::extends) {
                Some(extends) => lowering.texts(from_first(extends, R::role_name)),
                None => Vec::new(),
            };
            DeclarationKind::Role(Role { name, extends, grants: grants(lowering, parts)? })
        }
        _ => DeclarationKind::Scope(Scope { name, grants: grants(lowering, parts)? }),
    })
}

/// Returns the parts of `pair` from the first of this rule on.
fn from_first(pair: Pair<'_>, rule: R) -> Parts<'_> {
    let mut parts = Parts::of(pair);
    let mut from = parts.clone();
    while parts.next().is_some_and(|part| part.as_rule() != rule) {
        from = parts.clone();
    }
    from
}

fn resource(lowering: &mut Lowering<'_>, name: Text, parts: Parts<'_>) -> Option<Resource> {
    let mut resource = Resource { name, actions: Vec::new(), attributes: Vec::new() };
    for entry in parts {
        let mut entry = Parts::of(entry);
        let first = entry.next()?;
        if first.as_rule() == R::attribute {
            resource.attributes.push(attribute(lowering, first)?);
        } else {
            resource.actions.extend(lowering.texts(entry));
        }
    }
    Some(resource)
}

/// Lowers the `allow`s of a role or a scope.
fn grants(lowering: &mut Lowering<'_>, parts: Parts<'_>) -> Option<Vec<Rule>> {
    parts
        .map(|part| {
            let span = lowering.span(&part);
            let mut inner = Parts::of(part);
            inner.next()?;
            if let Some(anyone) = inner.clone().pick(R::anyone) {
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
            rule(lowering, R::allow, span, inner)
        })
        .collect()
}

/// Lowers an `allow`, `forbid` or `never` after its keyword.
pub(crate) fn rule(lowering: &mut Lowering<'_>, kind: R, span: Span, mut parts: Parts<'_>) -> Option<Rule> {
    let effect = if let Some(door) = parts.take_next(R::door) {
        let mut door = Parts::of(door);
        let method = lowering.text(&door.pick(R::method)?);
        Effect::Never(NeverSubject::Door(method, routes::path(lowering, door.pick(R::path)?)?))
    } else {
        let anyone = parts.take_next(R::anyone).is_some();
        let patterns = patterns(lowering, &mut parts)?;
        let except = match parts.take_next(R::except) {
            Some(except) => self::patterns(lowering, &mut from_first(except, R::pattern))?,
            None => Vec::new(),
        };
        match kind {
            R::allow => Effect::Allow { anyone, patterns, except },
            R::forbid => Effect::Forbid { patterns, except },
            _ => Effect::Never(NeverSubject::Permissions { patterns, except }),
        }
    };
    let condition = parts.take_next(R::when).or_else(|| parts.take_next(R::unless));
    let condition = optional(condition, |condition| {
        let polarity = if condition.as_rule() == R::when { Polarity::When } else { Polarity::Unless };
        Some((polarity, lowering.next_expression(&mut Parts::of(condition))?))
    })?;
    let because = parts.take_next(R::because).and_then(|because| Parts::of(because).pick(R::string));
    let because = because.map(|because| lowering.text(&because));
    Some(Rule { span, effect, condition, because })
}

/// Lowers the patterns at the start of `parts`.
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
