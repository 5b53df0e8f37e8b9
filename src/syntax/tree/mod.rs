//! The typed tree of a policy file: its declarations with their spans and comments. Nothing here is resolved or checked;
//! every name is still text.

pub(crate) mod browser;
pub(crate) mod callers;
pub(crate) mod expressions;
pub(crate) mod limits;
pub(crate) mod permissions;
pub(crate) mod routes;
pub(crate) mod schemas;

pub use crate::model::keywords::{
    Algorithm, CsrfApplies, Dialects, Format, Forwarded, HttpsRule, Keyword, Maximum, OnFailure, ParameterType,
    PasswordAlgorithm, ProviderSetting, SameSiteRule, ScalarType, Switch, Transform, UnknownFields,
};
pub use crate::model::source::{Span, Spanned};
pub use crate::syntax::tree::browser::{
    Cookie, CookieEntry, Cors, CorsEntry, Csrf, CsrfEntry, Headers, HeadersEntry, Transport, TransportEntry,
};
pub use crate::syntax::tree::callers::{
    Carried, Claim, Keys, Mapping, Password, PasswordEntry, Provider, ProviderEntry, Secrets, SingleUse, Token,
    TokenEntry,
};
pub use crate::syntax::tree::expressions::{Expression, ExpressionKind, Literal, Operator, ValueType, ValueTypeKind};
pub use crate::syntax::tree::limits::{Limit, LimitEntry, Rate, Tier};
pub use crate::syntax::tree::permissions::{
    Action, Condition, Effect, NeverSubject, Pattern, PermissionSet, Polarity, Resource, Role, Rule, Scope,
};
pub use crate::syntax::tree::routes::{Clause, ClauseKind, Login, PathPattern, Route, Routes, Segment};
pub use crate::syntax::tree::schemas::{
    Facet, FacetKind, Field, NumberBound, Schema, SchemaEntry, SchemaType, SchemaTypeKind,
};

/// A name or a string, as written (a string without its quotes, escapes resolved).
pub type Text = Spanned<String>;

/// A word of a closed set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<K> {
    /// The word as written.
    pub text: Text,
    /// The member of the set; `None` if the set has no such word.
    pub keyword: Option<K>,
}

/// One policy file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The `NAME` of `policy NAME`.
    pub policy: Text,
    /// The doc comment over `policy NAME`.
    pub doc: Option<String>,
    /// The declarations in the order written.
    pub declarations: Vec<Declaration>,
    /// All comments in the order written, doc comments included.
    pub comments: Vec<Comment>,
}

/// A comment with its slashes, without its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The span of the comment.
    pub span: Span,
    /// True for a `///` doc comment.
    pub doc: bool,
}

/// A declaration with its doc comment and its allowances.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// The span from the keyword to the last character.
    pub span: Span,
    /// The doc comment, without slashes, lines joined by `\n`.
    pub doc: Option<String>,
    /// The lints that it switches off, in the order written.
    pub allowances: Vec<Allowance>,
    /// The declaration itself.
    pub kind: DeclarationKind,
}

/// `allow(LINT, …) reason "…"`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The span from `allow` to the last character.
    pub span: Span,
    /// The names of the lints.
    pub lints: Vec<Text>,
    /// The reason.
    pub reason: Text,
}

/// The kinds of declarations. Each variant is documented with the text that makes it.
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

/// `KEYWORD [NAME] { ENTRY… }`; `N` is `()` for blocks without a name, and an `Option` where the name may be left out
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block<N, E> {
    /// The name.
    pub name: N,
    /// The entries in the order written.
    pub entries: Vec<Spanned<E>>,
}

/// `ATTR[?]: TYPE`
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: Text,
    /// True if a `?` says that the attribute may be absent.
    pub optional: bool,
    /// The type.
    pub ty: ValueType,
}
