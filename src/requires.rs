//! The facts and keys that a policy needs from its host.

use crate::collections::table::Table;
use crate::policy::Policy;
use crate::typed::{Attribute, Proof, Resource, Service, TypedPolicy};

/// The facts and keys that a policy needs, so that a host can check at start-up that it supplies them.
///
/// ```
/// use portcullis::{Policy, Source};
///
/// let text = "policy p\nsecret K\nkeys PARTNER { jwks \"https://id.example.com/jwks.json\" }\ncontext { mfa: bool }\nroutes / { GET / public }";
/// let policy = Policy::compile(&[Source::new("p.gate", text)])?;
/// let requires = policy.requires();
/// assert_eq!(requires.secrets, ["K"]);
/// assert_eq!(requires.key_sets, [("PARTNER", "https://id.example.com/jwks.json")]);
/// assert_eq!(requires.context, ["mfa"]);
/// # Ok::<(), portcullis::CompileError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirements<'p> {
    /// The names of secrets and key pairs, for the key ring.
    pub secrets: Vec<&'p str>,
    /// The names and URLs of JWK sets, for the key ring or the facts.
    pub key_sets: Vec<(&'p str, &'p str)>,
    /// The attributes of `context`.
    pub context: Vec<&'p str>,
    /// The kinds of resources, each with its attributes.
    pub resources: Vec<(&'p str, Vec<&'p str>)>,
    /// The attributes of `account`.
    pub account: Vec<&'p str>,
    /// True if a route logs in with a password: accounts then need its hash.
    pub passwords: bool,
    /// The kinds of token that the host stores facts about: opaque and `single_use` ones.
    pub tokens: Vec<&'p str>,
    /// The limits, whose buckets the host stores.
    pub limits: Vec<&'p str>,
    /// True if a route issues something: each request then needs random bytes.
    pub entropy: bool,
}

impl Policy {
    /// Returns the facts and keys that the policy needs from its host.
    pub fn requires(&self) -> Requirements<'_> {
        let typed = &self.compiled().typed;
        let stored = typed.tokens.iter().filter(|token| token.proof == Proof::Opaque || token.single_use.is_some());
        Requirements {
            secrets: typed.secrets.iter().map(|secret| secret.name.as_str()).collect(),
            key_sets: self.key_sets().collect(),
            context: names(&typed.context),
            resources: typed.resources.iter().map(kind).collect(),
            account: names(&typed.account),
            passwords: typed.routes.iter().any(|route| route.login.is_some()),
            tokens: stored.map(|token| token.name.as_str()).collect(),
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
