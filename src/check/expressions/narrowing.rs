//! Derives from a condition's form which paths are present where it is true or false: `has(x) and …`, `x == null or …`.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use crate::check::checker::Checker;
use crate::check::order::order;
use crate::model::operator::Operator;
use crate::model::source::Span;
use crate::syntax::tree::{Expression, ExpressionKind, Literal, Text};

/// Paths that are present, as written: `user`, `user.email`, `request.header("x")`. A path with `!` behind it isn't `null`.
pub(crate) type Paths = HashSet<String>;

/// The most paths that a named condition narrows. Beyond, it narrows none.
const MOST_PATHS: usize = 128;

/// The conditions that guard an expression: those around it, and its neighbours in an `and` or `or`.
pub(crate) struct Guards<'g> {
    around: Option<&'g Guards<'g>>,
    /// The number of operands of the `and` or `or` that narrow each path.
    narrowed_by: &'g HashMap<String, usize>,
    /// The paths that the expression narrows by itself, which doesn't guard it.
    own: Paths,
    row: OnceCell<usize>,
}

impl<'g> Guards<'g> {
    pub(crate) fn new(
        around: Option<&'g Guards<'g>>,
        narrowed_by: &'g HashMap<String, usize>,
        own: Paths,
    ) -> Guards<'g> {
        Guards { around, narrowed_by, own, row: OnceCell::new() }
    }

    /// True if the path is present.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let narrowed_by = self.narrowed_by.get(path).copied().unwrap_or(0);
        narrowed_by > usize::from(self.own.contains(path)) || self.around.is_some_and(|around| around.covers(path))
    }

    /// The row of the covered paths in `known`. Equal sets have one row.
    pub(crate) fn row(guards: Option<&Self>, known: &mut HashMap<Vec<String>, usize>) -> usize {
        let mut find = || {
            let mut covered = Paths::new();
            let mut at = guards;
            while let Some(guards) = at {
                covered.extend(guards.narrowed_by.keys().filter(|path| guards.covers(path)).cloned());
                at = guards.around;
            }
            let mut covered: Vec<String> = covered.into_iter().collect();
            covered.sort_unstable();
            let next = known.len();
            *known.entry(covered).or_insert(next)
        };
        match guards {
            Some(guards) => *guards.row.get_or_init(find),
            None => find(),
        }
    }
}

/// The paths that are present if an expression is true, and if it is false.
#[derive(Default, Clone)]
pub(crate) struct Narrowing {
    pub(crate) if_true: Paths,
    pub(crate) if_false: Paths,
}

impl Narrowing {
    fn if_true(if_true: Paths) -> Self {
        Self { if_true, if_false: Paths::new() }
    }

    fn negated(self) -> Self {
        Self { if_true: self.if_false, if_false: self.if_true }
    }

    /// The narrowing of `and`, which is false if any operand is.
    fn all(parts: impl Iterator<Item = Self>) -> Self {
        let joined = parts.reduce(|mut all, part| {
            all.if_true.extend(part.if_true);
            all.if_false.retain(|path| part.if_false.contains(path));
            all
        });
        joined.unwrap_or_default()
    }
}

/// The narrowings of all named conditions, and of each `and` and `or` that was asked for.
pub(crate) struct Narrowings<'c, 't> {
    checker: &'c Checker<'t>,
    conditions: Vec<Narrowing>,
    /// Keyed by span.
    junctions: RefCell<HashMap<Span, Narrowing>>,
}

impl<'c, 't> Narrowings<'c, 't> {
    /// Narrows by all named conditions, each after those that it names.
    pub(crate) fn of_conditions(checker: &'c Checker<'t>) -> Self {
        let declared = &checker.names.conditions;
        let expressions: Vec<&Expression> = declared.values().map(|condition| &condition.expression).collect();
        let references: Vec<Vec<usize>> = expressions
            .iter()
            .map(|expression| {
                let mut rows = Vec::new();
                bare_names(expression, &mut |name| rows.extend(declared.row(&name.node)));
                rows
            })
            .collect();
        let conditions = vec![Narrowing::default(); expressions.len()];
        let mut narrowings = Self { checker, conditions, junctions: RefCell::default() };
        for row in order(&references).rows {
            let Some(mut found) = expressions.get(row).map(|expression| narrowings.narrowing(expression, true)) else {
                continue;
            };
            for paths in [&mut found.if_true, &mut found.if_false] {
                if paths.len() > MOST_PATHS {
                    paths.clear();
                }
            }
            if let Some(slot) = narrowings.conditions.get_mut(row) {
                *slot = found;
            }
        }
        narrowings
    }

    /// The narrowing of an expression. `conditions` is true where bare names are conditions.
    pub(crate) fn narrowing(&self, expression: &Expression, conditions: bool) -> Narrowing {
        // Every `and` and `or` around this one asks for its narrowing.
        let junction = matches!(expression.kind, ExpressionKind::All(_) | ExpressionKind::Any(_));
        if let Some(known) = self.junctions.borrow().get(&expression.span).filter(|_| junction) {
            return known.clone();
        }
        let found = self.find_narrowing(expression, conditions);
        if junction {
            self.junctions.borrow_mut().insert(expression.span, found.clone());
        }
        found
    }

    fn find_narrowing(&self, expression: &Expression, conditions: bool) -> Narrowing {
        let of = |part: &Expression| self.narrowing(part, conditions);
        match &expression.kind {
            ExpressionKind::Call(path, arguments) => match (path.as_slice(), arguments.as_slice()) {
                ([has], [argument]) if has.node == "has" => Narrowing::if_true(paths_in(argument, false)),
                _ => Narrowing::default(),
            },
            ExpressionKind::Is(..) => Narrowing::if_true(Paths::from(["user".to_owned()])),
            ExpressionKind::Binary(left, operator @ (Operator::Equal | Operator::NotEqual), right) => {
                let paths = match (is_null(left), is_null(right)) {
                    (false, true) => paths_in(left, true),
                    (true, false) => paths_in(right, true),
                    _ => return Narrowing::default(),
                };
                let not_equal = Narrowing::if_true(paths);
                if *operator == Operator::NotEqual { not_equal } else { not_equal.negated() }
            }
            ExpressionKind::Path(path) => match path.as_slice() {
                [name] if conditions => {
                    let row = self.checker.names.conditions.row(&name.node);
                    row.and_then(|row| self.conditions.get(row)).cloned().unwrap_or_default()
                }
                _ => Narrowing::default(),
            },
            ExpressionKind::Not(inner) => of(inner).negated(),
            ExpressionKind::All(parts) => Narrowing::all(parts.iter().map(of)),
            // De Morgan: `a or b` is `not (not a and not b)`.
            ExpressionKind::Any(parts) => Narrowing::all(parts.iter().map(|part| of(part).negated())).negated(),
            _ => Narrowing::default(),
        }
    }
}

pub(crate) fn is_null(expression: &Expression) -> bool {
    matches!(expression.kind, ExpressionKind::Literal(Literal::Null))
}

/// The path that an expression reads, and the paths that it leads through.
fn paths_in(expression: &Expression, not_null: bool) -> Paths {
    let ExpressionKind::Path(path) = &expression.kind else { return call_key(expression).into_iter().collect() };
    let mut paths = Paths::new();
    let mut so_far = String::new();
    for (at, name) in path.iter().enumerate() {
        if at > 0 {
            so_far.push('.');
        }
        so_far.push_str(&name.node);
        // Of the roots, only `user` may be absent.
        if at > 0 || path.len() == 1 || name.node == "user" {
            paths.insert(so_far.clone());
        }
    }
    // The paths that it leads through aren't `null` either, but reading on needs a guard of its own for that.
    if not_null {
        paths.insert(format!("{so_far}!"));
    }
    paths
}

/// `request.header("x")` as a path.
pub(crate) fn call_key(expression: &Expression) -> Option<String> {
    let ExpressionKind::Call(path, arguments) = &expression.kind else { return None };
    let [Expression { kind: ExpressionKind::Literal(Literal::String(name)), .. }] = arguments.as_slice() else {
        return None;
    };
    let words: Vec<&str> = path.iter().map(|name| name.node.as_str()).collect();
    // Names of headers are case-insensitive (RFC 9110 §5.1), those of cookies aren't.
    let name = if words.last() == Some(&"header") { name.to_ascii_lowercase() } else { name.clone() };
    Some(format!("{}({name:?})", words.join(".")))
}

/// Visits every bare name in an expression, which may name a condition.
pub(crate) fn bare_names<'e>(expression: &'e Expression, visit: &mut impl FnMut(&'e Text)) {
    expression.visit(&mut |part| {
        if let ExpressionKind::Path(path) = &part.kind
            && let [name] = path.as_slice()
        {
            visit(name);
        }
    });
}
