//! The facts that a host has looked up before a decision.

use foldhash::fast::FixedState;
use hashbrown::{Equivalent, HashMap};

use crate::keys::KeySet;
use crate::limit::bucket::BucketState;
use crate::model::value::Known;
use crate::protocol::account::{Account, TokenFact};

/// Attributes by name, as JSON. An attribute that is missing, `null` or of the wrong type is absent if it is declared
/// optional, and unknown otherwise.
pub type Record = serde_json::Map<String, serde_json::Value>;

type Map<K, V> = HashMap<K, V, FixedState>;

/// The facts that a host has looked up.
///
/// A fact that was never supplied is *unknown*, which grants nothing. `None` states that the host has looked, and that the
/// resource, the token or the account doesn't exist.
///
/// ```
/// use portcullis::Facts;
/// use portcullis::value::Known;
///
/// let post = serde_json::json!({ "author": "mia" }).as_object().cloned();
/// let facts = Facts::new().with_resource("posts", "42", post).with_resource("posts", "43", None);
/// assert!(matches!(facts.resource("posts", "42"), Known::Value(post) if post["author"] == "mia"));
/// assert_eq!(facts.resource("posts", "43"), Known::Absent);
/// assert_eq!(facts.resource("posts", "44"), Known::Unknown);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    pub(crate) context: Option<Record>,
    pub(crate) resources: Map<ResourceKey, Option<Record>>,
    pub(crate) account: Known<Account>,
    pub(crate) tokens: Map<String, Option<TokenFact>>,
    pub(crate) key_sets: Map<String, KeySet>,
    pub(crate) buckets: Map<String, BucketState>,
}

impl Facts {
    /// No facts: everything is unknown.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the attributes that the policy's `context` declares.
    #[must_use]
    pub fn with_context(mut self, attributes: Record) -> Self {
        self.context = Some(attributes);
        self
    }

    /// Sets the attributes of a resource, such as `posts` and `42`; `None` if it doesn't exist.
    #[must_use]
    pub fn with_resource(mut self, kind: impl Into<String>, id: impl Into<String>, attributes: Option<Record>) -> Self {
        self.resources.insert(ResourceKey { kind: kind.into(), id: id.into() }, attributes);
        self
    }

    /// Sets the account that logs in or exchanges a token; `None` if it doesn't exist.
    #[must_use]
    pub fn with_account(mut self, account: Option<Account>) -> Self {
        self.account = account.into();
        self
    }

    /// Sets the fact about a token, by the id that [`Question::Token`](crate::inquiry::Question::Token) gives; `None` if
    /// the token doesn't exist.
    #[must_use]
    pub fn with_token(mut self, id: impl Into<String>, fact: Option<TokenFact>) -> Self {
        self.tokens.insert(id.into(), fact);
        self
    }

    /// Makes the fact about a token unknown.
    #[must_use]
    pub fn without_token(mut self, id: &str) -> Self {
        self.tokens.remove(id);
        self
    }

    /// Sets a JWK set by its name in the policy. It replaces the key ring's set of that name.
    #[must_use]
    pub fn with_key_set(mut self, name: impl Into<String>, set: KeySet) -> Self {
        self.key_sets.insert(name.into(), set);
        self
    }

    /// Sets the state of a limit's bucket, by the id in an earlier [`Effect::Bucket`](crate::decision::Effect::Bucket). A
    /// bucket without a state has admitted nothing.
    #[must_use]
    pub fn with_bucket(mut self, id: impl Into<String>, state: BucketState) -> Self {
        self.buckets.insert(id.into(), state);
        self
    }

    /// The attributes of the context.
    pub fn context(&self) -> Option<&Record> {
        self.context.as_ref()
    }

    /// The attributes of a resource.
    pub fn resource(&self, kind: &str, id: &str) -> Known<&Record> {
        supplied(self.resources.get(&ResourceKeyRef { kind, id }))
    }

    /// The account that logs in or exchanges a token.
    pub fn account(&self) -> Known<&Account> {
        self.account.as_ref()
    }

    /// The fact about a token.
    pub fn token(&self, id: &str) -> Known<&TokenFact> {
        supplied(self.tokens.get(id))
    }

    /// The JWK set of a name.
    pub fn key_set(&self, name: &str) -> Option<&KeySet> {
        self.key_sets.get(name)
    }

    /// The state of a limit's bucket.
    pub fn bucket(&self, id: &str) -> Option<&BucketState> {
        self.buckets.get(id)
    }
}

fn supplied<T>(entry: Option<&Option<T>>) -> Known<&T> {
    entry.map_or(Known::Unknown, |fact| fact.as_ref().into())
}

/// A resource's kind and id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ResourceKey {
    pub(crate) kind: String,
    pub(crate) id: String,
}

/// The same, borrowed. It must hash as [`ResourceKey`] does.
#[derive(Hash)]
struct ResourceKeyRef<'k> {
    kind: &'k str,
    id: &'k str,
}

impl Equivalent<ResourceKey> for ResourceKeyRef<'_> {
    fn equivalent(&self, key: &ResourceKey) -> bool {
        self.kind == key.kind && self.id == key.id
    }
}
