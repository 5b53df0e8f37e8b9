//! The route table.

use http::Method;

use crate::collections::table::Id;
use crate::model::keywords::ParameterType;
use crate::model::source::Span;
use crate::typed::browser::{Cors, HeaderSet};
use crate::typed::callers::Token;
use crate::typed::expressions::{Expr, Reads};
use crate::typed::limits::Limit;
use crate::typed::permissions::{Permission, Resource};
use crate::typed::roles::Scope;
use crate::typed::schemas::Shape;

/// One door.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) span: Span,
    pub(crate) method: Method,
    pub(crate) path: Vec<PathSegment>,
    pub(crate) access: Access,
    pub(crate) limits: Vec<Id<Limit>>,
    pub(crate) csrf: bool,
    pub(crate) cors: Option<Id<Cors>>,
    pub(crate) headers: Id<HeaderSet>,
    /// The shape of the query; without one, the query passes unread.
    pub(crate) query: Option<Id<Shape>>,
    pub(crate) body: BodyRule,
    pub(crate) service: Service,
    /// The user and the password of a login.
    pub(crate) login: Option<(Expr, Expr)>,
    /// The tokens that it issues.
    pub(crate) issues: Vec<Id<Token>>,
}

impl Route {
    /// True if a caller without permissions can enter, or is made here.
    pub(crate) fn enters_without_permission(&self) -> bool {
        self.access.requirements.is_empty() && (self.access.authenticated || self.service.makes_callers())
    }

    /// True if a caller without permissions can enter, known from the start.
    pub(crate) fn is_open_to_callers(&self) -> bool {
        self.access.requirements.is_empty() && self.access.authenticated
    }
}

/// A segment of a route's whole path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum PathSegment {
    Literal(String),
    Parameter { name: String, ty: ParameterType },
    Rest(String),
}

/// The requirements on callers.
#[derive(Debug)]
pub(crate) struct Access {
    /// Anonymous callers, too.
    pub(crate) public: bool,
    /// True for `authenticated`, which no `allow anyone` overrules.
    pub(crate) authenticated: bool,
    /// All of them must hold.
    pub(crate) requirements: Vec<Requirement>,
    /// Asked of callers that come with scopes.
    pub(crate) scopes: Vec<Id<Scope>>,
    /// All of them must be true.
    pub(crate) whens: Vec<When>,
    /// The path parameters that hold the ids of resources, one a resource.
    pub(crate) subjects: Vec<Subject>,
    /// 404 in place of a 403.
    pub(crate) conceal: bool,
}

/// A condition of a route.
#[derive(Debug)]
pub(crate) struct When {
    pub(crate) span: Span,
    pub(crate) expr: Expr,
    pub(crate) reads: Reads,
}

/// `on RESOURCE(PARAM)`
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) span: Span,
    pub(crate) resource: Id<Resource>,
    pub(crate) parameter: String,
}

/// One of these permissions.
#[derive(Debug, Clone)]
pub(crate) struct Requirement {
    pub(crate) span: Span,
    pub(crate) any_of: Vec<Id<Permission>>,
}

/// The body that a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum BodyRule {
    /// None at all.
    Empty,
    /// Any, unread.
    Raw,
    /// JSON of this shape.
    Shape(Id<Shape>),
    /// JSON with this token in the field that it is carried in.
    Token(Id<Token>),
}

/// The service behind a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// The host's handler.
    Handler,
    /// The policy: it answers with a CSRF token.
    IssueCsrf,
    /// The policy: it exchanges this token for fresh ones.
    Rotate(Id<Token>),
    /// The policy: it takes this token out of use.
    Revoke(Id<Token>),
    /// The policy: it issues tokens for a password.
    Login,
    /// The policy: it sends the caller to a provider.
    Redirect,
    /// The policy: it issues tokens for a provider's word.
    Callback,
}

impl Service {
    /// True if tokens are issued to a caller who isn't known before.
    pub(crate) fn makes_callers(self) -> bool {
        matches!(self, Self::Rotate(_) | Self::Login | Self::Callback)
    }

    /// The service that this version can't provide, if it is one of those.
    pub(crate) fn unavailable(self) -> Option<&'static str> {
        match self {
            Self::Handler | Self::IssueCsrf | Self::Rotate(_) | Self::Revoke(_) | Self::Login => None,
            Self::Redirect => Some("this version doesn't log in with providers"),
            Self::Callback => Some("this version doesn't take callbacks of providers"),
        }
    }
}
