//! The typed policy: every name resolved, every pattern expanded, every value of its type. Nothing in it
//! refers to the tree, but for spans that reasons point at.

pub(crate) use super::layers::{Cookie, Cors, Csrf, CsrfApplies, CsrfLayer, Forwarded, HeaderSet, Origins, Transport};

use http::Method;
use jiff::SignedDuration;

use crate::model::bits::BitSet;
use crate::model::source::Span;
use crate::model::table::{Id, Table};
use crate::model::value::Value;

use crate::shape::Shape;

/// A whole policy, checked.
#[derive(Debug)]
pub(crate) struct TypedPolicy {
    pub(crate) name: String,
    pub(crate) secrets: Table<Secret>,
    pub(crate) tokens: Table<Token>,
    pub(crate) mappings: Vec<Mapping>,
    pub(crate) attributes: Table<UserAttribute>,
    pub(crate) permissions: Table<Permission>,
    pub(crate) roles: Table<Role>,
    pub(crate) tiers: Table<Tier>,
    pub(crate) limits: Table<Limit>,
    pub(crate) transport: Transport,
    pub(crate) cors: Table<Cors>,
    /// What holds where no route says otherwise, and where no route matched.
    pub(crate) default_cors: Option<Id<Cors>>,
    pub(crate) csrf: Option<Csrf>,
    pub(crate) headers: Table<HeaderSet>,
    pub(crate) default_headers: Id<HeaderSet>,
    pub(crate) shapes: Table<Shape>,
    pub(crate) routes: Table<Route>,
}

/// A secret that the key ring must supply, and what for.
#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) name: String,
    /// What it is the key of, and where the policy says so; nothing where nothing uses it.
    pub(crate) used: Option<(HmacAlgorithm, Span)>,
}

/// A kind of JWT.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) algorithm: HmacAlgorithm,
    pub(crate) secret: Id<Secret>,
    pub(crate) issuer: Option<String>,
    /// One of them must match; none where the policy doesn't say.
    pub(crate) audiences: Vec<String>,
    pub(crate) typ: Option<String>,
    pub(crate) lifetime: Option<SignedDuration>,
    pub(crate) leeway: SignedDuration,
    pub(crate) carrier: TokenCarrier,
    pub(crate) claims: Vec<Claim>,
}

/// What counts of a `typ`: media types compare without regard to case, and `application/` may be left out
/// (RFC 7515 §4.1.9).
pub(crate) fn bare_typ(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower.strip_prefix("application/").map(ToOwned::to_owned).unwrap_or(lower)
}

/// The symmetric signature algorithms (RFC 7518 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HmacAlgorithm {
    Hs256,
    Hs384,
    Hs512,
}

impl HmacAlgorithm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// A key has at least as many bytes as the hash (RFC 7518 §3.2).
    pub(crate) fn least_key_bytes(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }
}

/// Where a token travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenCarrier {
    Bearer,
    Body(String),
    Cookie(String),
    Header(String),
}

/// A declared claim.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) optional: bool,
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    String,
    Int,
    Float,
    Bool,
    Ip,
    List(Box<Type>),
}

/// How a token's claims become the caller.
#[derive(Debug)]
pub(crate) struct Mapping {
    pub(crate) token: Id<Token>,
    pub(crate) id: Expr,
    pub(crate) roles: Option<Expr>,
    pub(crate) tier: Option<Expr>,
    /// In the order of `TypedPolicy::attributes`.
    pub(crate) attributes: Vec<Expr>,
}

/// An attribute of `user` beside `id`, `roles`, `tier` and `scopes`.
#[derive(Debug)]
pub(crate) struct UserAttribute {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) optional: bool,
}

/// An expression whose names are slots and whose types fit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Constant(Value),
    Read(Read),
    List(Vec<Expr>),
    /// The first that isn't absent.
    Coalesce(Vec<Expr>),
    Concat(Box<Expr>, Box<Expr>),
}

/// What an expression can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// By position in the token's claims.
    Claim(usize),
    UserId,
    UserTier,
    UserAttribute(Id<UserAttribute>),
    ClientIp,
}

/// `posts:read`
#[derive(Debug)]
pub(crate) struct Permission {
    pub(crate) resource: String,
    pub(crate) action: String,
    /// The roles that have it, by their own grants or by those of roles they extend.
    pub(crate) roles: BitSet,
    /// Granted to every caller.
    pub(crate) callers: bool,
    /// Granted to anonymous callers too.
    pub(crate) anyone: bool,
}

/// A role's name; what it may do stands with the permissions.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: String,
}

/// A named rate, or several that all hold.
#[derive(Debug)]
pub(crate) struct Tier {
    pub(crate) name: String,
    pub(crate) rates: Vec<Rate>,
}

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) count: u64,
    /// In microseconds.
    pub(crate) period: i64,
}

/// A limit by sliding log.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) key: Vec<Expr>,
    pub(crate) quota: Quota,
    pub(crate) cost: u64,
    pub(crate) on_failure: OnFailure,
    /// The longest window that the limit can be charged by, in microseconds: what another tier still counts must
    /// not be forgotten.
    pub(crate) longest_period: i64,
    /// One that doesn't read the user runs before authentication.
    pub(crate) reads_user: bool,
}

/// Where a limit's rates come from.
#[derive(Debug)]
pub(crate) enum Quota {
    Rates(Vec<Rate>),
    Tier(Expr),
}

/// What a limit does where it can't be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    Deny,
    Allow,
}

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
    pub(crate) body: BodyRule,
    pub(crate) service: Service,
}

/// A segment of a route's whole path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum PathSegment {
    Literal(String),
    Parameter { name: String, ty: ParameterType },
    Rest(String),
}

/// What a path parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ParameterType {
    Int,
    Uuid,
    Any,
}

/// Who may come through.
#[derive(Debug)]
pub(crate) struct Access {
    /// Anonymous callers, too.
    pub(crate) public: bool,
    /// Said outright, which no `allow anyone` overrules.
    pub(crate) authenticated: bool,
    /// All of them must hold.
    pub(crate) requirements: Vec<Requirement>,
}

/// One of these permissions.
#[derive(Debug, Clone)]
pub(crate) struct Requirement {
    pub(crate) any_of: Vec<Id<Permission>>,
}

/// What body a route takes.
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

/// Who serves the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// The host's handler.
    Handler,
    /// The policy: it answers with a CSRF token.
    IssueCsrf,
    /// The policy: it exchanges this refresh token.
    Rotate(Id<Token>),
}
