//! The route table.

use crate::syntax::tree::{Expression, Pattern, Span, Text};

/// `routes PREFIX { defaults… METHOD PATH clauses… }`
#[derive(Debug, Clone, PartialEq)]
pub struct Routes {
    /// What its paths begin with.
    pub prefix: PathPattern,
    /// The clauses before the first route.
    pub defaults: Vec<Clause>,
    /// In the order written.
    pub routes: Vec<Route>,
}

/// `METHOD PATH clause…`
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// From the method to the last clause.
    pub span: Span,
    /// The method, in capitals.
    pub method: Text,
    /// The path, without the block's prefix.
    pub path: PathPattern,
    /// In the order written.
    pub clauses: Vec<Clause>,
}

/// A path with parameters. `/` has no segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    /// Where it stands.
    pub span: Span,
    /// Between the slashes.
    pub segments: Vec<Segment>,
}

/// What stands between two slashes of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// `posts`
    Literal(Text),
    /// `{id}`, `{id: int}`
    Parameter {
        /// The parameter's name.
        name: Text,
        /// Its type, where written.
        ty: Option<Text>,
    },
    /// `{*rest}`
    Rest(Text),
}

/// One clause of a route or of a block's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// From its first word to its last character.
    pub span: Span,
    /// What it says.
    pub kind: ClauseKind,
}

/// The clauses of LANGUAGE's routes.
#[derive(Debug, Clone, PartialEq)]
pub enum ClauseKind {
    /// `public`
    Public,
    /// `authenticated`
    Authenticated,
    /// `requires PERM, PERM`
    Requires(Vec<Pattern>),
    /// `requires any of PERM, PERM`
    RequiresAny(Vec<Pattern>),
    /// `scope "x"`
    Scope(Text),
    /// `when EXPR`
    When(Expression),
    /// `body SCHEMA`
    Body(Text),
    /// `body raw`
    BodyRaw,
    /// `no body`
    NoBody,
    /// `query SCHEMA`
    Query(Text),
    /// `limit NAME`
    Limit(Text),
    /// `csrf`
    Csrf,
    /// `cors NAME`
    Cors(Text),
    /// `headers NAME`
    Headers(Text),
    /// `no csrf`, `no cors`, `no headers`, `no limit`, and what can't be switched off, such as `no requires`
    No(Text),
    /// `on RESOURCE(PARAM)`
    On {
        /// The resource.
        resource: Text,
        /// The path parameter that holds its id.
        parameter: Text,
    },
    /// `conceal`
    Conceal,
    /// `login with …`
    Login(Login),
    /// `callback of PROVIDER`
    Callback(Text),
    /// `issues TOKEN, …`; `issues csrf` has the one name `csrf`
    Issues(Vec<Text>),
    /// `rotates TOKEN`
    Rotates(Text),
    /// `revokes TOKEN`
    Revokes(Text),
}

/// What a login goes by.
#[derive(Debug, Clone, PartialEq)]
pub enum Login {
    /// `password(EXPR, EXPR)`: who, and the password
    Password(Box<Expression>, Box<Expression>),
    /// A provider's name
    Provider(Text),
}
