//! What a condition says about what is there: `has(x) and …`, `x == null or …`. Purely by form, so that it can be asked
//! before anything is typed.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use crate::check::checker::Checker;
use crate::check::order::order;
use crate::model::source::Span;
use crate::syntax::tree::{BinaryOperator, Expression, ExpressionKind, Literal, Text};

/// What is known to be there, by its path as written: `user`, `user.email`, `request.header("x")`; with `!` behind it, what
/// is known not to be `null` either.
pub(crate) type Facts = HashSet<String>;

/// The most facts that a named condition passes on to its uses.
const MOST_FACTS: usize = 128;

/// The guards that an expression stands behind: those of the expressions around it, and its neighbours'.
#[derive(Default)]
pub(crate) struct Guards<'g> {
    around: Option<&'g Guards<'g>>,
    /// How many of a row of neighbours tell each fact.
    told_by: Option<&'g HashMap<String, usize>>,
    /// What the expression tells itself, which is no guard for it.
    own: Facts,
    /// The row of all of them among the sets of guards that were ever used, once that is asked for.
    row: OnceCell<usize>,
}

impl<'g> Guards<'g> {
    /// The guards of one in a row of neighbours.
    pub(crate) fn beside(&'g self, told_by: &'g HashMap<String, usize>, own: Facts) -> Guards<'g> {
        Guards { around: Some(self), told_by: Some(told_by), own, row: OnceCell::new() }
    }

    pub(crate) fn hold(&self, path: &str) -> bool {
        let told = self.told_by.and_then(|told_by| told_by.get(path)).copied().unwrap_or(0);
        told > usize::from(self.own.contains(path)) || self.around.is_some_and(|around| around.hold(path))
    }

    /// A number that equal sets of guards share.
    pub(crate) fn row(&self, known: &mut HashMap<Vec<String>, usize>) -> usize {
        *self.row.get_or_init(|| {
            let mut all = Facts::new();
            self.collect(&mut all);
            let mut all: Vec<String> = all.into_iter().collect();
            all.sort_unstable();
            let next = known.len();
            *known.entry(all).or_insert(next)
        })
    }

    fn collect(&self, all: &mut Facts) {
        let told = self.told_by.into_iter().flat_map(HashMap::keys);
        all.extend(told.filter(|path| self.hold(path)).cloned());
        if let Some(around) = self.around {
            around.collect(all);
        }
    }
}

/// What follows for what is there, if an expression is true, and if it is false.
#[derive(Default, Clone)]
pub(crate) struct Narrowing {
    pub(crate) if_true: Facts,
    pub(crate) if_false: Facts,
}

/// The narrowing of every named condition, and of each `and` and `or` that was asked for.
pub(crate) struct Narrowings<'c, 't> {
    checker: &'c Checker<'t>,
    conditions: Vec<Narrowing>,
    junctions: RefCell<HashMap<Span, Narrowing>>,
}

impl<'c, 't> Narrowings<'c, 't> {
    /// Finds the narrowings of all named conditions, each after those that it names.
    pub(crate) fn of_conditions(checker: &'c Checker<'t>) -> Self {
        let expressions: Vec<&Expression> =
            checker.names.conditions.values().map(|condition| &condition.expression).collect();
        let references: Vec<Vec<usize>> = expressions
            .iter()
            .map(|expression| {
                let mut rows = Vec::new();
                bare_names(expression, &mut |name| rows.extend(checker.names.conditions.row(&name.node)));
                rows
            })
            .collect();
        let conditions = vec![Narrowing::default(); expressions.len()];
        let mut narrowings = Self { checker, conditions, junctions: RefCell::default() };
        for row in order(&references).rows {
            let Some(mut narrowing) = expressions.get(row).map(|expression| narrowings.of(expression, true)) else {
                continue;
            };
            for facts in [&mut narrowing.if_true, &mut narrowing.if_false] {
                if facts.len() > MOST_FACTS {
                    facts.clear();
                }
            }
            narrowings.conditions.iter_mut().skip(row).take(1).for_each(|slot| slot.clone_from(&narrowing));
        }
        narrowings
    }

    /// The narrowing of an expression. `conditions` says whether bare names are conditions here.
    pub(crate) fn of(&self, expression: &Expression, conditions: bool) -> Narrowing {
        // A junction is asked by every one around it.
        let junction = matches!(expression.kind, ExpressionKind::All(_) | ExpressionKind::Any(_));
        if let Some(known) = self.junctions.borrow().get(&expression.span).filter(|_| junction) {
            return known.clone();
        }
        let narrowing = self.find(expression, conditions);
        if junction {
            self.junctions.borrow_mut().insert(expression.span, narrowing.clone());
        }
        narrowing
    }

    fn find(&self, expression: &Expression, conditions: bool) -> Narrowing {
        match &expression.kind {
            ExpressionKind::Call(path, arguments) => match (path.as_slice(), arguments.as_slice()) {
                ([has], [argument]) if has.node == "has" => {
                    Narrowing { if_true: there(argument, false), if_false: Facts::new() }
                }
                _ => Narrowing::default(),
            },
            ExpressionKind::Is(..) => Narrowing { if_true: Facts::from(["user".to_owned()]), if_false: Facts::new() },
            ExpressionKind::Binary(left, operator @ (BinaryOperator::Equal | BinaryOperator::NotEqual), right) => {
                let facts = match (is_null(left), is_null(right)) {
                    (false, true) => there(left, true),
                    (true, false) => there(right, true),
                    _ => return Narrowing::default(),
                };
                match operator {
                    BinaryOperator::Equal => Narrowing { if_true: Facts::new(), if_false: facts },
                    _ => Narrowing { if_true: facts, if_false: Facts::new() },
                }
            }
            ExpressionKind::Path(path) => match path.as_slice() {
                [name] if conditions => {
                    let row = self.checker.names.conditions.row(&name.node);
                    row.and_then(|row| self.conditions.get(row)).cloned().unwrap_or_default()
                }
                _ => Narrowing::default(),
            },
            ExpressionKind::Not(inner) => flip(self.of(inner, conditions)),
            ExpressionKind::All(parts) => joined(parts.iter().map(|part| self.of(part, conditions))),
            // By De Morgan: `a or b` is false where `not a and not b` is true.
            ExpressionKind::Any(parts) => flip(joined(parts.iter().map(|part| flip(self.of(part, conditions))))),
            _ => Narrowing::default(),
        }
    }
}

fn flip(narrowing: Narrowing) -> Narrowing {
    Narrowing { if_true: narrowing.if_false, if_false: narrowing.if_true }
}

/// True where all are true; false where any is, so only what all of them tell then is sure.
fn joined(parts: impl Iterator<Item = Narrowing>) -> Narrowing {
    let mut all: Option<Narrowing> = None;
    for part in parts {
        all = Some(match all {
            None => part,
            Some(Narrowing { mut if_true, mut if_false }) => {
                if_true.extend(part.if_true);
                if_false.retain(|path| part.if_false.contains(path));
                Narrowing { if_true, if_false }
            }
        });
    }
    all.unwrap_or_default()
}

fn is_null(expression: &Expression) -> bool {
    matches!(expression.kind, ExpressionKind::Literal(Literal::Null))
}

/// The path of what is read, and every path that it leads through.
fn there(expression: &Expression, not_null: bool) -> Facts {
    let mut facts = Facts::new();
    if let Some(call) = call_key(expression) {
        facts.insert(call);
    } else if let ExpressionKind::Path(path) = &expression.kind {
        let mut so_far = String::new();
        for (at, name) in path.iter().enumerate() {
            if at > 0 {
                so_far.push('.');
            }
            so_far.push_str(&name.node);
            // That there is a context says nothing; that there is a caller does.
            if at > 0 || path.len() == 1 || name.node == "user" {
                facts.insert(so_far.clone());
            }
            // What a path leads through isn't `null` either, but reading on needs a guard of its own for that.
            if not_null && at + 1 == path.len() {
                facts.insert(format!("{so_far}!"));
            }
        }
    }
    facts
}

/// `request.header("x")` as a path.
pub(crate) fn call_key(expression: &Expression) -> Option<String> {
    let ExpressionKind::Call(path, arguments) = &expression.kind else { return None };
    let [Expression { kind: ExpressionKind::Literal(Literal::String(name)), .. }] = arguments.as_slice() else {
        return None;
    };
    let words: Vec<&str> = path.iter().map(|name| name.node.as_str()).collect();
    // Names of headers compare without regard to case (RFC 9110 §5.1), those of cookies don't.
    let name = if words.last() == Some(&"header") { name.to_ascii_lowercase() } else { name.clone() };
    Some(format!("{}({name:?})", words.join(".")))
}

/// Every bare name in an expression: where conditions can be named, one may be meant.
pub(crate) fn bare_names<'e>(expression: &'e Expression, found: &mut impl FnMut(&'e Text)) {
    match &expression.kind {
        ExpressionKind::Path(path) => {
            if let [name] = path.as_slice() {
                found(name);
            }
        }
        ExpressionKind::Literal(_) => {}
        ExpressionKind::Not(inner) | ExpressionKind::Is(inner, _) | ExpressionKind::Matches(inner, _) => {
            bare_names(inner, found);
        }
        ExpressionKind::Binary(left, _, right) => {
            bare_names(left, found);
            bare_names(right, found);
        }
        ExpressionKind::Call(_, parts)
        | ExpressionKind::List(parts)
        | ExpressionKind::All(parts)
        | ExpressionKind::Any(parts)
        | ExpressionKind::Coalesce(parts) => parts.iter().for_each(|part| bare_names(part, found)),
        ExpressionKind::Record(fields) => fields.iter().for_each(|(_, value)| bare_names(value, found)),
    }
}
