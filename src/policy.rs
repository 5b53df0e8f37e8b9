//! A compiled policy.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::analyze::{prove, unreduced};
use crate::check::{check as checked, sorted};
use crate::decide::callers::keys::BoundKeys;
use crate::decide::permissions::check;
use crate::decide::{PermissionId, Resource, RoleId, Ruling, Scene, SceneBuilder};
use crate::gate::Gate;
use crate::graph::{DecisionGraph, build};
use crate::keys::{BindError, Keys};
use crate::model::diagnostic::{CompileError, Diagnostic};
use crate::model::digest::sha256;
use crate::model::reason::Reason;
use crate::model::source::{Source, Span, locate};
use crate::password::{PasswordError, PasswordTask};
use crate::protocol::facts::Record;
use crate::syntax;
use crate::typed::TypedPolicy;

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
    /// All that is wrong with the files. Files with syntax errors are not checked further.
    ///
    /// ```
    /// use portcullis::{Policy, Source};
    ///
    /// let source = |text| Source::new("hello.gate", text);
    /// let policy = Policy::compile(&[source("policy hello\nroutes / { GET /health public }")])?;
    /// assert_eq!(policy.name(), "hello");
    ///
    /// let error = Policy::compile(&[source("policy hello\nrole reader { allow posts:read }")]).expect_err("no resource `posts`");
    /// assert!(error.to_string().starts_with("hello.gate:2:21: error[unknown_resource]: "), "{error}");
    /// # Ok::<(), portcullis::CompileError>(())
    /// ```
    pub fn compile(sources: &[Source]) -> Result<Self, CompileError> {
        compile(sources)
            .map(|compiled| Self { compiled: Arc::new(compiled) })
            .map_err(|diagnostics| CompileError::new(sources, diagnostics))
    }

    /// Binds the policy to its keys.
    ///
    /// # Errors
    ///
    /// Every secret that the key ring lacks, that is too weak for its use, or that equals another.
    pub fn bind(&self, keys: &Keys) -> Result<Gate, BindError> {
        Ok(Gate::new(self.clone(), BoundKeys::bind(&self.compiled.typed, keys)?))
    }

    /// Returns the policy's name: the `NAME` of `policy NAME`.
    pub fn name(&self) -> &str {
        &self.compiled.typed.name
    }

    /// Returns `sha256:` and a SHA-256 digest in hexadecimal digits: of the file's text for a policy of one file; otherwise of
    /// the sorted digests of its files, one a line. It depends neither on the names nor on the order of the files.
    pub fn digest(&self) -> &str {
        &self.compiled.digest
    }

    /// Returns the compiler's warnings.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.compiled.warnings
    }

    /// Returns the files that the policy was compiled from; [`Span::file`] is an index into them.
    pub fn sources(&self) -> &[Source] {
        &self.compiled.sources
    }

    /// Returns a span's position as `FILE:LINE:COLUMN`, such as `article.gate:112:3`.
    pub fn locate(&self, span: Span) -> String {
        locate(&self.compiled.sources, span)
    }

    /// Resolves a permission by its name, such as `posts:delete`.
    pub fn permission(&self, name: &str) -> Option<PermissionId> {
        let Compiled { typed, .. } = &*self.compiled;
        Some(PermissionId { fingerprint: typed.fingerprint, id: typed.permission_names.find(name)? })
    }

    /// Returns the names of all permissions, by resource, in the order of the source.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.compiled.typed.permission_names.iter()
    }

    /// Resolves a role by its name.
    pub fn role(&self, name: &str) -> Option<RoleId> {
        let Compiled { typed, .. } = &*self.compiled;
        Some(RoleId { fingerprint: typed.fingerprint, id: typed.role_names.find(name)? })
    }

    /// Begins a scene: the caller, the context and the time of checks outside any route.
    pub fn scene<'a>(&self, now: Timestamp) -> SceneBuilder<'_, 'a> {
        SceneBuilder::new(&self.compiled.typed, &self.compiled.graph, now)
    }

    /// Resolves every attribute of a resource, for many checks of it; for single checks, [`Resource::of`] is cheaper. `kind`
    /// is a name such as `posts`; `None` if the policy doesn't declare it.
    pub fn resource(&self, kind: &str, record: &Record) -> Option<Resource<'static>> {
        Resource::prepared(&self.compiled.typed, &self.compiled.graph, kind, record)
    }

    /// Checks whether a caller has a permission, outside any route, by the same rules as at a route. Without a `resource`,
    /// its attributes are unknown. A permission, a scene or a resource of another policy, and a resource of another kind than
    /// the permission's, are denied.
    ///
    /// ```
    /// use portcullis::permission::Resource;
    /// use portcullis::{Policy, Source, User};
    ///
    /// let text = "policy p\nresource posts { actions read  author: string }\nallow posts:read when resource.author == user.id";
    /// let policy = Policy::compile(&[Source::new("p.gate", text)])?;
    /// let read = policy.permission("posts:read").expect("the policy declares it");
    ///
    /// let mia = User::new("mia");
    /// let scene = policy.scene(jiff::Timestamp::UNIX_EPOCH).user(&mia).build();
    /// let post = serde_json::Map::from_iter([("id".to_owned(), "42".into()), ("author".to_owned(), "mia".into())]);
    /// assert!(policy.check(&scene, read, Some(&Resource::of(&post))).is_allowed());
    /// assert!(!policy.check(&scene, read, None).is_allowed());
    /// # Ok::<(), portcullis::CompileError>(())
    /// ```
    pub fn check(&self, scene: &Scene<'_>, permission: PermissionId, resource: Option<&Resource<'_>>) -> Ruling {
        self.check_all(scene, &[permission], resource)
    }

    /// Checks whether a caller has at least one of the permissions; see [`Policy::check`].
    pub fn check_any(
        &self,
        scene: &Scene<'_>,
        permissions: &[PermissionId],
        resource: Option<&Resource<'_>>,
    ) -> Ruling {
        check::any(&self.compiled.typed, &self.compiled.graph, scene, permissions, resource)
    }

    /// Checks whether a caller has each of the permissions; see [`Policy::check`]. An empty list is denied.
    pub fn check_all(
        &self,
        scene: &Scene<'_>,
        permissions: &[PermissionId],
        resource: Option<&Resource<'_>>,
    ) -> Ruling {
        check::all(&self.compiled.typed, &self.compiled.graph, scene, permissions, resource)
    }

    /// Returns the reasons for the ruling of [`Policy::check`]: at least one; certain ones before unknown ones, then by their
    /// position in the policy. It evaluates the rules once more, so that `check` itself records nothing.
    pub fn explain(
        &self,
        scene: &Scene<'_>,
        permission: PermissionId,
        resource: Option<&Resource<'_>>,
    ) -> Vec<Reason<'_>> {
        check::explain(&self.compiled.typed, &self.compiled.graph, scene, permission, resource)
    }

    /// Returns the JWK sets that the policy declares, by name and URL, in the order of the source.
    pub fn key_sets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.compiled.typed.key_sets.iter().map(|set| (set.name.as_str(), set.jwks.as_str()))
    }

    /// Hashes a password as the policy's `password` block says, for storage: in the PHC string format, or in bcrypt's. The
    /// salt is 16 random bytes, new for each hash. It takes as much time and memory as the block asks for: run it off any
    /// event loop.
    ///
    /// # Errors
    ///
    /// The policy has no `password` block, its algorithm can't take the whole password, or there is too little memory.
    ///
    /// ```
    /// use portcullis::{Policy, Source};
    ///
    /// let policy = Policy::compile(&[Source::new("p.gate", "policy p\npassword { algorithm argon2id }")])?;
    /// let salt = [7; 16]; // random in production
    /// let hash = policy.hash_password("correct horse battery staple", &salt)?;
    /// assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    /// let task = policy.password_task("correct horse battery staple", &hash).expect("the policy has a `password` block");
    /// assert!(task.run().matches);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hash_password(&self, password: &str, salt: &[u8; 16]) -> Result<String, PasswordError> {
        let rule = self.compiled.typed.password.as_ref().ok_or(PasswordError::NoRule)?;
        rule.hash(password, salt)
    }

    /// Prepares to match a password against a stored hash outside any login, such as before it is changed;
    /// [`PasswordTask::run`] does it. `None` if the policy has no `password` block.
    pub fn password_task(&self, password: &str, hash: &str) -> Option<PasswordTask> {
        let rule = self.compiled.typed.password.clone()?;
        Some(PasswordTask::new(rule, password.to_owned(), hash.to_owned()))
    }

    /// Renders the decision graph as text, for reviews and snapshots: first the doors, then the nodes, in which every edge
    /// leads to a lower number.
    pub fn graph_text(&self) -> String {
        self.compiled.graph.text(&self.compiled.typed, |span| self.locate(span))
    }

    /// Renders the decision graph in the language of Graphviz' `dot`.
    pub fn graph_dot(&self) -> String {
        self.compiled.graph.dot(&self.compiled.typed)
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        &self.compiled
    }
}

/// Compiles all files of one policy, or returns every diagnostic if one is an error.
fn compile(sources: &[Source]) -> Result<Compiled, Vec<Diagnostic>> {
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
    let (mut typed, mut warnings) = checked(&files, sources)?;
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
    Ok(Compiled { sources: sources.to_vec(), digest, warnings, typed, graph })
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

/// The first 64 bits of the digest.
fn fingerprint_of(digest: &str) -> u64 {
    let digits = digest.strip_prefix("sha256:").and_then(|digits| digits.get(..16));
    digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}
