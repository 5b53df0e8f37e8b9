//! The conditions that the solver is complete for: if it finds no values for these, there are none.

use crate::analyze::solver::space::{Slot, SlotInfo, Space, root};
use crate::model::operator::Operator;
use crate::model::value::Value;
use crate::typed::{Expr, Type};

impl Space<'_> {
    /// True if the values that the solver tries reach every outcome of a condition: for equality and membership of reads,
    /// prefixes, orders, and differences of two numbers or times.
    pub(crate) fn is_simple(&self, instance: usize, expr: &Expr) -> bool {
        let simple = |expr: &Expr| self.is_simple(instance, expr);
        match expr {
            Expr::Not(inner) => simple(inner),
            Expr::All(parts) | Expr::Any(parts) => parts.iter().all(simple),
            Expr::Condition(id) => simple(&self.scenario.policy.conditions[*id].expr),
            Expr::Has(of) | Expr::IsNull(of) => self.is_plain(instance, of),
            Expr::HasUser => true,
            Expr::Binary(operator, left, right) => self.is_simple_comparison(instance, *operator, left, right),
            Expr::Is(_) | Expr::Matches(..) => false,
            _ => self.is_plain(instance, expr),
        }
    }

    fn is_simple_comparison(&self, instance: usize, operator: Operator, left: &Expr, right: &Expr) -> bool {
        let plain = self.is_plain(instance, left) && self.is_plain(instance, right);
        match operator {
            Operator::StartsWith => plain && root(left).is_some() && matches!(right, Expr::Constant(Value::String(_))),
            Operator::In | Operator::Contains => {
                let whole = if operator == Operator::In { right } else { left };
                plain && !self.is_text(instance, whole)
            }
            Operator::ContainsAll | Operator::Intersects => plain,
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => plain || self.is_difference(instance, left, right),
            // The solver isn't complete for any other operator.
            _ => false,
        }
    }

    /// True for reads, constants, and lists and `??` of these.
    fn is_plain(&self, instance: usize, expr: &Expr) -> bool {
        match expr {
            Expr::Constant(Value::Float(_) | Value::Network(_)) => false,
            Expr::Constant(_) => true,
            Expr::Read(_) | Expr::Field(..) if root(expr).is_some() => match self.type_of(instance, expr) {
                Some(Type::Float | Type::Record(_) | Type::Shape(_) | Type::Opaque) => false,
                Some(Type::List(item)) => !matches!(
                    **item,
                    Type::Float | Type::Record(_) | Type::Shape(_) | Type::List(_) | Type::Nullable(_)
                ),
                _ => true,
            },
            Expr::List(parts) | Expr::Coalesce(parts) => parts.iter().all(|part| self.is_plain(instance, part)),
            _ => false,
        }
    }

    fn is_text(&self, instance: usize, expr: &Expr) -> bool {
        match expr {
            Expr::Constant(value) => matches!(value, Value::String(_)),
            Expr::Coalesce(parts) => parts.iter().any(|part| self.is_text(instance, part)),
            _ => {
                matches!(self.type_of(instance, expr), Some(Type::String | Type::Enum(_)))
            }
        }
    }

    /// The type of a path's values other than `null`.
    fn type_of(&self, instance: usize, path: &Expr) -> Option<&Type> {
        let of = |instance| self.slots.get(&Slot { instance, path: path.clone() });
        of(instance).or_else(|| of(0)).and_then(SlotInfo::not_null)
    }

    /// True if a comparison is equivalent to one of `x - y`, or of `x`, with a constant.
    fn is_difference(&self, instance: usize, left: &Expr, right: &Expr) -> bool {
        let mut terms = Vec::new();
        if !(self.terms(instance, left, true, &mut terms) && self.terms(instance, right, false, &mut terms)) {
            return false;
        }
        match terms.as_slice() {
            [] | [_] => true,
            [(one, plus), (other, minus)] => plus != minus && one != other,
            _ => false,
        }
    }

    /// Collects the terms of a sum other than constants, each with its sign. Returns false if they aren't all numbers or times.
    fn terms<'e>(&self, instance: usize, expr: &'e Expr, plus: bool, out: &mut Vec<(&'e Expr, bool)>) -> bool {
        match expr {
            Expr::Constant(Value::Int(_) | Value::Timestamp(_) | Value::Duration(_)) => true,
            Expr::Binary(operator @ (Operator::Add | Operator::Subtract), left, right) => {
                let plus_right = plus == (*operator == Operator::Add);
                self.terms(instance, left, plus, out) && self.terms(instance, right, plus_right, out)
            }
            Expr::Coalesce(operands) => match operands.as_slice() {
                [of, Expr::Constant(_)] => self.terms(instance, of, plus, out),
                _ => false,
            },
            _ => {
                out.push((expr, plus));
                matches!(self.type_of(instance, expr), Some(Type::Int | Type::Timestamp | Type::Duration))
            }
        }
    }
}
