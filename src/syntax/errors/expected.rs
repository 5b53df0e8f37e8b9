//! Comes in: a rule of the grammar. Goes out: the words that a policy's author knows it by, and the keywords that it
//! can begin with. It never shows a rule's own name.

use crate::model::operator::Operator;
use crate::syntax::parse::Rule;

use std::borrow::Cow;

/// What a declaration begins with.
pub(crate) const DECLARATIONS: &[&str] = &[
    "secret",
    "keys",
    "token",
    "password",
    "account",
    "user",
    "resource",
    "context",
    "condition",
    "permissions",
    "role",
    "scope",
    "allow",
    "forbid",
    "never",
    "tier",
    "limit",
    "schema",
    "transport",
    "cors",
    "csrf",
    "headers",
    "cookie",
    "provider",
    "routes",
];

const FACETS: &[&str] = &[
    "min",
    "max",
    "length",
    "bytes",
    "multiple_of",
    "matches",
    "one_of",
    "email",
    "url",
    "uuid",
    "date",
    "datetime",
    "ip",
    "hostname",
    "trim",
    "lowercase",
    "uppercase",
    "nfc",
    "unique",
    "secret",
];

/// The words for what was expected. Every rule has some: this match has no wildcard.
pub(crate) fn describe(rule: Rule) -> Cow<'static, str> {
    Cow::Borrowed(match rule {
        // After a whole declaration, another may begin.
        Rule::EOI => "a declaration",
        Rule::k_is | Rule::k_matches => "an operator",
        Rule::k_null | Rule::k_true | Rule::k_false => "a value",
        Rule::file => "a policy",
        Rule::header => "`policy NAME`",
        Rule::declarations | Rule::declaration => "a declaration",
        // It begins one.
        Rule::allowance | Rule::allowance_word => "a declaration",
        Rule::keys_entry => "`jwks \"URL\"`",
        Rule::token_entry => "a setting of a token",
        Rule::carrier => "`bearer`, `cookie`, `header` or `body`",
        Rule::claim => "a claim as in `sub: string`",
        Rule::password_entry => "a setting of `password`",
        Rule::mapping_entry | Rule::mapping_name => "an attribute as in `id = claims.sub`",
        Rule::provider_entry | Rule::provider_setting => "a setting of a provider",
        Rule::resource_entry => "`actions`, or an attribute as in `author: string`",
        Rule::action_name => "an action",
        Rule::extends => "`extends`",
        Rule::role_name => "a role",
        Rule::anyone => "`anyone`",
        Rule::except => "`except`",
        Rule::when => "`when`",
        Rule::unless => "`unless`",
        Rule::because => "`because`",
        Rule::door => "a method and a path",
        Rule::pattern => "a permission",
        Rule::action_list => "a list of actions as in `[read, write]`",
        Rule::rate => "a rate as in `100 per 1m`",
        Rule::limit_entry => "a setting of a limit",
        Rule::transport_entry => "a setting of `transport`",
        Rule::proxy => "a network",
        Rule::maximum_name => "a maximum as in `max_body`",
        Rule::cors_entry => "a setting of `cors`",
        Rule::csrf_entry => "a setting of `csrf`",
        Rule::headers_entry => "a header as in `X-Frame-Options \"DENY\"`, `preset` or `remove`",
        Rule::header_setting => "a header as in `X-Frame-Options \"DENY\"`",
        Rule::header_name => "a header's name",
        Rule::cookie_entry => "a setting of a cookie",
        Rule::unknown_fields => "`strict`, `strip` or `open`",
        Rule::schema_entry | Rule::field => "a field as in `email: string`",
        Rule::check => "`check`",
        Rule::accepts => "`accepts`",
        Rule::otherwise => "`else`",
        Rule::schema_type
        | Rule::schema_alternative
        | Rule::schema_list
        | Rule::schema_record
        | Rule::tagged_union
        | Rule::value_type
        | Rule::list_type
        | Rule::record_type
        | Rule::type_name => "a type",
        Rule::tagged_case => "a case as in `\"card\": Card`",
        Rule::facet | Rule::facet_word => "a facet",
        Rule::range => "a range as in `1..100`",
        Rule::number | Rule::float => "a number",
        Rule::attribute => "an attribute as in `author: string`",
        Rule::route => "a route",
        Rule::method => "a method in capitals",
        Rule::clause => "a clause",
        Rule::clause_name | Rule::reference_path | Rule::name => "a name",
        Rule::password_login => "`password(EXPR, EXPR)`",
        Rule::path | Rule::slash => "a path",
        Rule::literal_segment => "a segment of a path",
        Rule::parameter => "a parameter as in `{id}`",
        Rule::rest => "a parameter as in `{*rest}`",
        Rule::expression
        | Rule::not_operator
        | Rule::operand
        | Rule::group
        | Rule::list
        | Rule::record
        | Rule::reference => "a value",
        Rule::infix | Rule::is_test | Rule::matches_test => "an operator",
        Rule::record_entry => "a field as in `a: x`",
        Rule::arguments => "arguments in `(…)`",
        Rule::string => "a string in double quotes",
        Rule::regex => "a regex as in `/^[a-z]+$/`",
        Rule::int => "a whole number",
        Rule::duration => "a duration as in `15m`",
        Rule::size => "a size as in `64KiB`",
        Rule::timestamp => "a timestamp",
        Rule::address => "an IP address",
        Rule::network => "a network as in `10.0.0.0/8`",
        Rule::secret_name => "the name of a secret",
        Rule::entry_name => "a name and `:`",
        Rule::brace_open => "`{`",
        Rule::brace_close => "`}`",
        Rule::bracket_open => "`[`",
        Rule::bracket_close => "`]`",
        Rule::paren_open => "`(`",
        Rule::paren_close => "`)`",
        Rule::comma => "`,`",
        Rule::colon => "`:`",
        Rule::equals => "`=`",
        Rule::question => "`?`",
        Rule::pipe => "`|`",
        Rule::dots => "`..`",
        Rule::star => "`*`",
        // A declaration is known by its keyword.
        Rule::secrets
        | Rule::keys
        | Rule::token
        | Rule::password
        | Rule::account
        | Rule::user
        | Rule::resource
        | Rule::context
        | Rule::condition
        | Rule::permissions
        | Rule::role
        | Rule::scope
        | Rule::allow
        | Rule::forbid
        | Rule::never
        | Rule::tier
        | Rule::limit
        | Rule::schema
        | Rule::transport
        | Rule::cors
        | Rule::csrf
        | Rule::headers
        | Rule::cookie
        | Rule::provider
        | Rule::routes => "a declaration",
        // Silent rules leave no trace in an error.
        Rule::byte_order_mark
        | Rule::patterns
        | Rule::segment
        | Rule::literal
        | Rule::regex_class
        | Rule::digits
        | Rule::ipv4
        | Rule::ipv6
        | Rule::reference_goes_on
        | Rule::word
        | Rule::plain_start
        | Rule::word_character
        | Rule::header_character
        | Rule::boundary
        | Rule::next_colon
        | Rule::blank
        | Rule::WHITESPACE
        | Rule::COMMENT => "something else",
        // A keyword's rule is called like the keyword.
        Rule::k_accept
        | Rule::k_accepts
        | Rule::k_account
        | Rule::k_actions
        | Rule::k_algorithm
        | Rule::k_allow
        | Rule::k_any
        | Rule::k_anyone
        | Rule::k_applies
        | Rule::k_audience
        | Rule::k_authenticated
        | Rule::k_bearer
        | Rule::k_because
        | Rule::k_body
        | Rule::k_burst
        | Rule::k_bytes
        | Rule::k_callback
        | Rule::k_carried
        | Rule::k_check
        | Rule::k_claims
        | Rule::k_client_secret
        | Rule::k_conceal
        | Rule::k_concurrency
        | Rule::k_condition
        | Rule::k_context
        | Rule::k_cookie
        | Rule::k_cors
        | Rule::k_cost
        | Rule::k_credentials
        | Rule::k_csrf
        | Rule::k_domain
        | Rule::k_dry_run
        | Rule::k_else
        | Rule::k_except
        | Rule::k_expose
        | Rule::k_extends
        | Rule::k_forbid
        | Rule::k_forwarded
        | Rule::k_from
        | Rule::k_grace
        | Rule::k_header
        | Rule::k_headers
        | Rule::k_hosts
        | Rule::k_http_only
        | Rule::k_https
        | Rule::k_idle
        | Rule::k_ipv6_prefix
        | Rule::k_issuer
        | Rule::k_issues
        | Rule::k_iterations
        | Rule::k_jwks
        | Rule::k_key
        | Rule::k_keys
        | Rule::k_lease
        | Rule::k_leeway
        | Rule::k_length
        | Rule::k_lifetime
        | Rule::k_limit
        | Rule::k_login
        | Rule::k_max
        | Rule::k_max_age
        | Rule::k_memory
        | Rule::k_methods
        | Rule::k_min
        | Rule::k_multiple_of
        | Rule::k_never
        | Rule::k_no
        | Rule::k_of
        | Rule::k_on
        | Rule::k_on_failure
        | Rule::k_one_of
        | Rule::k_opaque
        | Rule::k_origins
        | Rule::k_parallelism
        | Rule::k_partitioned
        | Rule::k_password
        | Rule::k_path
        | Rule::k_per
        | Rule::k_permissions
        | Rule::k_policy
        | Rule::k_preset
        | Rule::k_provider
        | Rule::k_proxies
        | Rule::k_public
        | Rule::k_query
        | Rule::k_rate
        | Rule::k_reason
        | Rule::k_remove
        | Rule::k_requires
        | Rule::k_resource
        | Rule::k_revokes
        | Rule::k_role
        | Rule::k_rotates
        | Rule::k_routes
        | Rule::k_same_site
        | Rule::k_schema
        | Rule::k_scope
        | Rule::k_scopes
        | Rule::k_secret
        | Rule::k_secure
        | Rule::k_session
        | Rule::k_single_use
        | Rule::k_skip
        | Rule::k_state
        | Rule::k_tier
        | Rule::k_timeout
        | Rule::k_token
        | Rule::k_transport
        | Rule::k_typ
        | Rule::k_union
        | Rule::k_unless
        | Rule::k_user
        | Rule::k_when
        | Rule::k_with => {
            return Cow::Owned(format!("`{}`", keyword(rule)));
        }
    })
}

/// The keyword that a `k_` rule stands for.
fn keyword(rule: Rule) -> String {
    let name = format!("{rule:?}");
    name.strip_prefix("k_").unwrap_or(&name).to_owned()
}

/// The keywords that may begin what `rule` stands for; for finding the one that was meant.
pub(crate) fn keywords(rule: Rule) -> Vec<Cow<'static, str>> {
    let keywords: &[&str] = match rule {
        Rule::infix => {
            let operators = Operator::ALL.iter().map(|operator| operator.text());
            let words = operators.filter(|text| text.starts_with(char::is_alphabetic)).chain(["matches", "is"]);
            return ["and", "or"].into_iter().chain(words).map(Cow::Borrowed).collect();
        }
        Rule::declaration => DECLARATIONS,
        Rule::facet | Rule::facet_word => FACETS,
        Rule::schema_entry => &["check", "accepts"],
        Rule::resource_entry => &["actions"],
        Rule::keys_entry => &["jwks"],
        Rule::headers_entry => &["preset", "remove"],
        Rule::carrier => &["bearer", "cookie", "header", "body"],
        Rule::unknown_fields => &["strict", "strip", "open"],
        Rule::header => &["policy"],
        Rule::allow => &["allow"],
        Rule::extends => &["extends"],
        Rule::except => &["except"],
        Rule::when => &["when"],
        Rule::unless => &["unless"],
        Rule::because => &["because"],
        Rule::otherwise => &["else"],
        Rule::token_entry => &[
            "algorithm",
            "keys",
            "key",
            "issuer",
            "audience",
            "typ",
            "lifetime",
            "leeway",
            "carried",
            "single_use",
            "opaque",
            "claims",
        ],
        Rule::password_entry => &["algorithm", "memory", "iterations", "parallelism", "cost", "accept"],
        Rule::provider_entry => &["client_secret", "state", "keys", "scopes"],
        Rule::limit_entry => &[
            "algorithm",
            "key",
            "tier",
            "rate",
            "cost",
            "skip",
            "on_failure",
            "headers",
            "dry_run",
            "concurrency",
            "lease",
            "ipv6_prefix",
        ],
        Rule::transport_entry => {
            &["https", "hosts", "proxies", "forwarded", "max_target", "max_header", "max_body", "max_depth"]
        }
        Rule::cors_entry => &["origins", "methods", "headers", "expose", "credentials", "max_age"],
        Rule::csrf_entry => &["secret", "session", "header", "lifetime", "applies"],
        Rule::cookie_entry => &["http_only", "secure", "partitioned", "same_site", "path", "domain", "max_age"],
        Rule::clause => &[
            "public",
            "authenticated",
            "requires",
            "scope",
            "when",
            "body",
            "no",
            "query",
            "limit",
            "csrf",
            "cors",
            "headers",
            "on",
            "conceal",
            "login",
            "callback",
            "issues",
            "rotates",
            "revokes",
        ],
        Rule::maximum_name => &["max_target", "max_header", "max_body", "max_depth"],
        _ => {
            let name = keyword(rule);
            return if format!("{rule:?}").starts_with("k_") { vec![Cow::Owned(name)] } else { Vec::new() };
        }
    };
    keywords.iter().copied().map(Cow::Borrowed).collect()
}
