//! Tree to typed policy. Names are resolved, types checked, patterns expanded, roles closed; every mistake is
//! reported at once, and nothing comes out unless there is none. Never reads anything but the trees and their sources' names.

pub(crate) mod browser;
pub(crate) mod callers;
pub(crate) mod entries;
pub(crate) mod expressions;
pub(crate) mod limits;
pub(crate) mod lints;
pub(crate) mod names;
pub(crate) mod order;
pub(crate) mod permissions;
pub(crate) mod routes;
pub(crate) mod schemas;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::check::browser::csrf;
use crate::check::expressions::{Narrowing, ViewKey};
pub use crate::check::lints::{LINTS, Lint};
use crate::check::names::Names;
use crate::check::permissions::role::Roles;
pub(crate) use crate::check::routes::path::path_pattern;
use crate::check::routes::route;
use crate::check::schemas::schema::Shapes;
use crate::collections::bit_set::BitSet;
use crate::collections::id_set::IdSets;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::source::{Source, Span};
use crate::syntax::tree;
use crate::typed::schemas::Shape;
use crate::typed::{
    Attribute, Condition, KeySet, Limit, Never, Permission, Purpose, Resource, Route, Scope, Secret, TypedPolicy,
};

/// A policy with thousands of errors has one cause, or an attacker; a person reads the first few.
const MOST_DIAGNOSTICS: usize = 1_000;

/// Checks all files of one policy. The files have the order of `sources`.
pub(crate) fn check(
    files: &[tree::File],
    sources: &[Source],
) -> Result<(TypedPolicy, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    one_policy(files, sources, &mut diagnostics);
    let names = Names::collect(files, sources, &mut diagnostics);
    let name = files.first().map(|file| file.policy.node.clone()).unwrap_or_default();
    Checker::new(names, sources, diagnostics).policy(name)
}

/// Every file must say the same `policy NAME`.
fn one_policy(files: &[tree::File], sources: &[Source], out: &mut Vec<Diagnostic>) {
    for pair in files.windows(2) {
        if let [one, other] = pair
            && one.policy.node != other.policy.node
        {
            let (first, second) = names::in_order(sources, one.policy.span, other.policy.span);
            out.push(
                Diagnostic::error("two_policies", second, "these files belong to two policies")
                    .also(first, "the other name")
                    .help("give all files of a policy the same name, or compile them apart"),
            );
        }
    }
}

/// What the checks of all declarations share.
struct Checker<'t> {
    names: Names<'t>,
    sources: &'t [Source],
    diagnostics: Vec<Diagnostic>,
    secrets: Table<Secret>,
    key_sets: Table<KeySet>,
    shapes: Shapes,
    /// Schemas of queries that were looked at.
    queries: HashSet<Id<Shape>>,
    /// `None` for one with an error.
    account: Vec<Option<Attribute>>,
    context: Table<Attribute>,
    context_rows: HashMap<String, usize>,
    /// Of `user`.
    attributes: Table<Attribute>,
    attribute_rows: HashMap<String, usize>,
    /// The values of `user.tier` and `user.token`, once somebody asks.
    tier_names: Option<Arc<[String]>>,
    token_names: Option<Arc<[String]>>,
    /// Whether every caller who comes with a token is capped by scopes.
    all_capped: bool,
    resources: Table<Resource>,
    /// The sets of permissions that patterns name.
    permission_sets: IdSets<Permission>,
    /// The name of a permission that was looked for last.
    asked: String,
    /// By an attribute's name, the resources that declare it.
    declaring: HashMap<String, Vec<Id<Resource>>>,
    /// Attributes whose own declaration is in error, so that reading them isn't reported, too.
    broken_attributes: HashSet<String>,
    attribute_names: Table<String>,
    attribute_ids: HashMap<String, Id<String>>,
    roles: Roles,
    scopes: Table<Scope>,
    conditions: Table<Condition>,
    nevers: Vec<Never>,
    routes: Table<Route>,
    /// By permission, the routes that require it.
    requiring: Vec<Vec<Id<Route>>>,
    /// The routes that a caller enters without a permission.
    doors: Vec<Id<Route>>,
    /// The permissions that some `allow anyone` grants.
    open_to_anyone: BitSet,
    /// The narrowings by named conditions.
    narrowings: Vec<Narrowing>,
    /// The narrowings by `and` and `or`, by span.
    junction_narrowings: RefCell<HashMap<Span, Narrowing>>,
    sound_conditions: bool,
    /// Whether a condition is sound where it was used: by condition, place and guards.
    checked_conditions: HashMap<(usize, ViewKey, usize), bool>,
    used_conditions: HashSet<usize>,
    guard_sets: HashMap<Vec<String>, usize>,
    regexes: HashMap<String, Option<::regex::Regex>>,
    /// Where the conditions are used that are being checked, the outermost first.
    uses: Vec<Span>,
    /// What was said of which place.
    said: HashSet<(&'static str, Span, String)>,
    /// How many steps typing has taken.
    steps: usize,
    /// Whether there were too many, which was told.
    out_of_steps: bool,
}

impl<'t> Checker<'t> {
    fn new(names: Names<'t>, sources: &'t [Source], diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            names,
            sources,
            diagnostics,
            secrets: Table::new(),
            key_sets: Table::new(),
            shapes: Shapes::none(),
            queries: HashSet::new(),
            account: Vec::new(),
            context: Table::new(),
            context_rows: HashMap::new(),
            attributes: Table::new(),
            attribute_rows: HashMap::new(),
            tier_names: None,
            token_names: None,
            all_capped: false,
            resources: Table::new(),
            permission_sets: IdSets::default(),
            asked: String::new(),
            declaring: HashMap::new(),
            broken_attributes: HashSet::new(),
            attribute_names: Table::new(),
            attribute_ids: HashMap::new(),
            roles: Roles::default(),
            scopes: Table::new(),
            conditions: Table::new(),
            nevers: Vec::new(),
            routes: Table::new(),
            requiring: Vec::new(),
            doors: Vec::new(),
            open_to_anyone: BitSet::default(),
            narrowings: Vec::new(),
            junction_narrowings: RefCell::default(),
            sound_conditions: true,
            checked_conditions: HashMap::new(),
            used_conditions: HashSet::new(),
            guard_sets: HashMap::new(),
            regexes: HashMap::new(),
            uses: Vec::new(),
            said: HashSet::new(),
            steps: 0,
            out_of_steps: false,
        }
    }

    fn policy(mut self, name: String) -> Result<(TypedPolicy, Vec<Diagnostic>), Vec<Diagnostic>> {
        self.secrets =
            self.names.secrets.iter().map(|(name, ())| Secret { name: name.to_owned(), used: None }).collect();
        // Types first, as everything has one.
        self.shapes = self.shapes();
        self.shape_checks();
        self.attributes_of_things();
        self.roles = self.roles();
        let scope_names;
        (self.scopes, scope_names) = self.scopes();
        self.key_sets = self.key_sets();
        let mut tokens = self.tokens();
        let password = self.password();
        let returns = self.providers();
        let mappings = self.mappings(&tokens);
        self.conditions();
        // Then what rules and routes speak of, so that each knows the other when conditions are typed.
        let mut permissions = self.permissions();
        let drafts = self.rule_drafts(&mut permissions);
        self.open_to_anyone = Self::opened_to_anyone(&drafts);
        let transport = self.transport();
        let (cors, default_cors) = self.cors();
        let cookies = self.cookies();
        Self::cookies_of_tokens(&mut tokens, &cookies);
        let csrf = self.csrf(&cookies);
        let (headers, default_headers, no_headers) = self.headers();
        let limits: Vec<Id<Limit>> = Table::promised(self.names.limits.iter().count()).collect();
        let untyped = self.routes(&route::Declared {
            tokens: &tokens,
            permissions: &permissions,
            limits: &limits,
            cors: &cors,
            default_cors,
            headers: &headers,
            default_headers,
            no_headers,
            has_csrf: self.names.csrf.is_some(),
            issues_csrf: self.names.csrf.is_some_and(|(_, csrf)| csrf::issues_tokens(csrf)),
            makes_callers: !self.names.mappings.is_empty(),
            returns: &returns,
        });
        let (rules, door_forbids) = self.rules(&drafts, &mut permissions);
        self.route_conditions(untyped);
        self.nevers();
        let tiers = self.tiers();
        let limits = self.limits(&tiers, !self.names.mappings.is_empty());
        if !self.any_error() {
            self.subjects(&permissions, &rules);
        }
        self.lint_names();
        if !self.any_error() {
            self.lint(&permissions, &drafts);
        }
        self.settle_warnings();
        if let (false, Some(mappings), Some(csrf)) = (self.any_error(), mappings.into_iter().collect(), csrf) {
            let permissions = permissions.finished();
            self.roles.sets.shrink();
            let typed = TypedPolicy {
                name,
                // Its text is known where the whole policy is put together.
                fingerprint: 0,
                secrets: self.secrets,
                key_sets: self.key_sets,
                tokens,
                password,
                mappings,
                attributes: self.attributes,
                attribute_names: self.attribute_names,
                account: self.account.into_iter().flatten().collect(),
                context: self.context,
                resources: self.resources,
                conditions: self.conditions,
                permissions: permissions.table,
                permission_names: permissions.names,
                terms: permissions.terms,
                rules,
                roles: self.roles.table,
                role_names: self.roles.names,
                role_sets: self.roles.sets,
                scopes: self.scopes,
                scope_names,
                scope_sets: permissions.scope_sets,
                tiers,
                limits,
                transport,
                cors,
                default_cors,
                csrf,
                headers,
                default_headers,
                shapes: self.shapes.table,
                routes: self.routes,
                door_forbids,
                nevers: self.nevers,
            };
            return Ok((typed, sorted(self.diagnostics, self.sources)));
        }
        Err(sorted(self.diagnostics, self.sources))
    }

    fn any_error(&self) -> bool {
        self.diagnostics.iter().any(|finding| finding.severity == Severity::Error)
    }

    fn report(&mut self, finding: Diagnostic) {
        self.diagnostics.push(finding);
    }

    /// The secret of that name for one purpose, which it then serves alone: what is made with a key for one purpose
    /// must not pass for another.
    fn secret(&mut self, name: &tree::Text, purpose: Purpose) -> Option<Id<Secret>> {
        let (row, ()) = self.names.secrets.find(name, &mut self.diagnostics)?;
        let id = self.secrets.id(row)?;
        let secret = self.secrets.row_mut(id);
        if let Some((_, first)) = secret.used {
            let (earlier, later) = names::in_order(self.sources, first, name.span);
            self.report(
                Diagnostic::error("secret_reused", later, format!("the secret `{}` serves two purposes", name.node))
                    .also(earlier, "used here, too")
                    .help("declare a secret for each purpose"),
            );
        } else {
            secret.used = Some((purpose, name.span));
        }
        Some(id)
    }
}

/// By file name, then position, and no more than a person would read.
pub(crate) fn sorted(mut diagnostics: Vec<Diagnostic>, sources: &[Source]) -> Vec<Diagnostic> {
    let place = |span: Span| (sources.get(span.file as usize).map(Source::name), span.start);
    diagnostics.sort_by(|one, other| place(one.primary.span).cmp(&place(other.primary.span)));
    let left_out = diagnostics.len().saturating_sub(MOST_DIAGNOSTICS);
    if left_out == 0 {
        return diagnostics;
    }
    // No warning takes the place of an error.
    diagnostics.sort_by_key(|finding| finding.severity);
    diagnostics.truncate(MOST_DIAGNOSTICS);
    diagnostics.sort_by(|one, other| place(one.primary.span).cmp(&place(other.primary.span)));
    if let Some(last) = diagnostics.last() {
        let span = last.primary.span;
        let severity = diagnostics.iter().map(|finding| finding.severity).min().unwrap_or(Severity::Error);
        let note = Diagnostic::error("too_many_errors", span, format!("{left_out} more findings are left out"));
        diagnostics.push(Diagnostic { severity, ..note }.help("mend the ones above first"));
    }
    diagnostics
}
