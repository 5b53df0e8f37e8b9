//! Blocks of routes and their clauses.

use crate::model::keywords::{Keyword as _, ParameterType, Switch};
use crate::syntax::tree::{Expression, Pattern, Span, Text, Word};

/// `routes PREFIX { defaults… METHOD PATH clauses… }`
#[derive(Debug, Clone, PartialEq)]
pub struct Routes {
    /// The path that all paths of the block begin with.
    pub prefix: PathPattern,
    /// The clauses before the first route.
    pub defaults: Vec<Clause>,
    /// The routes in the order written.
    pub routes: Vec<Route>,
}

/// `METHOD PATH clause…`
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The span from the method to the last clause.
    pub span: Span,
    /// The method, in capitals.
    pub method: Text,
    /// The path, without the block's prefix.
    pub path: PathPattern,
    /// The clauses in the order written.
    pub clauses: Vec<Clause>,
}

/// A path with parameters. `/` has no segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    /// The span of the path.
    pub span: Span,
    /// The segments between the slashes.
    pub segments: Vec<Segment>,
}

/// A segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// `posts`
    Literal(Text),
    /// `{id}`, `{id: int}`
    Parameter {
        /// The name of the parameter.
        name: Text,
        /// The type, where written.
        ty: Option<Word<ParameterType>>,
    },
    /// `{*rest}`
    Rest(Text),
}

/// One clause of a route or of a block's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// The span from the first word to the last character.
    pub span: Span,
    /// The clause itself.
    pub kind: ClauseKind,
}

/// The clauses of routes.
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
    /// `no csrf`, `no cors`, `no headers`, `no limit`; without a keyword for what can't be switched off
    No(Word<Switch>),
    /// `on RESOURCE(PARAM)`
    On {
        /// The resource.
        resource: Text,
        /// The path parameter with the id of the resource.
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

/// The part of a clause after its keyword.
pub(crate) enum ClauseForm {
    /// Nothing: the grammar's `word_clause`.
    Word(ClauseKind),
    /// One name: the grammar's `named_clause`.
    Named(fn(Text) -> ClauseKind),
    /// Something else, with an alternative of its own in the grammar's `clause`.
    Other,
}

/// The keywords of all clauses in the order in which diagnostics list them.
pub(crate) static CLAUSES: [(&str, ClauseForm); 19] = [
    ("public", ClauseForm::Word(ClauseKind::Public)),
    ("authenticated", ClauseForm::Word(ClauseKind::Authenticated)),
    ("requires", ClauseForm::Other),
    ("scope", ClauseForm::Other),
    ("when", ClauseForm::Other),
    ("body", ClauseForm::Named(|name| if name.node == "raw" { ClauseKind::BodyRaw } else { ClauseKind::Body(name) })),
    ("no", ClauseForm::Named(no)),
    ("query", ClauseForm::Named(ClauseKind::Query)),
    ("limit", ClauseForm::Named(ClauseKind::Limit)),
    ("csrf", ClauseForm::Word(ClauseKind::Csrf)),
    ("cors", ClauseForm::Named(ClauseKind::Cors)),
    ("headers", ClauseForm::Named(ClauseKind::Headers)),
    ("on", ClauseForm::Other),
    ("conceal", ClauseForm::Word(ClauseKind::Conceal)),
    ("login", ClauseForm::Other),
    ("callback", ClauseForm::Other),
    ("issues", ClauseForm::Other),
    ("rotates", ClauseForm::Named(ClauseKind::Rotates)),
    ("revokes", ClauseForm::Named(ClauseKind::Revokes)),
];

fn no(name: Text) -> ClauseKind {
    match name.node.as_str() {
        "body" => ClauseKind::NoBody,
        word => ClauseKind::No(Word { keyword: Switch::find(word), text: name }),
    }
}

/// The credentials that a login takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Login {
    /// `password(EXPR, EXPR)`: the account, and the password
    Password(Box<Expression>, Box<Expression>),
    /// the name of a provider
    Provider(Text),
}
