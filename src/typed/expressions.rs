//! Typed expressions, in which all names are resolved. They don't depend on their place, so rules can share a condition.

use std::hash::{Hash, Hasher};

use http::HeaderName;
use regex::Regex;

use crate::collections::table::Id;
use crate::model::operator::Operator;
use crate::model::value::Value;
use crate::typed::roles::Role;
use crate::typed::types::Attribute;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Expr {
    Constant(Value),
    Read(Read),
    Field(Box<Expr>, String),
    List(Vec<Expr>),
    /// In the order of the fields' names.
    Record(Vec<(String, Expr)>),
    /// `a ?? b`: the first operand that isn't absent.
    Coalesce(Vec<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `has(x)`: `x` isn't absent.
    Has(Box<Expr>),
    /// `has(user)`
    HasUser,
    /// `x == null`: `x` is absent or `null`.
    IsNull(Box<Expr>),
    /// `user is ROLE`
    Is(Id<Role>),
    Matches(Box<Expr>, Pattern),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Condition(Id<Condition>),
}

/// A regex. Two patterns are equal if their texts are.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(pub(crate) Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

/// A value that an expression reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Read {
    /// The position among the token's claims.
    Claim(usize),
    /// An attribute of the account that a token is issued for.
    Account(Id<Attribute>),
    UserId,
    UserTier,
    UserScopes,
    /// The name of the token that authenticated the user.
    UserToken,
    UserAttribute(Id<Attribute>),
    ResourceId,
    /// The name of an attribute of the resource that is asked about.
    Resource(Id<String>),
    Context(Id<Attribute>),
    Method,
    Path,
    Host,
    Origin,
    Header(HeaderName),
    Cookie(String),
    Param(String),
    Query(String),
    Body(String),
    /// A field beside a schema's `check`.
    Sibling(String),
    ClientIp,
    Now,
}

impl Expr {
    /// True if a part of the expression satisfies `test`. The parts of named conditions aren't visited.
    pub(crate) fn any(&self, test: &mut impl FnMut(&Self) -> bool) -> bool {
        if test(self) {
            return true;
        }
        match self {
            Self::Constant(_) | Self::Read(_) | Self::HasUser | Self::Is(_) | Self::Condition(_) => false,
            Self::Field(of, _) | Self::Has(of) | Self::IsNull(of) | Self::Not(of) | Self::Matches(of, _) => {
                of.any(test)
            }
            Self::List(parts) | Self::Coalesce(parts) | Self::All(parts) | Self::Any(parts) => {
                parts.iter().any(|part| part.any(test))
            }
            Self::Record(fields) => fields.iter().any(|(_, value)| value.any(test)),
            Self::Binary(_, left, right) => left.any(test) || right.any(test),
        }
    }
}

/// The kinds of data that an expression depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) user: bool,
    pub(crate) resource: bool,
    /// The body or the query.
    pub(crate) input: bool,
}

impl Reads {
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            user: self.user || other.user,
            resource: self.resource || other.resource,
            input: self.input || other.input,
        }
    }
}

/// A named condition.
#[derive(Debug)]
pub(crate) struct Condition {
    /// The constant false if nothing uses it, as it was never typed.
    pub(crate) expr: Expr,
    pub(crate) reads: Reads,
    /// True if it names other conditions, so that its outcome is worth remembering.
    pub(crate) compound: bool,
}
