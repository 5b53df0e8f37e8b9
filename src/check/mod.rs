//! Tree to typed policy. Names are resolved, types checked, patterns expanded, roles closed; every mistake is
//! reported at once, and nothing comes out unless there is none. Never reads anything but the tree.

mod expression;
mod header;
mod limit;
mod names;
mod permission;
mod route;
mod schema;
pub(crate) mod shape;
mod token;
pub(crate) mod typed;

use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::source::{Source, Span};
use crate::model::table::{Id, Table};
use crate::syntax::tree;

use names::Names;
use typed::{Secret, TypedPolicy};

/// A policy with thousands of errors has one cause, or an attacker; a person reads the first few.
const MOST_DIAGNOSTICS: usize = 1_000;

/// Checks all files of one policy. The files have the order of `sources`.
pub(crate) fn check(files: &[tree::File], sources: &[Source]) -> Result<TypedPolicy, Vec<Diagnostic>> {
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
    fn policy(mut self, name: String) -> Result<TypedPolicy, Vec<Diagnostic>> {
        self.secrets =
            self.names.secrets.iter().map(|(name, ())| Secret { name: name.to_owned(), least_bytes: 0 }).collect();
        let tokens = self.tokens();
        let (attributes, mappings) = self.mappings(&tokens);
        let roles = self.roles();
        let permissions = self.permissions(&roles);
        let tiers = self.tiers();
        let limits = self.limits(&attributes, &mappings);
        let csrf = self.csrf();
        let (headers, default_headers, no_headers) = self.headers();
        let shapes = self.shapes();
        let makes_callers = !mappings.is_empty();
        let routes = self.routes(&route::Declared {
            tokens: &tokens,
            permissions: &permissions,
            limits: &limits,
            shapes: &shapes,
            headers: &headers,
            default_headers,
            no_headers,
            has_csrf: self.names.csrf.is_some(),
            makes_callers,
        });
        let any_error = self.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
        if let (false, Some(mappings), Some(csrf)) = (any_error, mappings.into_iter().collect(), csrf) {
            return Ok(TypedPolicy {
                name,
                secrets: self.secrets,
                tokens,
                mappings,
                attributes,
                permissions: permissions.into_permissions(),
                roles,
                tiers,
                limits,
                csrf,
                headers,
                default_headers,
                shapes: shapes.table,
                routes,
            });
        }
        Err(self.sorted())
    }

    /// By file name, then position, and no more than a person would read.
    fn sorted(mut self) -> Vec<Diagnostic> {
        let place = |span: Span| (self.sources.get(span.file as usize).map(Source::name), span.start);
        self.diagnostics.sort_by(|one, other| place(one.primary.span).cmp(&place(other.primary.span)));
        let left_out = self.diagnostics.len().saturating_sub(MOST_DIAGNOSTICS);
        self.diagnostics.truncate(MOST_DIAGNOSTICS);
        if left_out > 0
            && let Some(last) = self.diagnostics.last()
        {
            let span = last.primary.span;
            let note = Diagnostic::error("too_many_errors", span, format!("{left_out} more findings are left out"))
                .help("mend the ones above first");
            self.diagnostics.push(note);
        }
        self.diagnostics
    }

    fn report(&mut self, finding: Diagnostic) {
        self.diagnostics.push(finding);
    }

    /// The secret of that name, which from now on must have at least so many bytes.
    fn secret(&mut self, name: &tree::Text, least_bytes: usize) -> Option<Id<Secret>> {
        let (row, ()) = self.names.secrets.find(name, &mut self.diagnostics)?;
        let id = self.secrets.id(row)?;
        let secret = self.secrets.row_mut(id);
        secret.least_bytes = secret.least_bytes.max(least_bytes);
        Some(id)
    }
}
