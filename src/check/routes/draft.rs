//! A route while its clauses are read.

use std::collections::{HashMap, HashSet};

use crate::check::browser::cors::CorsBlocks;
use crate::check::browser::header::HeaderSets;
use crate::check::callers::provider::Return;
use crate::check::checker::Checker;
use crate::check::permissions::attribute::Attributes;
use crate::check::permissions::permission::PermissionIndex;
use crate::check::schemas::shapes::Shapes;
use crate::collections::table::{Id, Table};
use crate::model::source::Span;
use crate::syntax::tree::{ClauseKind, Expression, Login, Text};
use crate::typed::schemas::Shape;
use crate::typed::{BodyRule, Cors, HeaderSet, Limit, Requirement, Scope, Token};

/// Turns the blocks of routes into routes: the declarations that clauses name, and the queries checked so far.
pub(crate) struct RouteChecker<'c, 't> {
    pub(crate) checker: &'c Checker<'t>,
    pub(crate) shapes: &'c Shapes,
    pub(crate) attributes: &'c Attributes,
    pub(crate) permissions: &'c mut PermissionIndex,
    pub(crate) scopes: &'c Table<Scope>,
    pub(crate) tokens: &'c Table<Token>,
    pub(crate) limits: Vec<Id<Limit>>,
    pub(crate) cors: &'c CorsBlocks,
    pub(crate) headers: &'c HeaderSets,
    /// One a provider, by its name.
    pub(crate) returns: &'c HashMap<String, Return>,
    /// Schemas of queries whose fields were checked.
    pub(crate) queries: HashSet<Id<Shape>>,
}

/// The sum of the clauses of a block and of one of its routes.
#[derive(Clone, Default)]
pub(crate) struct RouteDraft<'t> {
    pub(crate) access: AccessDraft<'t>,
    pub(crate) query: Option<Id<Shape>>,
    pub(crate) body: Option<BodyRule>,
    pub(crate) limits: Vec<Id<Limit>>,
    pub(crate) csrf: bool,
    /// `Some(None)` for `no cors`.
    pub(crate) cors: Option<Option<Id<Cors>>>,
    pub(crate) headers: Option<Id<HeaderSet>>,
    pub(crate) services: Vec<ServiceClause<'t>>,
    /// The tokens that it issues, declared or not.
    pub(crate) issues: Vec<&'t Text>,
    /// The number of clauses so far that add up.
    pub(crate) added: usize,
}

/// The clauses that say who may enter.
#[derive(Clone, Default)]
pub(crate) struct AccessDraft<'t> {
    pub(crate) public: Option<Span>,
    pub(crate) authenticated: Option<Span>,
    pub(crate) requirements: Vec<Requirement>,
    /// True if it requires a permission, declared or not.
    pub(crate) requires: bool,
    pub(crate) scopes: Vec<Id<Scope>>,
    pub(crate) whens: Vec<&'t Expression>,
    pub(crate) subjects: Vec<SubjectClause<'t>>,
    pub(crate) conceal: bool,
}

/// `on RESOURCE(PARAM)`
#[derive(Clone, Copy)]
pub(crate) struct SubjectClause<'t> {
    pub(crate) span: Span,
    pub(crate) resource: &'t Text,
    pub(crate) parameter: &'t Text,
}

/// A clause that makes the policy itself serve a route.
#[derive(Clone, Copy)]
pub(crate) struct ServiceClause<'t> {
    pub(crate) span: Span,
    pub(crate) kind: ServiceKind<'t>,
}

#[derive(Clone, Copy)]
pub(crate) enum ServiceKind<'t> {
    IssuesCsrf,
    Password(PasswordLogin<'t>),
    Provider(&'t Text),
    Callback(&'t Text),
    Rotates(&'t Text),
    Revokes(&'t Text),
}

/// `login with password(USER, PASSWORD)`
#[derive(Clone, Copy)]
pub(crate) struct PasswordLogin<'t> {
    pub(crate) user: &'t Expression,
    pub(crate) password: &'t Expression,
}

impl<'t> ServiceKind<'t> {
    /// The service that a clause asks for; `issues csrf` apart, which shares its clause with tokens.
    pub(crate) fn of(clause: &'t ClauseKind) -> Option<Self> {
        match clause {
            ClauseKind::Login(Login::Password(user, password)) => {
                Some(Self::Password(PasswordLogin { user, password }))
            }
            ClauseKind::Login(Login::Provider(name)) => Some(Self::Provider(name)),
            ClauseKind::Callback(name) => Some(Self::Callback(name)),
            ClauseKind::Rotates(name) => Some(Self::Rotates(name)),
            ClauseKind::Revokes(name) => Some(Self::Revokes(name)),
            _ => None,
        }
    }

    /// The clause as it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::IssuesCsrf => "issues csrf",
            Self::Password(_) | Self::Provider(_) => "login",
            Self::Callback(_) => "callback",
            Self::Rotates(_) => "rotates",
            Self::Revokes(_) => "revokes",
        }
    }

    /// The methods that a route of this kind can have: no link may change anything.
    pub(crate) fn methods(self) -> &'static [&'static str] {
        match self {
            Self::IssuesCsrf => &["GET", "POST"],
            Self::Password(_) | Self::Rotates(_) => &["POST"],
            Self::Revokes(_) => &["POST", "DELETE"],
            Self::Provider(_) | Self::Callback(_) => &["GET"],
        }
    }

    /// The token that the route takes in.
    pub(crate) fn takes(self) -> Option<&'t Text> {
        match self {
            Self::Rotates(name) | Self::Revokes(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn issues(self) -> bool {
        matches!(self, Self::Password(_) | Self::Callback(_) | Self::Rotates(_))
    }
}
