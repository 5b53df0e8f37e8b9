//! Names: which declarations there are, and which one a name means.

use indexmap::IndexMap;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::{Source, Span};
use crate::syntax::tree;
use crate::syntax::tree::{DeclarationKind, Text};

/// All declarations of a policy by kind and name.
#[derive(Debug)]
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
    pub(crate) keys: Kind<'t, (Span, &'t tree::Keys)>,
    pub(crate) conditions: Kind<'t, (Span, &'t tree::Condition)>,
    pub(crate) scopes: Kind<'t, (Span, &'t tree::Scope)>,
    pub(crate) cors: Kind<'t, (Span, &'t tree::Cors)>,
    pub(crate) cookies: Kind<'t, (Span, &'t tree::Cookie)>,
    pub(crate) providers: Kind<'t, (Span, &'t tree::Provider)>,
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
#[derive(Debug)]
pub(crate) struct Kind<'t, T> {
    /// What users call it: `role`, `secret`, …
    what: &'static str,
    entries: IndexMap<&'t str, (Span, T)>,
}

impl<'t, T> Kind<'t, T> {
    fn new(what: &'static str) -> Self {
        Self { what, entries: IndexMap::new() }
    }

    /// Adds a declaration; one of the same name is an error that shows both.
    pub(crate) fn declare(&mut self, name: &'t Text, declared: T, sources: &[Source], out: &mut Vec<Diagnostic>) {
        if let Some((first, _)) = self.entries.get(name.node.as_str()) {
            out.push(twice(sources, *first, name.span, &format!("{} `{}`", self.what, name.node)));
        } else {
            self.entries.insert(&name.node, (name.span, declared));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'t str, &T)> {
        self.entries.iter().map(|(name, (_, declared))| (*name, declared))
    }

    /// The same, with where each name is written.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'t str, Span, &T)> {
        self.entries.iter().map(|(name, (span, declared))| (*name, *span, declared))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// The row and the declaration that a name means.
    pub(crate) fn get(&self, name: &str) -> Option<(usize, &T)> {
        self.entries.get_full(name).map(|(row, _, (_, declared))| (row, declared))
    }

    /// The same, and an error that names the one that was probably meant.
    pub(crate) fn find(&self, name: &Text, out: &mut Vec<Diagnostic>) -> Option<(usize, &T)> {
        let found = self.get(&name.node);
        if found.is_none() {
            let known = self.entries.keys().copied().take(if worth_suggesting(out) { usize::MAX } else { 0 });
            let code = match self.what {
                "role" => "unknown_role",
                "secret" => "unknown_secret",
                "token" => "unknown_token",
                "resource" => "unknown_resource",
                "tier" => "unknown_tier",
                "limit" => "unknown_limit",
                "schema" => "unknown_schema",
                "attribute of `account`" | "attribute of `context`" => "unknown_attribute",
                "condition" => "unknown_condition",
                "scope" => "unknown_scope",
                "key set" => "unknown_keys",
                "provider" => "unknown_provider",
                "`cors` block" => "unknown_cors",
                "`headers` block" => "unknown_headers",
                _ => "unknown_name",
            };
            out.push(unknown(code, self.what, name, known));
        }
        found
    }
}

/// Comparing names takes time, and whoever has that many errors reads the first few.
pub(crate) fn worth_suggesting(out: &[Diagnostic]) -> bool {
    const MOST: usize = 50;
    out.len() < MOST
}

/// `there is no WHAT NAME`, with the name that was probably meant.
pub(crate) fn unknown<'n>(
    code: &'static str,
    what: &str,
    name: &Text,
    known: impl Iterator<Item = &'n str>,
) -> Diagnostic {
    let known: Vec<&str> = known.collect();
    let message = match what {
        "attribute of `account`" | "attribute of `context`" => {
            let owner = what.strip_prefix("attribute of ").unwrap_or(what);
            format!("{owner} has no attribute `{}`", name.node)
        }
        _ => format!("there is no {what} `{}`", name.node),
    };
    let error = Diagnostic::error(code, name.span, message).label("not declared");
    match suggest(&name.node, known.iter().copied()) {
        Some(meant) => error.help(format!("did you mean `{meant}`?")),
        None => match list(known.into_iter()) {
            Some(names) => error.help(format!("declared are {names}")),
            None => error.help(match what {
                "attribute of `context`" => format!("declare it: `context {{ {}: TYPE }}`", name.node),
                "attribute of `account`" => format!("declare it: `account {{ {}: TYPE }}`", name.node),
                _ => format!("declare a {what} of that name"),
            }),
        },
    }
}

/// The known name that is closest to what was written, if any is close.
pub(crate) fn suggest<'n>(written: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    const LONGEST: usize = 64;
    if written.len() > LONGEST {
        return None;
    }
    let length = written.chars().count();
    // Any two short names are close.
    if length < 3 {
        return None;
    }
    let most = (length / 3).max(1);
    known
        .filter(|name| name.len().abs_diff(written.len()) <= 4 * most)
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

/// `` `a`, `b` and `c` ``, if that is short enough to read.
pub(crate) fn list<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    const MOST: usize = 12;
    let names: Vec<String> = names.take(MOST + 1).map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        [first @ .., last] if names.len() <= MOST => Some(format!("{} and {last}", first.join(", "))),
        _ => None,
    }
}

/// Two declarations of what may stand once. The later one is at fault.
pub(crate) fn twice(sources: &[Source], first: Span, second: Span, what: &str) -> Diagnostic {
    let (earlier, later) = in_order(sources, first, second);
    Diagnostic::error("duplicate_name", later, format!("{what} is declared twice"))
        .label("declared again")
        .also(earlier, "first declared here")
        .help(match what {
            "`csrf`" | "`transport`" | "`password`" => "keep one of them, with the settings of both",
            "the unnamed `headers` block" => "put both into one, or give one a name: `headers NAME { … }`",
            "the unnamed `cors` block" => "put both into one, or give one a name: `cors NAME { … }`",
            _ => "rename one of them, or take one out",
        })
}

/// By file name, then position: the order of files on a command line means nothing.
pub(crate) fn in_order(sources: &[Source], one: Span, other: Span) -> (Span, Span) {
    let place = |span: Span| (sources.get(span.file as usize).map(Source::name), span.start);
    if place(one) <= place(other) { (one, other) } else { (other, one) }
}

impl<'t> Names<'t> {
    /// Collects the declarations of all files.
    pub(crate) fn collect(files: &'t [tree::File], sources: &[Source], out: &mut Vec<Diagnostic>) -> Self {
        let mut names = Self {
            secrets: Kind::new("secret"),
            tokens: Kind::new("token"),
            resources: Kind::new("resource"),
            permission_sets: Kind::new("permission set"),
            roles: Kind::new("role"),
            tiers: Kind::new("tier"),
            limits: Kind::new("limit"),
            schemas: Kind::new("schema"),
            headers: Kind::new("`headers` block"),
            account: Kind::new("attribute of `account`"),
            context: Kind::new("attribute of `context`"),
            keys: Kind::new("key set"),
            conditions: Kind::new("condition"),
            scopes: Kind::new("scope"),
            cors: Kind::new("`cors` block"),
            cookies: Kind::new("cookie"),
            providers: Kind::new("provider"),
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
            names.add(declaration, sources, out);
        }
        names
    }

    fn add(&mut self, declaration: &'t tree::Declaration, sources: &[Source], out: &mut Vec<Diagnostic>) {
        let span = declaration.span;
        if let Some(first) = declaration.allowances.first() {
            self.allowing.push((first.span.to(span), &declaration.allowances));
        }
        match &declaration.kind {
            DeclarationKind::Secrets(secrets) => {
                for name in &secrets.names {
                    self.secrets.declare(name, (), sources, out);
                }
            }
            DeclarationKind::Token(token) => self.tokens.declare(&token.name, token, sources, out),
            DeclarationKind::Account(attributes) => {
                for attribute in attributes {
                    self.account.declare(&attribute.name, attribute, sources, out);
                }
            }
            DeclarationKind::User(mapping) => self.mappings.push((keyword(span, "user"), mapping)),
            DeclarationKind::Resource(resource) => self.resources.declare(&resource.name, resource, sources, out),
            DeclarationKind::Permissions(set) => self.permission_sets.declare(&set.name, set, sources, out),
            DeclarationKind::Role(role) => self.roles.declare(&role.name, role, sources, out),
            DeclarationKind::Rule(rule) => self.rules.push(rule),
            DeclarationKind::Tier(tier) => self.tiers.declare(&tier.name, tier, sources, out),
            DeclarationKind::Limit(limit) => self.limits.declare(&limit.name, limit, sources, out),
            DeclarationKind::Schema(schema) => self.schemas.declare(&schema.name, schema, sources, out),
            DeclarationKind::Csrf(csrf) => once(&mut self.csrf, keyword(span, "csrf"), csrf, "`csrf`", sources, out),
            DeclarationKind::Transport(transport) => {
                once(&mut self.transport, keyword(span, "transport"), transport, "`transport`", sources, out);
            }
            DeclarationKind::Password(password) => {
                once(&mut self.password, keyword(span, "password"), password, "`password`", sources, out);
            }
            DeclarationKind::Headers(headers) => match &headers.name {
                Some(name) => self.headers.declare(name, headers, sources, out),
                None => {
                    let what = "the unnamed `headers` block";
                    once(&mut self.default_headers, keyword(span, "headers"), headers, what, sources, out);
                }
            },
            DeclarationKind::Cors(cors) => match &cors.name {
                Some(name) => self.cors.declare(name, (keyword(span, "cors"), cors), sources, out),
                None => {
                    let what = "the unnamed `cors` block";
                    once(&mut self.default_cors, keyword(span, "cors"), cors, what, sources, out);
                }
            },
            DeclarationKind::Context(attributes) => {
                for attribute in attributes {
                    self.context.declare(&attribute.name, attribute, sources, out);
                }
            }
            DeclarationKind::Keys(keys) => self.keys.declare(&keys.name, (keyword(span, "keys"), keys), sources, out),
            DeclarationKind::Condition(condition) => {
                self.conditions.declare(&condition.name, (keyword(span, "condition"), condition), sources, out);
            }
            DeclarationKind::Scope(scope) => {
                self.scopes.declare(&scope.name, (keyword(span, "scope"), scope), sources, out);
            }
            DeclarationKind::Cookie(cookie) => {
                self.cookies.declare(&cookie.name, (keyword(span, "cookie"), cookie), sources, out);
            }
            DeclarationKind::Provider(provider) => {
                self.providers.declare(&provider.name, (keyword(span, "provider"), provider), sources, out);
            }
            DeclarationKind::Routes(routes) => self.routes.push(routes),
        }
    }
}

/// A declaration that may stand once in a policy.
fn once<'t, T>(
    slot: &mut Option<(Span, &'t T)>,
    span: Span,
    declared: &'t T,
    what: &str,
    sources: &[Source],
    out: &mut Vec<Diagnostic>,
) {
    match slot {
        Some((first, _)) => out.push(twice(sources, *first, span, what)),
        None => *slot = Some((span, declared)),
    }
}

/// The keyword that a declaration begins with.
fn keyword(span: Span, word: &str) -> Span {
    Span { end: span.start + u32::try_from(word.len()).unwrap_or(0), ..span }
}
