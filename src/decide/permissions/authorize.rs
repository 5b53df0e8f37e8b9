//! The reasons of a denial: permissions, scopes and conditions. *Unknown* never grants and always forbids.

use std::borrow::Cow;

use http::{HeaderValue, header};

use crate::collections::table::Id;
use crate::decide::denial::Denial;
use crate::eval::context::{Environment, EvalContext, ResourceRef};
use crate::eval::evaluate::{Unknowns, truth};
use crate::eval::identity::Identity;
use crate::model::reason::{Code, Stage};
use crate::model::source::Span;
use crate::model::truth::Truths;
use crate::typed::{Expr, Grantee, Permission, Rule};

/// Evaluates the rules that could grant a permission within the caller's scopes.
fn allowed(permission: &Permission, context: EvalContext<'_>, environment: &Environment<'_>) -> Truths {
    let terms = context.policy.terms(permission);
    let grants = |to: &dyn Fn(Grantee) -> bool| {
        let rules = terms.grants.iter().filter(|grant| to(grant.to)).map(|grant| grant.rule);
        rules.fold(Truths::FALSE, |any, rule| any.or(condition(rule, context, environment)))
    };
    let to_anyone = Truths::of(terms.anyone).or(grants(&|to| to == Grantee::Anyone));
    let Some(user) = context.user else { return to_anyone };
    if to_anyone == Truths::TRUE {
        return to_anyone;
    }
    let within = match &user.scopes {
        None => Truths::TRUE,
        Some(_) => {
            let lets_through = context.policy.scope_sets.has_any(terms.scopes, &user.known_scopes);
            Truths::of(lets_through).or(grants(&|to| match to {
                Grantee::Scope(scope) => user.known_scopes.contains(&scope),
                Grantee::Anyone | Grantee::Callers | Grantee::Role(_) => false,
            }))
        }
    };
    to_anyone.or(by_roles(permission, user, context, environment).and(within))
}

/// Evaluates the rules that grant a permission to a caller, regardless of scopes.
fn by_roles(
    permission: &Permission,
    user: &Identity,
    context: EvalContext<'_>,
    environment: &Environment<'_>,
) -> Truths {
    let policy = context.policy;
    let terms = policy.terms(permission);
    let to_user = |to: Grantee| match to {
        Grantee::Callers => true,
        Grantee::Role(role) => policy.in_role(&user.roles, role),
        Grantee::Anyone | Grantee::Scope(_) => false,
    };
    let rules = terms.grants.iter().filter(|grant| to_user(grant.to)).map(|grant| grant.rule);
    let granted = Truths::of(terms.callers || policy.role_sets.has_any(permission.roles, &user.roles));
    rules.fold(granted, |any, rule| any.or(condition(rule, context, environment)))
}

fn condition(rule: Id<Rule>, context: EvalContext<'_>, environment: &Environment<'_>) -> Truths {
    match &context.policy.rules[rule].condition {
        Some(condition) => truth(condition, environment),
        None => Truths::TRUE,
    }
}

/// A reason of a denial.
struct Finding {
    /// False if the reason depends on something unknown.
    certain: bool,
    denial: Denial,
}

/// All reasons of a denial.
#[derive(Default)]
pub(crate) struct Findings {
    found: Vec<Finding>,
    reported: Vec<Id<Rule>>,
}

impl Findings {
    fn push(&mut self, certain: bool, span: Option<Span>, denial: Denial) {
        let denial = Denial { span: denial.span.or(span), ..denial };
        self.found.push(Finding { certain, denial });
    }

    /// Adds the reasons why none of these permissions is granted.
    pub(crate) fn permissions<'a>(
        &mut self,
        any_of: &[Id<Permission>],
        span: Option<Span>,
        context: EvalContext<'a>,
        thing: impl Fn(&Permission) -> ResourceRef<'a>,
    ) {
        let mut lacking: Vec<&str> = Vec::new();
        let mut unknowns = Unknowns::default();
        let mut certain = true;
        let mut by_scope = false;
        let mut under_condition = false;
        for id in any_of {
            let permission = &context.policy.permissions[*id];
            let terms = context.policy.terms(permission);
            let environment = &context.on(thing(permission));
            for rule in &terms.forbids {
                self.forbid(*rule, context, environment);
            }
            match allowed(permission, context, environment) {
                Truths::TRUE => continue,
                Truths::FALSE => {
                    under_condition |= context.user.is_some_and(|user| {
                        terms.grants.iter().any(|grant| match grant.to {
                            Grantee::Anyone | Grantee::Callers => true,
                            Grantee::Role(role) => context.policy.in_role(&user.roles, role),
                            Grantee::Scope(_) => false,
                        })
                    });
                    let capped = context.user.filter(|user| user.scopes.is_some());
                    by_scope |=
                        capped.is_some_and(|user| by_roles(permission, user, context, environment) == Truths::TRUE);
                }
                _ => {
                    certain = false;
                    let rules = terms.grants.iter().map(|grant| &context.policy.rules[grant.rule]);
                    rules
                        .filter_map(|rule| rule.condition.as_ref())
                        .for_each(|rule| unknowns.collect(rule, environment));
                }
            }
            lacking.push(context.policy.permission_names.get(*id));
        }
        if lacking.len() < any_of.len() {
            // One of them is granted but forbidden, which is reported already.
            return;
        }
        let names: Vec<String> = lacking.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(" or ");
        let denial = match (certain, by_scope) {
            (true, true) => insufficient_scope(
                format!("{names} is required, and none of the caller's scopes lets it through"),
                None,
            ),
            (true, false) => Denial::new(
                Code::PermissionDenied,
                Stage::Authorize,
                match context.user {
                    Some(_) if under_condition => {
                        format!("{names} is required, and no condition holds under which the caller is granted it")
                    }
                    Some(_) => format!("{names} is required, and none of the caller's roles grants it"),
                    None => format!("{names} is required, and it isn't granted to anonymous callers here"),
                },
            ),
            (false, _) => Denial::new(
                Code::PermissionDenied,
                Stage::Authorize,
                format!("{names} is required, and whether it is granted isn't known{}", unknown_names(&unknowns)),
            ),
        };
        self.push(certain, span, denial);
    }

    fn forbid(&mut self, id: Id<Rule>, context: EvalContext<'_>, environment: &Environment<'_>) {
        let outcome = condition(id, context, environment);
        if outcome == Truths::FALSE || self.reported.contains(&id) {
            return;
        }
        self.reported.push(id);
        let rule = &context.policy.rules[id];
        let certain = outcome == Truths::TRUE;
        let message: Cow<'static, str> = match (certain, &rule.because) {
            (true, Some(because)) => format!("forbidden: {because}").into(),
            (true, None) => "a rule forbids it".into(),
            (false, _) => {
                let mut unknowns = Unknowns::default();
                if let Some(condition) = &rule.condition {
                    unknowns.collect(condition, environment);
                }
                format!("whether a rule forbids it isn't known{}", unknown_names(&unknowns)).into()
            }
        };
        let mut denial = Denial::new(Code::Forbidden, Stage::Authorize, message);
        // `because` may not describe a rule that applies only because something is unknown.
        denial.detail = rule.because.as_deref().filter(|_| certain).map(Box::from);
        self.push(certain, Some(rule.span), denial);
    }

    /// Adds the rules of `forbid *` that apply to a route without a permission.
    pub(crate) fn doors(&mut self, context: EvalContext<'_>) {
        let environment = context.on(ResourceRef::None);
        for rule in &context.policy.door_forbids {
            self.forbid(*rule, context, &environment);
        }
    }

    /// Adds a scope that the route requires and the caller lacks.
    pub(crate) fn scope(&mut self, scope: &str, span: Span) {
        let message = format!("the scope `{scope}` is required");
        self.push(true, Some(span), insufficient_scope(message, Some(scope)));
    }

    /// Adds a condition of the route that isn't true.
    pub(crate) fn when(&mut self, condition: &Expr, span: Span, outcome: Truths, environment: &Environment<'_>) {
        let certain = outcome == Truths::FALSE;
        let message: Cow<'static, str> = if certain {
            "the route's condition doesn't hold".into()
        } else {
            let mut unknowns = Unknowns::default();
            unknowns.collect(condition, environment);
            format!("whether the route's condition holds isn't known{}", unknown_names(&unknowns)).into()
        };
        self.push(certain, Some(span), Denial::new(Code::ConditionFailed, Stage::Authorize, message));
    }

    /// The reasons: certain ones first, then in the policy's order.
    pub(crate) fn into_denials(mut self) -> Vec<Denial> {
        self.found.sort_by_key(|finding| (!finding.certain, finding.denial.span));
        self.found.into_iter().map(|finding| finding.denial).collect()
    }
}

fn unknown_names(unknowns: &Unknowns) -> String {
    match unknowns.names.as_slice() {
        [] => String::new(),
        names => format!(
            ": nothing is known of {}",
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// RFC 6750 §3.1, `insufficient_scope`.
fn insufficient_scope(message: String, scope: Option<&str>) -> Denial {
    let denial = Denial::new(Code::InsufficientScope, Stage::Authorize, message);
    let quotable =
        |scope: &&str| scope.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
    let challenge = match scope.filter(quotable) {
        Some(scope) => format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""),
        None => "Bearer error=\"insufficient_scope\"".to_owned(),
    };
    match HeaderValue::from_str(&challenge) {
        Ok(challenge) => denial.with_header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => denial,
    }
}
