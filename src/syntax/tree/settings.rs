//! Declarations that are lists of settings: tokens, limits and the browser's layers.

use crate::syntax::tree::{Expression, Span, Spanned, Text, ValueType};

/// `ATTR[?]: TYPE`
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Its name.
    pub name: Text,
    /// Whether a `?` says that it may be absent.
    pub optional: bool,
    /// Its type.
    pub ty: ValueType,
}

/// `secret A, B`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// In the order written.
    pub names: Vec<Text>,
}

/// `keys NAME { jwks "URL" }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Its name.
    pub name: Text,
    /// Where the host finds the set.
    pub jwks: Vec<Text>,
}

/// `token NAME { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Its name.
    pub name: Text,
    /// In the order written.
    pub entries: Vec<Spanned<TokenEntry>>,
}

/// The entries of a token.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenEntry {
    /// `algorithm ES256, RS256`
    Algorithm(Vec<Algorithm>),
    /// `key NAME`
    Key(Text),
    /// `keys NAME`
    Keys(Text),
    /// `issuer "…"`
    Issuer(Text),
    /// `audience "…", "…"`
    Audience(Vec<Text>),
    /// `typ "…"`
    Typ(Text),
    /// `lifetime 15m`, in milliseconds
    Lifetime(Spanned<u64>),
    /// `leeway 30s`, in milliseconds
    Leeway(Spanned<u64>),
    /// `carried …`
    Carried(Carried),
    /// `single_use [grace 10s] [idle 7d]`
    SingleUse(SingleUse),
    /// `opaque`
    Opaque,
    /// `claims { … }`
    Claims(Vec<Claim>),
}

/// How a token is spent, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleUse {
    /// `grace 10s`
    pub grace: Option<Spanned<u64>>,
    /// `idle 7d`
    pub idle: Option<Spanned<u64>>,
}

/// The name of a signature algorithm, as written.
pub type Algorithm = Text;

/// Where a token travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// `carried bearer`
    Bearer,
    /// `carried cookie "NAME"`
    Cookie(Text),
    /// `carried header "NAME"`
    Header(Text),
    /// `carried body "FIELD"`
    Body(Text),
}

/// `claim[?]: T [= account.x]`
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Name, optional and type.
    pub attribute: Attribute,
    /// Where it comes from when the token is issued.
    pub source: Option<Expression>,
}

/// `user from TOKEN { NAME = EXPR … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The token's name.
    pub token: Text,
    /// In the order written.
    pub entries: Vec<(Text, Expression)>,
}

/// `password { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Password {
    /// In the order written.
    pub entries: Vec<Spanned<PasswordEntry>>,
}

/// The entries of `password`.
#[derive(Debug, Clone, PartialEq)]
pub enum PasswordEntry {
    /// `algorithm argon2id`
    Algorithm(Text),
    /// `memory 19MiB`, in bytes
    Memory(Spanned<u64>),
    /// `iterations 2`
    Iterations(Spanned<i64>),
    /// `parallelism 1`
    Parallelism(Spanned<i64>),
    /// `cost 12`
    Cost(Spanned<i64>),
    /// `accept bcrypt, …`
    Accept(Vec<Text>),
}

/// `tier "NAME" { rate, … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// Its name.
    pub name: Text,
    /// All of them hold.
    pub rates: Vec<Rate>,
}

/// `N per DURATION [burst N]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Where it stands.
    pub span: Span,
    /// How many.
    pub count: Spanned<i64>,
    /// In how many milliseconds.
    pub period: Spanned<u64>,
    /// How many at once.
    pub burst: Option<Spanned<i64>>,
}

/// `limit NAME { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Its name.
    pub name: Text,
    /// In the order written.
    pub entries: Vec<Spanned<LimitEntry>>,
}

/// The entries of a limit.
#[derive(Debug, Clone, PartialEq)]
pub enum LimitEntry {
    /// `algorithm sliding_log`
    Algorithm(Text),
    /// `key EXPR, …`
    Key(Vec<Expression>),
    /// `tier EXPR`
    Tier(Expression),
    /// `rate N per D [burst N], …`
    Rate(Vec<Rate>),
    /// `cost N [when EXPR]`
    Cost(Expression, Option<Expression>),
    /// `skip when EXPR`
    SkipWhen(Expression),
    /// `on_failure deny|allow`
    OnFailure(Text),
    /// `headers standard|legacy|both`
    Headers(Text),
    /// `dry_run`
    DryRun,
    /// `concurrency N [timeout D]`, the timeout in milliseconds
    Concurrency(Spanned<i64>, Option<Spanned<u64>>),
    /// `lease N`
    Lease(Spanned<i64>),
    /// `ipv6_prefix N`
    Ipv6Prefix(Spanned<i64>),
}

/// `transport { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Transport {
    /// In the order written.
    pub entries: Vec<Spanned<TransportEntry>>,
}

/// The entries of `transport`.
#[derive(Debug, Clone, PartialEq)]
pub enum TransportEntry {
    /// `https required|optional`
    Https(Text),
    /// `hosts "…", …`
    Hosts(Vec<Text>),
    /// `proxies NETWORK, …`
    Proxies(Vec<Spanned<ipnet::IpNet>>),
    /// `forwarded x_forwarded_for|forwarded`
    Forwarded(Text),
    /// `max_target 8KiB` and the others: the name, and bytes (or a plain number for `max_depth`)
    Maximum(Text, Spanned<u64>),
}

/// `cors [NAME] { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Cors {
    /// Its name, if it isn't the policy's default.
    pub name: Option<Text>,
    /// In the order written.
    pub entries: Vec<Spanned<CorsEntry>>,
}

/// The entries of `cors`.
#[derive(Debug, Clone, PartialEq)]
pub enum CorsEntry {
    /// `origins "…", …`
    Origins(Vec<Text>),
    /// `methods GET, …`
    Methods(Vec<Text>),
    /// `headers "…", …`
    Headers(Vec<Text>),
    /// `expose "…", …`
    Expose(Vec<Text>),
    /// `credentials`
    Credentials,
    /// `max_age 10m`, in milliseconds
    MaxAge(Spanned<u64>),
}

/// `csrf { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Csrf {
    /// In the order written.
    pub entries: Vec<Spanned<CsrfEntry>>,
}

/// The entries of `csrf`.
#[derive(Debug, Clone, PartialEq)]
pub enum CsrfEntry {
    /// `secret NAME`
    Secret(Text),
    /// `session cookie "NAME"`
    Session(Text),
    /// `header "NAME"`
    Header(Text),
    /// `lifetime 1h`, in milliseconds
    Lifetime(Spanned<u64>),
    /// `applies ambient|always`
    Applies(Text),
}

/// `headers [NAME] { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Headers {
    /// Its name, if it isn't the policy's default.
    pub name: Option<Text>,
    /// In the order written.
    pub entries: Vec<Spanned<HeadersEntry>>,
}

/// The entries of `headers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadersEntry {
    /// `X-Frame-Options "DENY"`
    Set(Text, Text),
    /// `preset api`
    Preset(Text),
    /// `remove X-Powered-By, Server`
    Remove(Vec<Text>),
}

/// `cookie "NAME" { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Cookie {
    /// Its name.
    pub name: Text,
    /// In the order written.
    pub entries: Vec<Spanned<CookieEntry>>,
}

/// The entries of `cookie`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CookieEntry {
    /// `http_only`
    HttpOnly,
    /// `secure`
    Secure,
    /// `partitioned`
    Partitioned,
    /// `same_site strict|lax|none`
    SameSite(Text),
    /// `path "/"`
    Path(Text),
    /// `domain "…"`
    Domain(Text),
    /// `max_age 1h`, in milliseconds
    MaxAge(Spanned<u64>),
}

/// `provider NAME { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// Its name.
    pub name: Text,
    /// In the order written.
    pub entries: Vec<Spanned<ProviderEntry>>,
}

/// The entries of `provider`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderEntry {
    /// `authorize_url "…"` and the others that hold one string: the name, and the string
    Text(Text, Text),
    /// `client_secret NAME`, `state NAME`: the name, and the secret's name
    Secret(Text, Text),
    /// `keys NAME`
    Keys(Text),
    /// `scopes "…", …`
    Scopes(Vec<Text>),
}
