//! The typed tree of a policy file: what was written, where, and with which comments. Nothing here is
//! resolved or checked; every name is still text.

pub(crate) mod expressions;
pub(crate) mod permissions;
pub(crate) mod routes;
pub(crate) mod schemas;
pub(crate) mod settings;

pub use crate::model::source::{Span, Spanned};
pub use crate::syntax::tree::expressions::{Expression, ExpressionKind, Literal, Operator, ValueType, ValueTypeKind};
pub use crate::syntax::tree::permissions::{
    Action, Condition, Effect, NeverSubject, Pattern, PermissionSet, Polarity, Resource, Role, Rule, Scope,
};
pub use crate::syntax::tree::routes::{Clause, ClauseKind, Login, PathPattern, Route, Routes, Segment};
pub use crate::syntax::tree::schemas::{
    Facet, FacetKind, Field, NumberBound, Schema, SchemaEntry, SchemaType, SchemaTypeKind, UnknownFields,
};
pub use crate::syntax::tree::settings::{
    Algorithm, Attribute, Carried, Claim, Cookie, CookieEntry, Cors, CorsEntry, Csrf, CsrfEntry, Headers, HeadersEntry,
    Keys, Limit, LimitEntry, Mapping, Password, PasswordEntry, Provider, ProviderEntry, Rate, Secrets, SingleUse, Tier,
    Token, TokenEntry, Transport, TransportEntry,
};

/// A name or a string, as written (a string without its quotes, escapes resolved).
pub type Text = Spanned<String>;

/// One policy file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The `NAME` of `policy NAME`.
    pub policy: Text,
    /// The doc comment over `policy NAME`.
    pub doc: Option<String>,
    /// In the order written.
    pub declarations: Vec<Declaration>,
    /// All comments, in the order written, doc comments included.
    pub comments: Vec<Comment>,
}

/// A comment with its slashes, without its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Where it stands.
    pub span: Span,
    /// Whether it is a `///` doc comment.
    pub doc: bool,
}

/// A declaration with what stands around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// From its keyword to its last character.
    pub span: Span,
    /// Its doc comment, without slashes, lines joined by `\n`.
    pub doc: Option<String>,
    /// The lints that it switches off, in the order written.
    pub allowances: Vec<Allowance>,
    /// What it declares.
    pub kind: DeclarationKind,
}

/// `allow(LINT, …) reason "…"`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// From `allow` to its last character.
    pub span: Span,
    /// The lints' names.
    pub lints: Vec<Text>,
    /// Why.
    pub reason: Text,
}

/// What a declaration declares. Each variant is documented with the text that makes it.
#[derive(Debug, Clone, PartialEq)]
pub enum DeclarationKind {
    /// `secret A, B`
    Secrets(Secrets),
    /// `keys NAME { jwks "URL" }`
    Keys(Keys),
    /// `token NAME { … }`
    Token(Token),
    /// `password { … }`
    Password(Password),
    /// `account { ATTR: TYPE … }`
    Account(Vec<Attribute>),
    /// `user from TOKEN { … }`
    User(Mapping),
    /// `resource NAME { actions …  ATTR: TYPE … }`
    Resource(Resource),
    /// `context { ATTR: TYPE … }`
    Context(Vec<Attribute>),
    /// `condition NAME = EXPR`
    Condition(Condition),
    /// `permissions NAME = PERMS`
    Permissions(PermissionSet),
    /// `role NAME extends … { … }`
    Role(Role),
    /// `scope "NAME" { … }`
    Scope(Scope),
    /// `allow …`, `forbid …`, `never …`
    Rule(Rule),
    /// `tier "NAME" { … }`
    Tier(Tier),
    /// `limit NAME { … }`
    Limit(Limit),
    /// `schema NAME { … }`
    Schema(Schema),
    /// `transport { … }`
    Transport(Transport),
    /// `cors [NAME] { … }`
    Cors(Cors),
    /// `csrf { … }`
    Csrf(Csrf),
    /// `headers [NAME] { … }`
    Headers(Headers),
    /// `cookie "NAME" { … }`
    Cookie(Cookie),
    /// `provider NAME { … }`
    Provider(Provider),
    /// `routes PREFIX { … }`
    Routes(Routes),
}
