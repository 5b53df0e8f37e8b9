//! Tree to typed policy. Names are resolved, types checked, patterns expanded, roles closed; every mistake is
//! reported at once, and nothing comes out unless there is none. Never reads anything but the trees and their sources' names.

mod clause;
mod cookie;
mod cors;
mod csrf;
mod entries;
mod expression;
mod facet;
mod header;
mod header_value;
mod layers;
mod limit;
mod mapping;
mod names;
mod order;
mod path;
mod permission;
mod preset;
mod route;
mod schema;
mod token;
mod transport;
pub(crate) mod typed;

use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::source::{Source, Span};
use crate::model::table::{Id, Table};
use crate::syntax::tree;

use names::{Names, unsupported};
use typed::{HmacAlgorithm, Secret, TypedPolicy};

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
    let checker = Checker { names, sources, secrets: Table::new(), diagnostics };
    let name = files.first().map(|file| file.policy.node.clone()).unwrap_or_default();
    checker.policy(name)
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
    secrets: Table<Secret>,
    diagnostics: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn policy(mut self, name: String) -> Result<(TypedPolicy, Vec<Diagnostic>), Vec<Diagnostic>> {
        self.unsupported_declarations();
        self.secrets =
            self.names.secrets.iter().map(|(name, ())| Secret { name: name.to_owned(), used: None }).collect();
        let tokens = self.tokens();
        let (attributes, mappings) = self.mappings(&tokens);
        let roles = self.roles();
        let permissions = self.permissions(&roles);
        let tiers = self.tiers();
        let limits = self.limits(&attributes, &mappings, &tiers);
        let transport = self.transport();
        let (cors, default_cors) = self.cors();
        let cookies = self.cookies();
        let csrf = self.csrf(&cookies);
        let (headers, default_headers, no_headers) = self.headers();
        let shapes = self.shapes();
        let makes_callers = !mappings.is_empty();
        let routes = self.routes(&route::Declared {
            tokens: &tokens,
            permissions: &permissions,
            limits: &limits,
            shapes: &shapes,
            cors: &cors,
            default_cors,
            headers: &headers,
            default_headers,
            no_headers,
            has_csrf: self.names.csrf.is_some(),
            issues_csrf: self.names.csrf.is_some_and(|(_, csrf)| csrf::issues_tokens(csrf)),
            makes_callers,
        });
        let any_error = self.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
        if let (false, Some(mappings), Some(csrf)) = (any_error, mappings.into_iter().collect(), csrf) {
            let typed = TypedPolicy {
                name,
                secrets: std::mem::replace(&mut self.secrets, Table::new()),
                tokens,
                mappings,
                attributes,
                permissions: permissions.into_permissions(),
                roles,
                tiers,
                limits,
                transport,
                cors,
                default_cors,
                csrf,
                headers,
                default_headers,
                shapes: shapes.table,
                routes,
            };
            return Ok((typed, sorted(self.diagnostics, self.sources)));
        }
        Err(sorted(self.diagnostics, self.sources))
    }

    /// What the language has and nothing here reads yet.
    fn unsupported_declarations(&mut self) {
        let names = &self.names;
        let context = names.context.iter().map(|(_, attribute)| (attribute.name.span, "context"));
        let found = context
            .chain(names.keys.iter().map(|(_, (span, _))| (*span, "keys")))
            .chain(names.conditions.iter().map(|(_, (span, _))| (*span, "condition")))
            .chain(names.scopes.iter().map(|(_, (span, _))| (*span, "scope")))
            .chain(names.providers.iter().map(|(_, (span, _))| (*span, "provider")))
            .chain(names.password.iter().map(|(span, _)| (*span, "password")));
        let errors: Vec<_> = found.map(|(span, word)| unsupported(span, &format!("`{word}`"))).collect();
        self.diagnostics.extend(errors);
    }

    fn report(&mut self, finding: Diagnostic) {
        self.diagnostics.push(finding);
    }

    /// The secret of that name for one purpose, which it then serves alone: what is made with a key for one purpose
    /// must not pass for another.
    fn secret(&mut self, name: &tree::Text, algorithm: HmacAlgorithm) -> Option<Id<Secret>> {
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
            secret.used = Some((algorithm, name.span));
        }
        Some(id)
    }
}

/// By file name, then position, and no more than a person would read.
fn sorted(mut diagnostics: Vec<Diagnostic>, sources: &[Source]) -> Vec<Diagnostic> {
    let place = |span: Span| (sources.get(span.file as usize).map(Source::name), span.start);
    diagnostics.sort_by(|one, other| place(one.primary.span).cmp(&place(other.primary.span)));
    let left_out = diagnostics.len().saturating_sub(MOST_DIAGNOSTICS);
    diagnostics.truncate(MOST_DIAGNOSTICS);
    if let (1.., Some(last)) = (left_out, diagnostics.last()) {
        let span = last.primary.span;
        let note = Diagnostic::error("too_many_errors", span, format!("{left_out} more findings are left out"))
            .help("mend the ones above first");
        diagnostics.push(note);
    }
    diagnostics
}
