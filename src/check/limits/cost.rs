//! The costs of requests, and the conditions under which a limit is skipped.

use crate::check::checker::{Checker, Report};
use crate::check::expressions::View;
use crate::check::expressions::typer::Typer;
use crate::limit::Rate;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::value::Value;
use crate::syntax::tree::{Expression, ExpressionKind, Literal};
use crate::typed::{Cost, Expr, Limit, Type};

/// `cost N [when EXPR]`
pub(crate) fn cost(
    typer: &mut Typer<'_, '_>,
    amount: &Expression,
    when: Option<&Expression>,
    view: &View<'_>,
) -> Option<(Span, Cost)> {
    let typed = typer.expect(amount, &Type::Int, "a cost", view);
    let condition = when.map(|when| typer.truth(when, view.site()));
    if let ExpressionKind::Literal(Literal::Int(..=0)) = &amount.kind {
        Diagnostic::error("cost_out_of_range", amount.span, "a request costs at least 1")
            .report_with(typer.checker, "write `cost 1` or more, or spare requests with `skip when …`");
        return None;
    }
    let typed = typed?;
    typer.discharged(amount, &typed, view)?;
    let when = match condition {
        Some(condition) => Some(condition?),
        None => None,
    };
    Some((amount.span, Cost { amount: typed.expr, when }))
}

pub(crate) fn two_costs(second: Span, first: Span) -> Diagnostic {
    Diagnostic::error("duplicate_entry", second, "two costs hold for every request")
        .also(first, "first written here")
        .help("keep one of them, or write when the other holds: `cost 5 when …`")
}

/// No cost may be dearer than a rate ever admits, and each should be able to count.
pub(crate) fn check_costs(checker: &Checker<'_>, typed: &Limit, written: &[Span], rates: &[Rate]) {
    let capacity = rates.iter().map(|rate| rate.burst).min();
    let always = typed.costs.iter().find(|cost| cost.when.is_none()).map_or(Some(1), |cost| constant(&cost.amount));
    for (cost, span) in typed.costs.iter().zip(written) {
        let Some(amount) = constant(&cost.amount) else { continue };
        if let Some(capacity) = capacity.filter(|capacity| *capacity < amount) {
            Diagnostic::error("cost_out_of_range", *span, "a request costs more than a rate ever admits")
                .label(format!("costs {amount}, and a rate admits {capacity}"))
                .report_with(checker, "lower the cost, or raise the rate");
        } else if let (Some(_), Some(always)) = (&cost.when, always.filter(|always| amount <= *always)) {
            Diagnostic::warning("cost_without_effect", *span, "this cost never counts")
                .label(format!("every request costs at least {always}, and the dearest cost that holds counts"))
                .report_with(checker, "write a dearer cost, or give the dearer requests the condition");
        }
    }
}

fn constant(amount: &Expr) -> Option<u64> {
    match amount {
        Expr::Constant(Value::Int(amount)) => u64::try_from(*amount).ok(),
        _ => None,
    }
}
