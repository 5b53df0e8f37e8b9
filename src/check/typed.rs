//! The typed policy: every name resolved, every pattern expanded, every value of its type. Nothing in it
//! refers to the tree, but for spans that reasons point at.

pub(crate) use super::credential::{
    Claim, KeySet, Mapping, Proof, Purpose, Secret, SingleUse, Token, TokenCarrier, bare_typ,
};
pub(crate) use super::layers::{Cookie, Cors, Csrf, CsrfApplies, CsrfLayer, Forwarded, HeaderSet, Origins, Transport};
pub(crate) use crate::keys::{HmacAlgorithm, SignatureAlgorithm};

use std::num::NonZeroU64;

use http::Method;
use indexmap::IndexMap;

use crate::limit::{self, Algorithm, Rate};
use crate::model::id_set::{IdSet, IdSets};
use crate::model::names::Names;
use crate::model::source::Span;
use crate::model::table::{Id, Table};
use crate::password::PasswordRule;

pub(crate) use super::expr::{Comparison, Expr, Pattern, Read, Reads, Type};
use crate::shape::Shape;

/// A whole policy, checked.
#[derive(Debug)]
pub(crate) struct TypedPolicy {
    pub(crate) name: String,
    /// What ids of this policy are known by; as good as different for every two policies.
    pub(crate) stamp: u64,
    pub(crate) secrets: Table<Secret>,
    pub(crate) key_sets: Table<KeySet>,
    pub(crate) tokens: Table<Token>,
    pub(crate) password: Option<PasswordRule>,
    pub(crate) mappings: Vec<Mapping>,
    /// Of `user`, beside `id`, `roles`, `tier` and `scopes`.
    pub(crate) attributes: Table<Attribute>,
    /// What the host knows of an account.
    pub(crate) account: Table<Attribute>,
    pub(crate) context: Table<Attribute>,
    /// The names of resources' attributes, each once.
    pub(crate) attribute_names: Table<String>,
    pub(crate) resources: Table<Resource>,
    pub(crate) conditions: Table<Condition>,
    pub(crate) permissions: Table<Permission>,
    pub(crate) permission_names: Names<Permission>,
    pub(crate) terms: Table<Terms>,
    pub(crate) rules: Table<Rule>,
    pub(crate) roles: Table<Role>,
    pub(crate) role_names: Names<Role>,
    pub(crate) role_sets: IdSets<Role>,
    pub(crate) scopes: Table<Scope>,
    pub(crate) scope_names: Names<Scope>,
    pub(crate) scope_sets: IdSets<Scope>,
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
    /// The rules of `forbid *`, which hold at doors that a caller enters without a permission, too.
    pub(crate) door_forbids: Vec<Id<Rule>>,
    pub(crate) nevers: Vec<Never>,
}

impl TypedPolicy {
    /// The roles whose holders are in a role: it, and those that extend it, directly or not.
    pub(crate) fn roles_up(&self, role: Id<Role>) -> IdSet<Role> {
        self.roles[role].up
    }

    /// Whether whoever holds these roles is in this one.
    pub(crate) fn in_role(&self, held: &[Id<Role>], role: Id<Role>) -> bool {
        self.role_sets.has_any(self.roles_up(role), held)
    }

    /// What a permission takes beside a role.
    pub(crate) fn terms(&self, permission: &Permission) -> &Terms {
        &self.terms[permission.terms]
    }
}

/// A declared attribute of a resource, of `context`, of the caller or of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) optional: bool,
}

/// A kind of thing.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) attributes: IndexMap<String, Attribute>,
    /// The names of the attributes, in their order.
    pub(crate) names: Box<[Id<String>]>,
}

impl Resource {
    /// Where an attribute stands among the resource's.
    pub(crate) fn slot(&self, name: Id<String>) -> Option<usize> {
        self.names.iter().position(|known| *known == name)
    }

    /// The attribute of a slot.
    pub(crate) fn attribute(&self, slot: usize) -> Option<&Attribute> {
        self.attributes.get_index(slot).map(|(_, attribute)| attribute)
    }
}

/// A named condition.
#[derive(Debug)]
pub(crate) struct Condition {
    /// False, where it is used nowhere and so was never typed.
    pub(crate) expr: Expr,
    pub(crate) reads: Reads,
    /// Whether it names other conditions, so that its outcome is worth remembering.
    pub(crate) compound: bool,
}

/// `posts:read`; its name stands with the names of all permissions.
#[derive(Debug)]
pub(crate) struct Permission {
    pub(crate) resource: Id<Resource>,
    /// The roles that are granted it without a condition, and those that extend them.
    pub(crate) roles: IdSet<Role>,
    pub(crate) terms: Id<Terms>,
}

/// What a permission takes beside a role; permissions that take the same have one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    /// Granted to every caller without a condition.
    pub(crate) callers: bool,
    /// Granted to anonymous callers too, without a condition.
    pub(crate) anyone: bool,
    /// The scopes that let it through without a condition.
    pub(crate) scopes: IdSet<Scope>,
    /// Grants with a condition.
    pub(crate) grants: Box<[Grant]>,
    /// The rules that forbid it.
    pub(crate) forbids: Box<[Id<Rule>]>,
}

impl Terms {
    /// Whether an anonymous caller could be granted what has them.
    pub(crate) fn opens_to_anyone(&self) -> bool {
        self.anyone || self.grants.iter().any(|grant| grant.to == Grantee::Anyone)
    }
}

/// A grant with a condition, which is the rule's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Grant {
    pub(crate) to: Grantee,
    pub(crate) rule: Id<Rule>,
}

/// Whom a rule grants something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Grantee {
    /// Anonymous callers, too.
    Anyone,
    /// Every caller.
    Callers,
    /// Callers that are in the role.
    Role(Id<Role>),
    /// Not granted, but let through to those that come with the scope.
    Scope(Id<Scope>),
}

/// A grant with a condition, or a `forbid`.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) span: Span,
    /// A `forbid` without one always holds.
    pub(crate) condition: Option<Expr>,
    pub(crate) reads: Reads,
    /// What a `forbid` tells whoever it turns away.
    pub(crate) because: Option<String>,
}

/// An invariant.
#[derive(Debug)]
pub(crate) struct Never {
    pub(crate) span: Span,
    pub(crate) of: NeverOf,
    /// What must not be true of a request that is granted this.
    pub(crate) condition: Expr,
    /// Where the condition is written, and whether behind `unless`.
    pub(crate) written: (Span, bool),
    pub(crate) because: Option<String>,
}

/// What must never be granted.
#[derive(Debug)]
pub(crate) enum NeverOf {
    /// Any of these.
    Permissions(Vec<Id<Permission>>),
    /// To be let through.
    Door(Id<Route>),
}

/// A role; what it may do stands with the permissions. A role comes before those that extend it, and these are
/// together as far as possible, so that most sets of roles are a range.
#[derive(Debug)]
pub(crate) struct Role {
    /// It, and every role that extends it, directly or not: whoever holds one of these is in the role.
    pub(crate) up: IdSet<Role>,
}

/// A scope; what it lets through stands with the permissions.
#[derive(Debug)]
pub(crate) struct Scope;

/// A named rate, or several that all hold.
#[derive(Debug)]
pub(crate) struct Tier {
    pub(crate) name: String,
    pub(crate) rates: Vec<Rate>,
}

/// How often.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Vec<Expr>,
    pub(crate) quota: Quota,
    /// The dearest that holds counts.
    pub(crate) costs: Vec<Cost>,
    /// Charged unless it is true.
    pub(crate) skip: Option<Expr>,
    pub(crate) on_failure: OnFailure,
    pub(crate) dialects: Dialects,
    /// Counts and reports, and never denies.
    pub(crate) dry_run: bool,
    /// How many at once.
    pub(crate) concurrency: Option<limit::Terms>,
    /// How much a machine may take from a shared store at once.
    pub(crate) lease: Option<NonZeroU64>,
    /// IPv6 clients are counted by the subnet of so many bits.
    pub(crate) ipv6_prefix: u8,
    /// By what it is charged: by its own rates, or by those of each tier, in the order of the tiers; by nothing, where it says
    /// only how many run at once.
    pub(crate) terms: Vec<limit::Terms>,
    pub(crate) stage: ChargeStage,
}

/// What a request costs.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) amount: Expr,
    /// Counts unless it is false.
    pub(crate) when: Option<Expr>,
}

/// When a limit is charged, by what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChargeStage {
    /// Before authentication: it doesn't read the user.
    Guard,
    /// Once it is known who is calling.
    Limit,
    /// It reads the body or the query.
    AfterValidate,
}

/// Which headers tell clients how a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialects {
    /// `RateLimit` and `RateLimit-Policy`
    Standard,
    /// `X-RateLimit-*`
    Legacy,
    Both,
}

/// Where a limit's rates come from.
#[derive(Debug)]
pub(crate) enum Quota {
    /// None at all, where the limit has none.
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
    /// What the query must look like; where nothing says, it passes unread.
    pub(crate) query: Option<Id<Shape>>,
    pub(crate) body: BodyRule,
    pub(crate) service: Service,
    /// Who logs in with a password, and the password, where somebody does.
    pub(crate) login: Option<(Expr, Expr)>,
    /// The tokens that it issues.
    pub(crate) issues: Vec<Id<Token>>,
}

impl Route {
    /// Whether a caller comes in, or is made here, who needs no permission.
    pub(crate) fn enters_without_permission(&self) -> bool {
        self.access.requirements.is_empty() && (self.access.authenticated || self.service.makes_callers())
    }

    /// Whether a caller comes in, known from the start, who needs no permission.
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
    /// Asked of callers that come with scopes.
    pub(crate) scopes: Vec<Id<Scope>>,
    /// All of them must be true.
    pub(crate) whens: Vec<When>,
    /// Where the attributes of resources are found, one a resource.
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
    /// Whether tokens are issued, for a caller who isn't known before.
    pub(crate) fn makes_callers(self) -> bool {
        matches!(self, Self::Rotate(_) | Self::Login | Self::Callback)
    }

    /// What this version can't do here, if there is something.
    pub(crate) fn unavailable(self) -> Option<&'static str> {
        match self {
            Self::Handler | Self::IssueCsrf | Self::Rotate(_) | Self::Revoke(_) | Self::Login => None,
            Self::Redirect => Some("this version doesn't log in with providers"),
            Self::Callback => Some("this version doesn't take callbacks of providers"),
        }
    }
}
