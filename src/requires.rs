//! What a policy needs from its host, so that a host finds out at start-up what it would otherwise find out at a request.

use crate::collections::table::Table;
use crate::policy::Policy;
use crate::typed::{Attribute, Proof, Resource, Service, TypedPolicy};

/// What a policy names and a host supplies.
///
/// ```
/// use portcullis::{Policy, Source};
///
/// let text = "policy p\nsecret K\nkeys PARTNER { jwks \"https://id.example.com/jwks.json\" }\ncontext { mfa: bool }\nroutes / { GET / public }";
/// let policy = Policy::compile(&[Source::new("p.gate", text)]).expect("it is well-formed");
/// let requires = policy.requires();
/// assert_eq!(requires.secrets, ["K"]);
/// assert_eq!(requires.key_sets, [("PARTNER", "https://id.example.com/jwks.json")]);
/// assert_eq!(requires.context, ["mfa"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requires<'p> {
    /// Secrets and keys, for the key ring.
    pub secrets: Vec<&'p str>,
    /// JWK sets, and the URL where each is found: for the key ring, or a fact.
    pub key_sets: Vec<(&'p str, &'p str)>,
    /// The attributes of `context`.
    pub context: Vec<&'p str>,
    /// The kinds of things, each with its attributes.
    pub resources: Vec<(&'p str, Vec<&'p str>)>,
    /// The attributes of `account`, where tokens are issued; with the hash of its password where `passwords` says so.
    pub account: Vec<&'p str>,
    /// Whether somebody logs in with a password.
    pub passwords: bool,
    /// The kinds of token of which the host keeps something: what opaque ones claim, and how the families of `single_use` ones
    /// stand.
    pub tokens: Vec<&'p str>,
    /// The limits, whose buckets the host keeps.
    pub limits: Vec<&'p str>,
    /// Whether something is issued, for which each request brings random bytes.
    pub entropy: bool,
}

impl Policy {
    /// What the policy needs from its host.
    pub fn requires(&self) -> Requires<'_> {
        let typed = &self.compiled().typed;
        let kept = typed.tokens.iter().filter(|token| token.proof == Proof::Opaque || token.single_use.is_some());
        Requires {
            secrets: typed.secrets.iter().map(|secret| secret.name.as_str()).collect(),
            key_sets: self.key_sets().collect(),
            context: names(&typed.context),
            resources: typed.resources.iter().map(kind).collect(),
            account: names(&typed.account),
            passwords: typed.routes.iter().any(|route| route.login.is_some()),
            tokens: kept.map(|token| token.name.as_str()).collect(),
            limits: typed.limits.iter().map(|limit| limit.name.as_str()).collect(),
            entropy: issues(typed),
        }
    }
}

fn kind(resource: &Resource) -> (&str, Vec<&str>) {
    (&resource.name, resource.attributes.keys().map(String::as_str).collect())
}

fn names(attributes: &Table<Attribute>) -> Vec<&str> {
    attributes.iter().map(|attribute| attribute.name.as_str()).collect()
}

fn issues(typed: &TypedPolicy) -> bool {
    typed.routes.iter().any(|route| !route.issues.is_empty() || route.service == Service::IssueCsrf)
}
