//! Typed expressions: every name a place to read from, every type fitting. They don't depend on where they stand, so a
//! condition that several rules share is one.

use std::hash::{Hash, Hasher};

use http::HeaderName;
use regex::Regex;

use crate::collections::table::Id;
use crate::model::value::Value;
use crate::typed::{Attribute, Condition, Role};

/// An expression whose names are resolved and whose types fit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Expr {
    Constant(Value),
    Read(Read),
    /// A field of a record.
    Field(Box<Expr>, String),
    List(Vec<Expr>),
    /// In the order of the fields' names.
    Record(Vec<(String, Expr)>),
    /// The first that isn't absent.
    Coalesce(Vec<Expr>),
    Add(Box<Expr>, Box<Expr>),
    Subtract(Box<Expr>, Box<Expr>),
    /// `has(x)`: it isn't absent.
    Has(Box<Expr>),
    /// `has(user)`
    HasUser,
    /// `x == null`: it is absent, or null.
    IsNull(Box<Expr>),
    /// `user is ROLE`
    Is(Id<Role>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Matches(Box<Expr>, Pattern),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Condition(Id<Condition>),
}

/// A regex, the same as another that is written alike.
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

/// A test of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Contains,
    ContainsAll,
    Intersects,
    StartsWith,
    EndsWith,
}

/// What an expression can read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Read {
    /// By position in the token's claims.
    Claim(usize),
    /// An attribute of the account that a token is issued for.
    Account(Id<Attribute>),
    UserId,
    UserTier,
    UserScopes,
    /// The name of the token that made the user.
    UserToken,
    UserAttribute(Id<Attribute>),
    ResourceId,
    /// An attribute of whichever resource is asked about, by its name.
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
    /// Whether some part of the expression satisfies `test`; conditions aren't looked into.
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
            Self::Add(left, right) | Self::Subtract(left, right) | Self::Compare(_, left, right) => {
                left.any(test) || right.any(test)
            }
        }
    }
}

/// What an expression depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// The caller, in any way.
    pub(crate) user: bool,
    pub(crate) resource: bool,
    /// The body or the query, which are known last.
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
