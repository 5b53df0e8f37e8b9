//! Which conditions the solver is complete for: where it finds no values for these, there are none.

use crate::analyze::solver::space::{Place, Space, root};
use crate::model::operator::Operator;
use crate::model::value::Value;
use crate::typed::{Expr, Type};

impl Space<'_> {
    /// Whether every way that a condition can come out is found among the values that the solver tries: equalities and
    /// membership of what is read, beginnings of texts, orders, and differences of two numbers or times.
    pub(crate) fn is_simple(&self, thing: usize, expr: &Expr) -> bool {
        let simple = |expr: &Expr| self.is_simple(thing, expr);
        match expr {
            Expr::Not(inner) => simple(inner),
            Expr::All(parts) | Expr::Any(parts) => parts.iter().all(simple),
            Expr::Condition(id) => simple(&self.scenario.policy.conditions[*id].expr),
            Expr::Has(of) | Expr::IsNull(of) => self.is_plain(thing, of),
            Expr::HasUser => true,
            Expr::Binary(operator, left, right) => self.is_simple_comparison(thing, *operator, left, right),
            Expr::Is(_) | Expr::Matches(..) => false,
            _ => self.is_plain(thing, expr),
        }
    }

    fn is_simple_comparison(&self, thing: usize, operator: Operator, left: &Expr, right: &Expr) -> bool {
        let plain = self.is_plain(thing, left) && self.is_plain(thing, right);
        match operator {
            Operator::StartsWith => plain && root(left).is_some() && matches!(right, Expr::Constant(Value::String(_))),
            Operator::In | Operator::Contains => {
                let whole = if operator == Operator::In { right } else { left };
                plain && !self.is_text(thing, whole)
            }
            Operator::ContainsAll | Operator::Intersects => plain,
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => plain || self.is_difference(thing, left, right),
            // The values that are tried aren't complete for any other operator.
            _ => false,
        }
    }

    /// What is read as a whole or written out, or the first of such.
    fn is_plain(&self, thing: usize, expr: &Expr) -> bool {
        match expr {
            Expr::Constant(Value::Float(_) | Value::Network(_)) => false,
            Expr::Constant(_) => true,
            Expr::Read(_) | Expr::Field(..) if root(expr).is_some() => {
                let ty = self.type_of(thing, expr);
                let bare = ty.map(|ty| if let Type::Nullable(inner) = ty { inner } else { ty });
                match bare {
                    Some(Type::Float | Type::Record(_) | Type::Shape(_) | Type::Opaque) => false,
                    Some(Type::List(item)) => !matches!(
                        **item,
                        Type::Float | Type::Record(_) | Type::Shape(_) | Type::List(_) | Type::Nullable(_)
                    ),
                    _ => true,
                }
            }
            Expr::List(parts) | Expr::Coalesce(parts) => parts.iter().all(|part| self.is_plain(thing, part)),
            _ => false,
        }
    }

    fn is_text(&self, thing: usize, expr: &Expr) -> bool {
        match expr {
            Expr::Constant(value) => matches!(value, Value::String(_)),
            Expr::Coalesce(parts) => parts.iter().any(|part| self.is_text(thing, part)),
            _ => {
                let ty = self.type_of(thing, expr);
                let bare = ty.map(|ty| if let Type::Nullable(inner) = ty { inner } else { ty });
                matches!(bare, Some(Type::String | Type::Enum(_)))
            }
        }
    }

    fn type_of(&self, thing: usize, path: &Expr) -> Option<&Type> {
        let of = |thing| self.cells.get(&Place { thing, path: path.clone() });
        of(thing).or_else(|| of(0)).and_then(|cell| cell.room.ty.as_ref())
    }

    /// Whether both sides come to `x - y` against a constant, or to less.
    fn is_difference(&self, thing: usize, left: &Expr, right: &Expr) -> bool {
        let mut terms = Vec::new();
        if !(self.terms(thing, left, true, &mut terms) && self.terms(thing, right, false, &mut terms)) {
            return false;
        }
        match terms.as_slice() {
            [] | [_] => true,
            [(one, plus), (other, minus)] => plus != minus && one != other,
            _ => false,
        }
    }

    /// What is added and taken away, but for constants.
    fn terms<'e>(&self, thing: usize, expr: &'e Expr, plus: bool, out: &mut Vec<(&'e Expr, bool)>) -> bool {
        match expr {
            Expr::Constant(Value::Int(_) | Value::Timestamp(_) | Value::Duration(_)) => true,
            Expr::Binary(operator @ (Operator::Add | Operator::Subtract), left, right) => {
                let plus_right = plus == (*operator == Operator::Add);
                self.terms(thing, left, plus, out) && self.terms(thing, right, plus_right, out)
            }
            Expr::Coalesce(operands) => match operands.as_slice() {
                [of, Expr::Constant(_)] => self.terms(thing, of, plus, out),
                _ => false,
            },
            _ => {
                out.push((expr, plus));
                let ty = self.type_of(thing, expr);
                let bare = ty.map(|ty| if let Type::Nullable(inner) = ty { inner } else { ty });
                matches!(bare, Some(Type::Int | Type::Timestamp | Type::Duration))
            }
        }
    }
}
