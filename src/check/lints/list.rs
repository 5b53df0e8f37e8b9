//! The list of all lints. docs/lints.md says more of each, and a test compares.

/// A kind of warning that a declaration can switch off: `allow(NAME) reason "…"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lint {
    /// The code of its findings.
    pub name: &'static str,
    /// Its findings, in a line.
    pub about: &'static str,
}

const fn lint(name: &'static str, about: &'static str) -> Lint {
    Lint { name, about }
}

/// Every lint, by name.
pub const LINTS: &[Lint] = &[
    lint("anyone_may_write", "`allow anyone` grants an action that changes something"),
    lint("burst_below_rate", "a token bucket never lets its rate through"),
    lint("client_chosen_key", "a limit counts by a header or a cookie that the client chooses"),
    lint("constant_condition", "a condition, or a part of one, is always true or always false"),
    lint("cost_without_effect", "another cost of the limit always counts instead"),
    lint("covered_grant", "what is granted here is granted elsewhere without a condition"),
    lint("credentialed_wildcard", "CORS lets any host of a domain read answers in a user's name"),
    lint("deprecated_header", "a response header that browsers dropped, or that does harm"),
    lint("duplicate_rule", "two rules say the same"),
    lint("empty_rule", "`except` takes away all that a rule names"),
    lint("fixed_window_login", "a limit before credentials lets twice its rate through around a window's end"),
    lint("forbid_without_effect", "a `forbid` can never fire"),
    lint("forwarded_by_nobody", "`forwarded` stands without `proxies`"),
    lint("grants_everything", "a role or an `allow` grants `*`"),
    lint("https_optional", "a policy with tokens takes requests in the clear"),
    lint("insecure_origin", "CORS trusts an origin without https"),
    lint("leaky_referrer", "`Referrer-Policy` tells other sites whole addresses"),
    lint("login_fails_open", "a limit before credentials lets them through where it fails"),
    lint("long_leeway", "a token's `leeway` is over two minutes"),
    lint("long_lifetime", "an access token is good for over an hour, or a refresh token for over 90 days"),
    lint("missing_csrf", "a method that isn't safe doesn't ask for CSRF's proof, in a policy with `csrf`"),
    lint("missing_header", "a `headers` block without a preset lacks one that every answer should have"),
    lint("missing_lifetime", "a token that makes callers has no `lifetime`"),
    lint("missing_limit", "credentials can be tried without a limit"),
    lint("needless_default", "`??` stands behind what is never absent"),
    lint("never_without_effect", "a `never` speaks of what nobody is granted"),
    lint("on_missing", "some grant of a route's permission reads a resource that the route doesn't name"),
    lint("open_schema", "a body or a query is handed on with fields that nobody checked"),
    lint("plain_secret", "a field that is called like a secret isn't `secret`"),
    lint("preload_refused", "HSTS asks for preloading, and isn't what the lists ask for"),
    lint("public_unsafe_method", "anybody may change something, without `csrf` and without a limit"),
    lint("redundant_authenticated", "`authenticated` stands beside `requires`"),
    lint("scripts_from_anywhere", "CSP lets anybody serve scripts"),
    lint("secret_in_query", "a secret travels in a URL"),
    lint("self_comparison", "a value is compared with itself"),
    lint("shared_bucket", "a limit's key is the same for all callers"),
    lint("shared_key", "several audiences hold the secret of one token"),
    lint("short_hsts", "HSTS is forgotten within half a year"),
    lint("stray_clause", "a clause stands apart from its route, and looks like a default"),
    lint("unanchored_regex", "a regex that repeats a class matches a part of a value"),
    lint("unbounded_list", "a list or a map of a body or a query has no `max`"),
    lint("unbounded_string", "a string of a body or a query has no greatest length"),
    lint("unchecked_field", "a field of a body or a query is `any`"),
    lint("ungranted_permission", "a route requires what nobody is granted"),
    lint("unpinned_token", "a token that makes callers lacks `issuer` or `audience`"),
    lint("unsafe_script", "CSP lets inline scripts or `eval` run"),
    lint("unused_allowance", "an `allow(…)` switches nothing off"),
    lint("unused_attribute", "nothing reads an attribute of `context`, `account` or a resource"),
    lint("unused_condition", "nothing uses a condition"),
    lint("unused_cookie", "nothing uses a cookie"),
    lint("unused_cors", "no route names a `cors` block"),
    lint("unused_csrf", "no route says `csrf`"),
    lint("unused_headers", "no route names a `headers` block"),
    lint("unused_keys", "nothing uses a key set"),
    lint("unused_limit", "no route is held to a limit"),
    lint("unused_permission", "no route requires a permission, and nobody is granted it"),
    lint("unused_permission_set", "nothing uses a set of permissions"),
    lint("unused_provider", "no route logs in with a provider"),
    lint("unused_role", "a role grants nothing, and nothing asks for it"),
    lint("unused_schema", "nothing uses a schema"),
    lint("unused_scope", "scopes are declared, and no caller comes with any"),
    lint("unused_secret", "nothing uses a secret"),
    lint("unused_tier", "no limit goes by a tier"),
    lint("unused_token", "nothing uses a token"),
    lint("weak_cookie", "a cookie of a session or a token lacks `http_only` or `secure`"),
    lint("wide_proxies", "a network of trusted proxies holds much of the internet"),
];
