//! Names: which declarations there are, and which one a name means.

use indexmap::IndexMap;

use crate::check::findings::Findings;
use crate::check::suggest::unknown;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{DeclarationKind, Text};

/// All declarations of a policy by kind and name.
pub(crate) struct Names<'t> {
    pub(crate) secrets: Kind<'t, ()>,
    pub(crate) tokens: Kind<'t, &'t tree::Token>,
    pub(crate) resources: Kind<'t, &'t tree::Resource>,
    pub(crate) permission_sets: Kind<'t, &'t tree::PermissionSet>,
    pub(crate) roles: Kind<'t, &'t tree::Role>,
    pub(crate) tiers: Kind<'t, &'t tree::Tier>,
    pub(crate) limits: Kind<'t, &'t tree::Limit>,
    pub(crate) schemas: Kind<'t, &'t tree::Schema>,
    pub(crate) headers: Kind<'t, &'t tree::Headers>,
    pub(crate) account: Kind<'t, &'t tree::Attribute>,
    pub(crate) context: Kind<'t, &'t tree::Attribute>,
    pub(crate) keys: Kind<'t, &'t tree::Keys>,
    pub(crate) conditions: Kind<'t, &'t tree::Condition>,
    pub(crate) scopes: Kind<'t, &'t tree::Scope>,
    pub(crate) cors: Kind<'t, (Span, &'t tree::Cors)>,
    pub(crate) cookies: Kind<'t, &'t tree::Cookie>,
    pub(crate) providers: Kind<'t, &'t tree::Provider>,
    pub(crate) csrf: Option<(Span, &'t tree::Csrf)>,
    pub(crate) transport: Option<(Span, &'t tree::Transport)>,
    pub(crate) password: Option<(Span, &'t tree::Password)>,
    pub(crate) default_cors: Option<(Span, &'t tree::Cors)>,
    pub(crate) default_headers: Option<(Span, &'t tree::Headers)>,
    pub(crate) mappings: Vec<(Span, &'t tree::Mapping)>,
    pub(crate) rules: Vec<&'t tree::Rule>,
    pub(crate) routes: Vec<&'t tree::Routes>,
    /// Declarations that switch lints off.
    pub(crate) allowing: Vec<(Span, &'t [tree::Allowance])>,
}

/// The declarations of one kind, in the order written.
pub(crate) struct Kind<'t, D> {
    /// The word of users for it: `role`, `secret`, …
    word: &'static str,
    /// The code of the error for a name that isn't declared.
    unknown: &'static str,
    entries: IndexMap<&'t str, (Span, D)>,
}

impl<'t, D: Copy> Kind<'t, D> {
    fn new(word: &'static str, unknown: &'static str) -> Self {
        Self { word, unknown, entries: IndexMap::new() }
    }

    /// Adds a declaration; one of the same name is an error that shows both.
    fn declare(&mut self, name: &'t Text, declared: D, findings: &Findings<'_>) {
        if let Some((first, _)) = self.entries.get(name.node.as_str()) {
            findings.push(findings.twice(*first, name.span, &format!("{} `{}`", self.word, name.node)));
        } else {
            self.entries.insert(&name.node, (name.span, declared));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'t str> + Clone {
        self.entries.keys().copied()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = D> + Clone {
        self.entries.values().map(|(_, declared)| *declared)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'t str, D)> {
        self.names().zip(self.values())
    }

    /// Each name, its span and its declaration.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'t str, Span, D)> {
        self.entries.iter().map(|(name, (span, declared))| (*name, *span, *declared))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    pub(crate) fn row(&self, name: &str) -> Option<usize> {
        self.entries.get_index_of(name)
    }

    /// The row and the declaration of a name.
    pub(crate) fn get(&self, name: &str) -> Option<(usize, D)> {
        self.entries.get_full(name).map(|(row, _, (_, declared))| (row, *declared))
    }

    /// The same; a name that isn't declared is an error, with the one that was probably meant.
    pub(crate) fn find(&self, name: &Text, findings: &Findings<'_>) -> Option<(usize, D)> {
        let found = self.get(&name.node);
        if found.is_none() {
            findings.push(self.not_declared(name, findings.most_names()));
        }
        found
    }

    pub(crate) fn not_declared(&self, name: &Text, most_names: usize) -> Diagnostic {
        unknown(self.unknown, self.word, name, self.names().take(most_names))
    }
}

impl<'t> Names<'t> {
    /// Collects the declarations of all files.
    pub(crate) fn collect(files: &'t [tree::File], findings: &Findings<'_>) -> Self {
        let mut names = Self {
            secrets: Kind::new("secret", "unknown_secret"),
            tokens: Kind::new("token", "unknown_token"),
            resources: Kind::new("resource", "unknown_resource"),
            permission_sets: Kind::new("permission set", "unknown_name"),
            roles: Kind::new("role", "unknown_role"),
            tiers: Kind::new("tier", "unknown_tier"),
            limits: Kind::new("limit", "unknown_limit"),
            schemas: Kind::new("schema", "unknown_schema"),
            headers: Kind::new("`headers` block", "unknown_headers"),
            account: Kind::new("attribute of `account`", "unknown_attribute"),
            context: Kind::new("attribute of `context`", "unknown_attribute"),
            keys: Kind::new("key set", "unknown_keys"),
            conditions: Kind::new("condition", "unknown_condition"),
            scopes: Kind::new("scope", "unknown_scope"),
            cors: Kind::new("`cors` block", "unknown_cors"),
            cookies: Kind::new("cookie", "unknown_name"),
            providers: Kind::new("provider", "unknown_provider"),
            csrf: None,
            transport: None,
            password: None,
            default_cors: None,
            default_headers: None,
            mappings: Vec::new(),
            rules: Vec::new(),
            routes: Vec::new(),
            allowing: Vec::new(),
        };
        for declaration in files.iter().flat_map(|file| &file.declarations) {
            names.add(declaration, findings);
        }
        names
    }

    fn add(&mut self, declaration: &'t tree::Declaration, findings: &Findings<'_>) {
        let span = declaration.span;
        if let Some(first) = declaration.allowances.first() {
            self.allowing.push((first.span.to(span), &declaration.allowances));
        }
        match &declaration.kind {
            DeclarationKind::Secrets(secrets) => {
                secrets.names.iter().for_each(|name| self.secrets.declare(name, (), findings));
            }
            DeclarationKind::Token(token) => self.tokens.declare(&token.name, token, findings),
            DeclarationKind::Account(attributes) => {
                attributes.iter().for_each(|attribute| self.account.declare(&attribute.name, attribute, findings));
            }
            DeclarationKind::User(mapping) => self.mappings.push((keyword(span, "user"), mapping)),
            DeclarationKind::Resource(resource) => self.resources.declare(&resource.name, resource, findings),
            DeclarationKind::Permissions(set) => self.permission_sets.declare(&set.name, set, findings),
            DeclarationKind::Role(role) => self.roles.declare(&role.name, role, findings),
            DeclarationKind::Rule(rule) => self.rules.push(rule),
            DeclarationKind::Tier(tier) => self.tiers.declare(&tier.name, tier, findings),
            DeclarationKind::Limit(limit) => self.limits.declare(&limit.name, limit, findings),
            DeclarationKind::Schema(schema) => self.schemas.declare(&schema.name, schema, findings),
            DeclarationKind::Csrf(csrf) => once(&mut self.csrf, keyword(span, "csrf"), csrf, "`csrf`", findings),
            DeclarationKind::Transport(transport) => {
                once(&mut self.transport, keyword(span, "transport"), transport, "`transport`", findings);
            }
            DeclarationKind::Password(password) => {
                once(&mut self.password, keyword(span, "password"), password, "`password`", findings);
            }
            DeclarationKind::Headers(headers) => match &headers.name {
                Some(name) => self.headers.declare(name, headers, findings),
                None => {
                    let what = "the unnamed `headers` block";
                    once(&mut self.default_headers, keyword(span, "headers"), headers, what, findings);
                }
            },
            DeclarationKind::Cors(cors) => match &cors.name {
                Some(name) => self.cors.declare(name, (keyword(span, "cors"), cors), findings),
                None => {
                    once(&mut self.default_cors, keyword(span, "cors"), cors, "the unnamed `cors` block", findings);
                }
            },
            DeclarationKind::Context(attributes) => {
                attributes.iter().for_each(|attribute| self.context.declare(&attribute.name, attribute, findings));
            }
            DeclarationKind::Keys(keys) => self.keys.declare(&keys.name, keys, findings),
            DeclarationKind::Condition(condition) => self.conditions.declare(&condition.name, condition, findings),
            DeclarationKind::Scope(scope) => self.scopes.declare(&scope.name, scope, findings),
            DeclarationKind::Cookie(cookie) => self.cookies.declare(&cookie.name, cookie, findings),
            DeclarationKind::Provider(provider) => self.providers.declare(&provider.name, provider, findings),
            DeclarationKind::Routes(routes) => self.routes.push(routes),
        }
    }
}

/// Enters a declaration that may stand once in a policy.
fn once<'t, T>(slot: &mut Option<(Span, &'t T)>, span: Span, declared: &'t T, what: &str, findings: &Findings<'_>) {
    match slot {
        Some((first, _)) => findings.push(findings.twice(*first, span, what)),
        None => *slot = Some((span, declared)),
    }
}

/// The place of the keyword that a declaration begins with.
fn keyword(span: Span, word: &str) -> Span {
    Span { end: span.start + u32::try_from(word.len()).unwrap_or(0), ..span }
}
