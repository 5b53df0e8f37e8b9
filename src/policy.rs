//! A compiled policy: text in, decision graph inside, and a gate once it has its keys.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::analyze::{prove, unreduced};
use crate::check::{check, sorted};
use crate::decide::callers::keys::BoundKeys;
use crate::decide::permissions::check as asked;
use crate::decide::permissions::check::{PermissionId, Ruling};
use crate::decide::{Resource, Scene};
use crate::gate::Gate;
use crate::graph::{DecisionGraph, build};
use crate::keys::{BindError, Keys};
use crate::model::diagnostic::Diagnostic;
use crate::model::digest::sha256;
use crate::model::reason::Reason;
use crate::model::source::{Source, Span};
use crate::password::{PasswordError, PasswordTask};
use crate::protocol::request::{Record, User};
use crate::syntax;
use crate::typed::{Proof, TokenCarrier, TypedPolicy};

/// A compiled policy: checked, immutable, cheap to clone and to share.
#[derive(Clone)]
pub struct Policy {
    compiled: Arc<Compiled>,
}

pub(crate) struct Compiled {
    sources: Vec<Source>,
    digest: String,
    warnings: Vec<Diagnostic>,
    pub(crate) typed: TypedPolicy,
    pub(crate) graph: DecisionGraph,
}

impl Policy {
    /// Compiles all files of one policy, in any order.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by file and position: syntax errors alone, where there are some, as what else
    /// would be said of a file that wasn't read isn't sound.
    ///
    /// ```
    /// use portcullis::{Policy, Source};
    ///
    /// let source = Source::new("hello.gate", "policy hello\nroutes / { GET /health public }");
    /// let policy = Policy::compile(&[source]).expect("the policy is well-formed");
    /// assert_eq!(policy.name(), "hello");
    /// ```
    pub fn compile(sources: &[Source]) -> Result<Self, Vec<Diagnostic>> {
        if sources.is_empty() {
            let nowhere = Span { file: 0, start: 0, end: 0 };
            let error = Diagnostic::error("no_sources", nowhere, "there is no file to compile");
            return Err(vec![error.help("a policy has at least one file, which begins with `policy NAME`")]);
        }
        let mut files = Vec::with_capacity(sources.len());
        let mut errors = Vec::new();
        for (file, source) in (0_u32..).zip(sources) {
            match syntax::parse(file, source) {
                Ok(tree) => files.push(tree),
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let (mut typed, mut warnings) = check(&files, sources)?;
        let digest = digest_of(sources);
        typed.fingerprint = fingerprint_of(&digest);
        let graph = build(&mut typed);
        let mut broken = prove(&typed, &graph, sources);
        if !broken.is_empty() {
            broken.extend(warnings);
            return Err(sorted(broken, sources));
        }
        let costly = unreduced(&typed, &graph);
        if !costly.is_empty() {
            warnings.extend(costly);
            warnings = sorted(warnings, sources);
        }
        let compiled = Compiled { sources: sources.to_vec(), digest, warnings, typed, graph };
        Ok(Self { compiled: Arc::new(compiled) })
    }

    /// Gives the policy its secrets.
    ///
    /// # Errors
    ///
    /// Every secret that the ring lacks, that is too weak for what the policy uses it for, or that equals another.
    pub fn bind(&self, keys: &Keys) -> Result<Gate, BindError> {
        Ok(Gate::new(self.clone(), BoundKeys::bind(&self.compiled.typed, keys)?))
    }

    /// The `NAME` of `policy NAME`.
    pub fn name(&self) -> &str {
        &self.compiled.typed.name
    }

    /// `sha256:` and, for a policy of one file, that file's SHA-256 in hexadecimal digits; for several, the SHA-256 of
    /// their digests in rising order, a line each. Neither names nor the order of files count.
    pub fn digest(&self) -> &str {
        &self.compiled.digest
    }

    /// What the compiler found worth a warning.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.compiled.warnings
    }

    /// The files that it was compiled from, which spans refer to.
    pub fn sources(&self) -> &[Source] {
        &self.compiled.sources
    }

    /// A place as `FILE:LINE:COLUMN`, such as `article.gate:112:3`.
    pub fn locate(&self, span: Span) -> String {
        match self.compiled.sources.get(span.file as usize) {
            Some(source) => {
                let (line, column) = source.line_and_column(span.start as usize);
                format!("{}:{line}:{column}", source.name())
            }
            None => String::new(),
        }
    }

    /// The permission of a name, such as `posts:delete`, if the policy declares it.
    pub fn permission(&self, name: &str) -> Option<PermissionId> {
        self.compiled
            .typed
            .permission_names
            .find(name)
            .map(|id| PermissionId { fingerprint: self.compiled.typed.fingerprint, id })
    }

    /// The names of all permissions, by resource, in the order written.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.compiled.typed.permission_names.iter()
    }

    /// Who asks, and what is known around them, for questions outside any door. Roles are looked up here, once; attributes
    /// when rules read them, unless [`Policy::prepare`] has looked at them.
    pub fn scene<'a>(
        &self,
        user: Option<&'a User>,
        context: Option<&'a Record>,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Scene<'a> {
        Scene::new(&self.compiled.typed, user, context, client, now)
    }

    /// The same scene with every attribute looked at, for many questions of it. A scene of another policy stays as it is.
    pub fn prepare<'a>(&self, scene: Scene<'a>) -> Scene<'a> {
        scene.prepared(&self.compiled.typed, &self.compiled.graph)
    }

    /// A thing of a kind, such as `posts`, with every attribute looked at, for many questions of it; of others,
    /// [`Resource::of`] will do. `None` where the policy declares no such resource.
    pub fn resource(&self, kind: &str, record: &Record) -> Option<Resource<'static>> {
        Resource::prepared(&self.compiled.typed, &self.compiled.graph, kind, record)
    }

    /// Whether a caller has a permission, outside any door: pure, and by the same rules as at a door. `resource` holds the
    /// attributes of the thing that is asked about, and its `id`; `None` where nothing is known of it. What belongs to
    /// another policy, or is a thing of another kind, is denied.
    ///
    /// ```
    /// use portcullis::{Policy, Resource, Source, User};
    ///
    /// let text = "policy p\nresource posts { actions read  author: string }\nallow posts:read when resource.author == user.id";
    /// let policy = Policy::compile(&[Source::new("p.gate", text)]).expect("it is well-formed");
    /// let read = policy.permission("posts:read").expect("it is declared");
    /// let mia = User { id: "mia".to_owned(), ..User::default() };
    /// let scene = policy.scene(Some(&mia), None, None, jiff::Timestamp::UNIX_EPOCH);
    /// let post = serde_json::json!({ "id": "42", "author": "mia" });
    /// let post = Resource::of(post.as_object().expect("it is a map"));
    /// assert!(policy.check(&scene, read, Some(&post)).is_allowed());
    /// assert!(!policy.check(&scene, read, None).is_allowed());
    /// ```
    pub fn check(&self, scene: &Scene<'_>, permission: PermissionId, resource: Option<&Resource<'_>>) -> Ruling {
        self.check_all(scene, &[permission], resource)
    }

    /// Whether a caller has one of these permissions; see [`Policy::check`].
    pub fn check_any(
        &self,
        scene: &Scene<'_>,
        permissions: &[PermissionId],
        resource: Option<&Resource<'_>>,
    ) -> Ruling {
        asked::any(&self.compiled.typed, &self.compiled.graph, scene, permissions, resource)
    }

    /// Whether a caller has all of these permissions; see [`Policy::check`]. Without any, they are denied.
    pub fn check_all(
        &self,
        scene: &Scene<'_>,
        permissions: &[PermissionId],
        resource: Option<&Resource<'_>>,
    ) -> Ruling {
        asked::all(&self.compiled.typed, &self.compiled.graph, scene, permissions, resource)
    }

    /// Why [`Policy::check`] says what it says: at least one reason; where several hold, certain ones before unknown ones,
    /// then by their place in the policy. It walks the rules once more, so that `check` itself gathers nothing.
    pub fn explain(
        &self,
        scene: &Scene<'_>,
        permission: PermissionId,
        resource: Option<&Resource<'_>>,
    ) -> Vec<Reason<'_>> {
        asked::explain(&self.compiled.typed, &self.compiled.graph, scene, permission, resource)
    }

    /// The kinds of token that it declares, in the order written.
    pub fn tokens(&self) -> impl Iterator<Item = TokenInfo<'_>> {
        let typed = &self.compiled.typed;
        typed.tokens.iter().map(|token| TokenInfo {
            name: &token.name,
            algorithms: algorithms(&token.proof),
            secret: match token.proof {
                Proof::Hmac(_, secret) | Proof::KeyPair(_, secret) => Some(&typed.secrets[secret].name),
                Proof::KeySet(..) | Proof::Opaque => None,
            },
            keys: match token.proof {
                Proof::KeySet(_, set) => Some(&typed.key_sets[set].name),
                Proof::Hmac(..) | Proof::KeyPair(..) | Proof::Opaque => None,
            },
            issuer: token.issuer.as_deref(),
            audiences: &token.audiences,
            typ: token.typ.as_deref(),
            lifetime: token.lifetime.and_then(|lifetime| lifetime.try_into().ok()),
            is_single_use: token.single_use.is_some(),
            carried: match &token.carrier {
                TokenCarrier::Bearer => Carrier::Bearer,
                TokenCarrier::Body(field) => Carrier::Body(field),
                TokenCarrier::Cookie(name) => Carrier::Cookie(name),
                TokenCarrier::Header(name) => Carrier::Header(name),
            },
        })
    }

    /// The JWK sets that it declares, by name and the URL where the host finds each, in the order written.
    pub fn key_sets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.compiled.typed.key_sets.iter().map(|set| (set.name.as_str(), set.jwks.as_str()))
    }

    /// Hashes a password as the policy's `password` block says, as text to be stored: in the PHC string format, or in
    /// bcrypt's own. The salt is 16 random bytes, others for every hash; the library has no randomness of its own. It takes
    /// as long, and as much memory, as the block asks for: run it off any event loop.
    ///
    /// # Errors
    ///
    /// The policy has no `password` block, its algorithm can't take the password whole, or there is too little memory.
    ///
    /// ```
    /// use portcullis::{PasswordError, Policy, Source};
    ///
    /// let policy = Policy::compile(&[Source::new("p.gate", "policy p\npassword { algorithm argon2id }")])
    ///     .expect("it is well-formed");
    /// let salt = [7; 16]; // random, in earnest
    /// let hash = policy.hash_password("correct horse battery staple", &salt)?;
    /// assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    /// let task = policy.password_task("correct horse battery staple", &hash).expect("the policy has a `password` block");
    /// assert!(task.run().matches);
    /// # Ok::<(), PasswordError>(())
    /// ```
    pub fn hash_password(&self, password: &str, salt: &[u8; 16]) -> Result<String, PasswordError> {
        let rule = self.compiled.typed.password.as_ref().ok_or(PasswordError::NoRule)?;
        rule.hash(password, salt)
    }

    /// A password to be held against a stored hash outside any login, such as before it is changed:
    /// [`PasswordTask::run`] does it. `None` where the policy has no `password` block.
    pub fn password_task(&self, password: &str, hash: &str) -> Option<PasswordTask> {
        let rule = self.compiled.typed.password.clone()?;
        Some(PasswordTask::new(rule, password.to_owned(), hash.to_owned()))
    }

    /// The decision graph, to look at.
    pub fn graph(&self) -> Graph<'_> {
        Graph { policy: self }
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        &self.compiled
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("name", &self.name()).field("digest", &self.digest()).finish_non_exhaustive()
    }
}

fn digest_of(sources: &[Source]) -> String {
    let mut digests: Vec<String> = sources.iter().map(|source| sha256(source.text())).collect();
    digests.sort();
    match digests.as_slice() {
        [one] => format!("sha256:{one}"),
        several => format!("sha256:{}", sha256(&several.join("\n"))),
    }
}

/// The digest's beginning, as a number.
fn fingerprint_of(digest: &str) -> u64 {
    let digits = digest.strip_prefix("sha256:").and_then(|digits| digits.get(..16));
    digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

fn algorithms(proof: &Proof) -> Vec<&'static str> {
    match proof {
        Proof::Hmac(algorithm, _) => vec![algorithm.name()],
        Proof::KeyPair(algorithm, _) => vec![algorithm.name()],
        Proof::KeySet(algorithms, _) => algorithms.iter().map(|algorithm| algorithm.name()).collect(),
        Proof::Opaque => Vec::new(),
    }
}

/// How a token is declared: what whoever signs one needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenInfo<'p> {
    /// Its name.
    pub name: &'p str,
    /// The names of its signature algorithms (RFC 7518 §3.1); none where it is opaque.
    pub algorithms: Vec<&'static str>,
    /// The name of the secret, or of the key pair, that signs it; none where others do, or where it is opaque.
    pub secret: Option<&'p str>,
    /// The name of the JWK set that verifies it, where others sign it.
    pub keys: Option<&'p str>,
    /// What `iss` must be.
    pub issuer: Option<&'p str>,
    /// One of which `aud` must hold, where there are any.
    pub audiences: &'p [String],
    /// What `typ` must be.
    pub typ: Option<&'p str>,
    /// How long it may live.
    pub lifetime: Option<Duration>,
    /// Whether it is good for one exchange, and belongs to a family.
    pub is_single_use: bool,
    /// Where it travels.
    pub carried: Carrier<'p>,
}

/// Where a token travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carrier<'p> {
    /// In the header `Authorization: Bearer` (RFC 6750 §2.1).
    Bearer,
    /// In this field of a JSON body.
    Body(&'p str),
    /// In this cookie.
    Cookie(&'p str),
    /// In this header.
    Header(&'p str),
}

/// A policy's decision graph, to look at.
#[derive(Debug, Clone, Copy)]
pub struct Graph<'p> {
    policy: &'p Policy,
}

impl Graph<'_> {
    /// As text, for reviews and snapshots: doors, then nodes, every edge leading to a lower number.
    pub fn text(&self) -> String {
        let compiled = self.policy.compiled();
        compiled.graph.text(&compiled.typed, |span| self.policy.locate(span))
    }

    /// In the language of Graphviz' `dot`.
    pub fn dot(&self) -> String {
        let compiled = self.policy.compiled();
        compiled.graph.dot(&compiled.typed)
    }
}
