//! Conditions taken apart, down to what is one question: about one attribute and constants, or anything else.

use crate::collections::table::Id;
use crate::model::operator::Operator;
use crate::model::value::Value;
use crate::typed::{Attribute, Condition, Expr, Read, Role, Type, TypedPolicy};

/// A condition, as questions and what joins them.
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

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Atom {
    /// About one attribute, which decides it by itself.
    Test(Test),
    /// Anything else, which is true, false or unknown.
    Opaque(Expr),
}

/// A question about one attribute and constants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Test {
    /// What is read, or a field of that.
    pub(crate) path: Expr,
    /// What counts where it is absent.
    pub(crate) default: Option<Value>,
    pub(crate) is: Is,
}

impl Test {
    /// What its constants are; `None` where it has none.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self.is {
            Is::True => Some(Kind::Bool),
            _ => self.is.constants().first().and_then(Kind::of),
        }
    }
}

/// What is asked of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Is {
    Present,
    Null,
    /// True by itself.
    True,
    /// One of these, or, for an address, in one of these networks.
    OneOf(Vec<Value>),
    /// An address of this network.
    In(Value),
    Below(Value),
    Above(Value),
}

impl Is {
    pub(crate) fn constants(&self) -> &[Value] {
        match self {
            Self::Present | Self::Null | Self::True => &[],
            Self::OneOf(values) => values,
            Self::In(value) | Self::Below(value) | Self::Above(value) => std::slice::from_ref(value),
        }
    }
}

impl Formula {
    /// Takes a condition apart.
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
                Some(path) => Self::test(path, None, Is::Present),
                None => Self::opaque(expr.clone()),
            },
            Expr::IsNull(of) => match path_of(of) {
                Some(path) => Self::test(path, None, Is::Null),
                None => Self::opaque(expr.clone()),
            },
            _ => match subject(expr) {
                Some((path, default @ (None | Some(Value::Bool(_))))) => Self::test(path, default, Is::True),
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

    fn test(path: Expr, default: Option<Value>, is: Is) -> Self {
        Self::Atom(Atom::Test(Test { path, default, is }))
    }

    fn opaque(expr: Expr) -> Self {
        Self::Atom(Atom::Opaque(expr))
    }

    /// A comparison that is the opposite of another, or the same with its operands swapped, becomes the other one.
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
                .map(|(of, value)| (of, Is::OneOf(vec![value]))),
            Operator::Less => one_constant(left, right)
                .map(|(of, value)| (of, Is::Below(value)))
                .or_else(|| one_constant(right, left).map(|(of, value)| (of, Is::Above(value)))),
            Operator::Contains => one_constant(right, left).map(|(of, whole)| match whole {
                Value::List(values) => (of, Is::OneOf(values.to_vec())),
                other => (of, Is::In(other)),
            }),
            // Any other operator relates two values, or is opaque.
            _ => None,
        };
        match test {
            Some(((path, default), is)) if is_plain(&path, default.as_ref(), &is, policy) => {
                Self::test(path, default, is)
            }
            _ => Self::opaque(Expr::Binary(operator, Box::new(folded(left)), Box::new(folded(right)))),
        }
    }
}

/// An attribute and the constant that it is compared with.
fn one_constant(of: &Expr, with: &Expr) -> Option<((Expr, Option<Value>), Value)> {
    Some((subject(of)?, constant(with)?))
}

/// Whether a test's constants are of one kind, and tell the attribute's values apart.
fn is_plain(path: &Expr, default: Option<&Value>, is: &Is, policy: &TypedPolicy) -> bool {
    let mut kinds = is.constants().iter().chain(default).map(Kind::of);
    let Some(Some(kind)) = kinds.next() else { return false };
    let sound = match (is, kind) {
        (Is::Below(_) | Is::Above(_), Kind::Number | Kind::Timestamp | Kind::Duration) => true,
        (Is::Below(_) | Is::Above(_), Kind::Bool | Kind::Text | Kind::Address) => false,
        (Is::In(network), _) => matches!(network, Value::Network(_)),
        (Is::OneOf(_) | Is::Present | Is::Null | Is::True, _) => true,
    };
    sound && kinds.all(|other| other == Some(kind)) && (kind != Kind::Address || holds_addresses(path, policy))
}

/// Whether what is read is an address, and never a network.
fn holds_addresses(path: &Expr, policy: &TypedPolicy) -> bool {
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
/// What values can be ordered or told apart by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Bool,
    Text,
    Number,
    Timestamp,
    Duration,
    Address,
}

/// Up to here every integer is a float.
const EXACT: u64 = 1 << 53;
/// 2^-11
const SMALLEST: f64 = 1.0 / 2048.0;

impl Kind {
    /// The kind of a constant that can be one of a test.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(_) => Some(Self::Bool),
            Value::String(_) => Some(Self::Text),
            // Beyond, integers and floats don't tell each other apart; and so small a float has no place on the line.
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

/// An attribute, and what counts where it is absent.
fn subject(expr: &Expr) -> Option<(Expr, Option<Value>)> {
    match expr {
        Expr::Coalesce(operands) => match operands.as_slice() {
            [of, default] => Some((path_of(of)?, Some(constant(default)?))),
            _ => None,
        },
        _ => Some((path_of(expr)?, None)),
    }
}

/// What is read, or a field of that.
fn path_of(expr: &Expr) -> Option<Expr> {
    match expr {
        // These are lists, of which nothing is asked but what is inside.
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

/// Lists of constants are made once, and not at each decision.
fn folded(expr: &Expr) -> Expr {
    constant(expr).map_or_else(|| expr.clone(), Expr::Constant)
}
