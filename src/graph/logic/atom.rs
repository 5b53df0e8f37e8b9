//! Conditions as formulas over atoms: a test of one attribute against constants, or an opaque expression.

use crate::collections::table::Id;
use crate::model::operator::Operator;
use crate::model::value::Value;
use crate::typed::{Attribute, Condition, Expr, Read, Role, Type, TypedPolicy};

/// A condition as atoms and connectives.
#[derive(Debug, Clone)]
pub(crate) enum Formula {
    Constant(bool),
    HasUser,
    Is(Id<Role>),
    Atom(Atom),
    Not(Box<Formula>),
    All(Vec<Formula>),
    Any(Vec<Formula>),
    Condition(Id<Condition>),
}

/// A part of a condition that one variable decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Atom {
    Test(AttributeTest),
    /// Any other expression. It is true, false or unknown.
    Opaque(Expr),
}

/// A test of one attribute against constants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AttributeTest {
    /// A read, or a field of a read.
    pub(crate) path: Expr,
    /// The value that counts if the attribute is absent.
    pub(crate) default: Option<Value>,
    pub(crate) predicate: Predicate,
}

impl AttributeTest {
    /// The kind of its constants. `None` if it has none.
    pub(crate) fn kind(&self) -> Option<ValueKind> {
        match self.predicate {
            Predicate::True => Some(ValueKind::Bool),
            _ => self.predicate.constants().first().and_then(ValueKind::of),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Predicate {
    Present,
    Null,
    /// The attribute is a `bool`, and true.
    True,
    /// Equal to one of these, or an address of one of these networks.
    OneOf(Vec<Value>),
    /// An address of this network.
    In(Value),
    Below(Value),
    Above(Value),
}

impl Predicate {
    pub(crate) fn constants(&self) -> &[Value] {
        match self {
            Self::Present | Self::Null | Self::True => &[],
            Self::OneOf(values) => values,
            Self::In(value) | Self::Below(value) | Self::Above(value) => std::slice::from_ref(value),
        }
    }
}

impl Formula {
    pub(crate) fn of(expr: &Expr, policy: &TypedPolicy) -> Self {
        let of = |expr: &Expr| Self::of(expr, policy);
        match expr {
            Expr::Constant(Value::Bool(value)) => Self::Constant(*value),
            Expr::HasUser => Self::HasUser,
            Expr::Is(role) => Self::Is(*role),
            Expr::Not(inner) => of(inner).negated(),
            Expr::All(parts) => Self::All(parts.iter().map(of).collect()),
            Expr::Any(parts) => Self::Any(parts.iter().map(of).collect()),
            Expr::Condition(id) => Self::Condition(*id),
            Expr::Binary(operator, left, right) => Self::comparison(*operator, left, right, policy),
            Expr::Has(of) => match path_of(of) {
                Some(path) => Self::test(path, None, Predicate::Present),
                None => Self::opaque(expr.clone()),
            },
            Expr::IsNull(of) => match path_of(of) {
                Some(path) => Self::test(path, None, Predicate::Null),
                None => Self::opaque(expr.clone()),
            },
            _ => match subject(expr) {
                Some((path, default @ (None | Some(Value::Bool(_))))) => Self::test(path, default, Predicate::True),
                _ => Self::opaque(expr.clone()),
            },
        }
    }

    fn negated(self) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(!value),
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    fn test(path: Expr, default: Option<Value>, predicate: Predicate) -> Self {
        Self::Atom(Atom::Test(AttributeTest { path, default, predicate }))
    }

    fn opaque(expr: Expr) -> Self {
        Self::Atom(Atom::Opaque(expr))
    }

    /// Comparisons that are the opposite or the mirror image of another one are expressed by that one.
    fn comparison(operator: Operator, left: &Expr, right: &Expr, policy: &TypedPolicy) -> Self {
        let alike = |operator, left, right| Self::comparison(operator, left, right, policy);
        let test = match operator {
            Operator::NotEqual => return alike(Operator::Equal, left, right).negated(),
            Operator::Greater => return alike(Operator::Less, right, left),
            Operator::LessOrEqual => return alike(Operator::Less, right, left).negated(),
            Operator::GreaterOrEqual => return alike(Operator::Less, left, right).negated(),
            Operator::In => return alike(Operator::Contains, right, left),
            Operator::Equal => one_constant(left, right)
                .or_else(|| one_constant(right, left))
                .map(|(of, value)| (of, Predicate::OneOf(vec![value]))),
            Operator::Less => one_constant(left, right)
                .map(|(of, value)| (of, Predicate::Below(value)))
                .or_else(|| one_constant(right, left).map(|(of, value)| (of, Predicate::Above(value)))),
            Operator::Contains => one_constant(right, left).map(|(of, whole)| match whole {
                Value::List(values) => (of, Predicate::OneOf(values.to_vec())),
                other => (of, Predicate::In(other)),
            }),
            // Any other operator relates two values, or is opaque.
            _ => None,
        };
        match test {
            Some(((path, default), predicate)) if is_testable(&path, default.as_ref(), &predicate, policy) => {
                Self::test(path, default, predicate)
            }
            _ => Self::opaque(Expr::Binary(operator, Box::new(folded(left)), Box::new(folded(right)))),
        }
    }
}

fn one_constant(of: &Expr, with: &Expr) -> Option<((Expr, Option<Value>), Value)> {
    Some((subject(of)?, constant(with)?))
}

/// True if the constants have one kind and divide the attribute's values into classes.
fn is_testable(path: &Expr, default: Option<&Value>, predicate: &Predicate, policy: &TypedPolicy) -> bool {
    let mut kinds = predicate.constants().iter().chain(default).map(ValueKind::of);
    let Some(Some(kind)) = kinds.next() else { return false };
    let sound = match (predicate, kind) {
        (Predicate::Below(_) | Predicate::Above(_), ValueKind::Number | ValueKind::Timestamp | ValueKind::Duration) => {
            true
        }
        (Predicate::Below(_) | Predicate::Above(_), ValueKind::Bool | ValueKind::Text | ValueKind::Address) => false,
        (Predicate::In(network), _) => matches!(network, Value::Network(_)),
        (Predicate::OneOf(_) | Predicate::Present | Predicate::Null | Predicate::True, _) => true,
    };
    sound && kinds.all(|other| other == Some(kind)) && (kind != ValueKind::Address || is_address(path, policy))
}

/// True if the attribute is an address, and never a network.
fn is_address(path: &Expr, policy: &TypedPolicy) -> bool {
    let is_ip = |attribute: &Attribute| match &attribute.ty {
        Type::Nullable(ty) => **ty == Type::Ip,
        ty => *ty == Type::Ip,
    };
    match path {
        Expr::Read(Read::ClientIp) => true,
        Expr::Read(Read::UserAttribute(id)) => is_ip(&policy.attributes[*id]),
        Expr::Read(Read::Context(id)) => is_ip(&policy.context[*id]),
        Expr::Read(Read::Resource(name)) => {
            let declared = policy.resources.iter().filter_map(|resource| resource.attribute(resource.slot(*name)?));
            declared.into_iter().all(is_ip)
        }
        _ => false,
    }
}

/// Kinds of values that can be ordered or compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ValueKind {
    Bool,
    Text,
    Number,
    Timestamp,
    Duration,
    Address,
}

/// Every integer up to this one is a float exactly.
const EXACT: u64 = 1 << 53;
/// 2^-11: smaller floats have no exact position on the line of numbers.
const SMALLEST: f64 = 1.0 / 2048.0;

impl ValueKind {
    /// The kind of a constant. `None` if no test can have it.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(_) => Some(Self::Bool),
            Value::String(_) => Some(Self::Text),
            Value::Int(value) => (value.unsigned_abs() <= EXACT).then_some(Self::Number),
            #[expect(clippy::cast_precision_loss, reason = "a power of two")]
            Value::Float(value) => {
                let size = value.abs();
                (size == 0.0 || (SMALLEST..=EXACT as f64).contains(&size)).then_some(Self::Number)
            }
            Value::Timestamp(_) => Some(Self::Timestamp),
            Value::Duration(_) => Some(Self::Duration),
            Value::Ip(_) | Value::Network(_) => Some(Self::Address),
            Value::Null | Value::List(_) | Value::Record(_) => None,
        }
    }
}

/// An attribute and its default.
fn subject(expr: &Expr) -> Option<(Expr, Option<Value>)> {
    match expr {
        Expr::Coalesce(operands) => match operands.as_slice() {
            [of, default] => Some((path_of(of)?, Some(constant(default)?))),
            _ => None,
        },
        _ => Some((path_of(expr)?, None)),
    }
}

fn path_of(expr: &Expr) -> Option<Expr> {
    match expr {
        // Conditions on the list of scopes are about its elements.
        Expr::Read(Read::UserScopes) => None,
        Expr::Read(_) => Some(expr.clone()),
        Expr::Field(of, _) => path_of(of).map(|_| expr.clone()),
        _ => None,
    }
}

fn constant(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Constant(value) => Some(value.clone()),
        Expr::List(items) => items.iter().map(constant).collect::<Option<_>>().map(Value::List),
        _ => None,
    }
}

/// Makes lists of constants once, and not at each decision.
fn folded(expr: &Expr) -> Expr {
    constant(expr).map_or_else(|| expr.clone(), Expr::Constant)
}
