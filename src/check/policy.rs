//! The phases of checking a policy, in their order.

use std::collections::HashSet;

use crate::check::browser::cookie::{cookies, cookies_of_tokens};
use crate::check::browser::cors::{CorsBlocks, cors};
use crate::check::browser::csrf::csrf;
use crate::check::browser::header::{HeaderSets, headers};
use crate::check::callers::caller::CallerAttributes;
use crate::check::callers::key_set::key_sets;
use crate::check::callers::mapping::{Mappings, mappings};
use crate::check::callers::password::password;
use crate::check::callers::proof::Keys;
use crate::check::callers::provider::providers;
use crate::check::callers::secret::Secrets;
use crate::check::callers::token::tokens;
use crate::check::checker::Checker;
use crate::check::expressions::typer::Typer;
use crate::check::findings::{Findings, sorted};
use crate::check::limits::limit::limits;
use crate::check::limits::rate::tiers;
use crate::check::lints::allowance::{lint_names, settle_warnings};
use crate::check::lints::grants::Grants;
use crate::check::lints::lint;
use crate::check::names::Names;
use crate::check::permissions::attribute::Attributes;
use crate::check::permissions::never::door_nevers;
use crate::check::permissions::permission::PermissionIndex;
use crate::check::permissions::role::roles;
use crate::check::permissions::rule::{opened_to_anyone, rule_drafts, rules};
use crate::check::permissions::subject::Subjects;
use crate::check::routes::condition::{RouteConditions, route_conditions};
use crate::check::routes::draft::RouteChecker;
use crate::check::routes::route::routes;
use crate::check::routes::table::RouteTable;
use crate::check::routes::transport::transport;
use crate::check::schemas::cross_field::shape_checks;
use crate::check::schemas::regex::Regexes;
use crate::check::schemas::schema::shapes;
use crate::collections::table::Table;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Source;
use crate::syntax::tree;
use crate::typed::{Csrf, Mapping, Scope, TypedPolicy};

/// Checks all files of one policy, which have the order of `sources`. The result holds the warnings, and the error all
/// findings.
pub(crate) fn check(
    files: &[tree::File],
    sources: &[Source],
) -> Result<(TypedPolicy, Vec<Diagnostic>), Vec<Diagnostic>> {
    let findings = Findings::new(sources);
    one_policy(files, &findings);
    let checker = Checker { names: Names::collect(files, &findings), findings };
    let name = files.first().map(|file| file.policy.node.clone()).unwrap_or_default();
    let typed = policy(&checker, name);
    let findings = sorted(settle_warnings(checker), sources);
    match typed {
        Some(typed) => Ok((typed, findings)),
        None => Err(findings),
    }
}

/// Reports files whose `policy NAME` differs from that of the file before.
fn one_policy(files: &[tree::File], findings: &Findings<'_>) {
    for pair in files.windows(2) {
        if let [one, other] = pair
            && one.policy.node != other.policy.node
        {
            let (first, second) = findings.in_order(one.policy.span, other.policy.span);
            findings.push(
                Diagnostic::error("two_policies", second, "these files belong to two policies")
                    .also(first, "the other name")
                    .help("give all files of a policy the same name, or compile them apart"),
            );
        }
    }
}

/// Returns the typed policy, if there is no error.
fn policy(checker: &Checker<'_>, name: String) -> Option<TypedPolicy> {
    // Types first, as everything has one.
    let mut regexes = Regexes::default();
    let mut shapes = shapes(checker, &mut regexes);
    let attributes = Attributes::declared(checker, &shapes);
    let mut roles = roles(checker);
    let (no_caller, no_routes) = (CallerAttributes::default(), RouteTable::default());
    let mut typer = Typer::new(checker, &shapes, &attributes, regexes, roles.ids.clone(), &no_caller, &no_routes);
    let shape_checks = shape_checks(&mut typer);
    // The callers.
    let mut secrets = Secrets::declared(checker);
    let key_sets = key_sets(checker);
    let mut tokens = tokens(&mut typer, Keys { secrets: &mut secrets, sets: &key_sets });
    let password = password(checker);
    let returns = providers(checker, &mut secrets);
    let Mappings { typed: mappings, caller } = mappings(&mut typer, &tokens);
    let typer = Typer { caller: &caller, ..typer };
    // Then what rules and routes are about, so that each knows the other when conditions are typed.
    let mut permissions = PermissionIndex::declared(checker, &attributes);
    let drafts = rule_drafts(checker, &mut roles, &mut permissions);
    let transport = transport(checker);
    let cors = cors(checker);
    let cookies = cookies(checker);
    cookies_of_tokens(&mut tokens, &cookies);
    let csrf = csrf(checker, &mut secrets, &cookies);
    let headers = headers(checker);
    let scopes: Table<Scope> = checker.names.scopes.values().map(|_| Scope).collect();
    let (table, expressions) = routes(&mut RouteChecker {
        checker,
        shapes: &shapes,
        attributes: &attributes,
        permissions: &mut permissions,
        scopes: &scopes,
        tokens: &tokens,
        limits: Table::promised(checker.names.limits.len()).collect(),
        cors: &cors,
        headers: &headers,
        returns: &returns,
        queries: HashSet::new(),
    });
    let mut routes = RouteTable::new(table, permissions.permissions.len(), opened_to_anyone(&drafts));
    let mut typer = Typer { routes: &routes, ..typer };
    let rules = rules(&mut typer, &drafts, &mut permissions);
    let route_conditions = route_conditions(&mut typer, &expressions);
    let nevers = door_nevers(&mut typer);
    let tiers = tiers(checker);
    let limits = limits(&mut typer, &tiers);
    let conditions = typer.conditions;
    for (id, RouteConditions { whens, login }) in routes.table.ids().zip(route_conditions) {
        let route = routes.table.row_mut(id);
        (route.access.whens, route.login) = (whens, login);
    }
    if !checker.findings.any_error() {
        let resources = &attributes.resources;
        let subjects = Subjects { index: &permissions, rules: &rules, conditions: &conditions.table, resources };
        subjects.check(&routes.table, checker);
    }
    lint_names(checker);
    if checker.findings.any_error() {
        return None;
    }
    let grants = Grants { checker, roles: &roles, routes: &routes, permissions: &permissions, drafts: &drafts };
    lint(checker, &grants, &conditions.used);
    let mappings: Vec<Mapping> = mappings.into_iter().collect::<Option<_>>()?;
    let csrf: Option<Csrf> = csrf?;
    for (id, checks) in shapes.table.ids().zip(shape_checks) {
        shapes.table.row_mut(id).checks = checks;
    }
    let permissions = permissions.finished();
    roles.sets.shrink();
    let CorsBlocks { blocks: cors, default: default_cors } = cors;
    let HeaderSets { sets: headers, default: default_headers, .. } = headers;
    Some(TypedPolicy {
        name,
        // The policy's text is known where the whole policy is put together.
        fingerprint: 0,
        secrets: secrets.table,
        key_sets,
        tokens,
        password,
        mappings,
        attributes: caller.attributes,
        attribute_names: attributes.names,
        account: attributes.account.into_iter().flatten().collect(),
        context: attributes.context,
        resources: attributes.resources,
        conditions: conditions.table,
        permissions: permissions.table,
        permission_names: permissions.names,
        terms: permissions.terms,
        rules: rules.table,
        roles: roles.table,
        role_names: roles.names,
        role_sets: roles.sets,
        scopes,
        scope_names: checker.names.scopes.names().collect(),
        scope_sets: permissions.scope_sets,
        tiers,
        limits,
        transport,
        cors,
        default_cors,
        csrf,
        headers,
        default_headers,
        shapes: shapes.table,
        routes: routes.table,
        door_forbids: rules.door_forbids,
        nevers: rules.nevers.into_iter().chain(nevers).collect(),
    })
}
