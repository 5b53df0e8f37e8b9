//! The words for the grammar's rules in syntax errors: the label of each rule, and the keywords that it can begin with.

use crate::model::keywords::{Format, Keyword as _, Maximum, Transform, UnknownFields};
use crate::model::operator::Operator;
use crate::syntax::parse::Rule;
use crate::syntax::tree::routes::CLAUSES;

/// Makes one match over all rules, without a wildcard. A keyword's label is the keyword in backticks.
macro_rules! expectations {
    (
        keywords { $($keyword:ident $word:literal)* }
        rules { $($($rule:ident)* => $label:literal $([$($begin:literal)*])?,)* }
    ) => {
        fn expectation(rule: Rule) -> (&'static str, &'static [&'static str]) {
            match rule {
                $(Rule::$keyword => (concat!("`", $word, "`"), &[$word]),)*
                $($(Rule::$rule)|* => ($label, &[$($($begin),*)?]),)*
            }
        }
    };
}

expectations! {
    keywords {
        k_accept "accept"  k_accepts "accepts"  k_account "account"  k_actions "actions"  k_algorithm "algorithm"
        k_allow "allow"  k_any "any"  k_anyone "anyone"  k_applies "applies"  k_audience "audience"
        k_bearer "bearer"  k_because "because"  k_body "body"  k_burst "burst"  k_bytes "bytes"
        k_callback "callback"  k_carried "carried"  k_check "check"  k_claims "claims"
        k_client_secret "client_secret"  k_concurrency "concurrency"  k_condition "condition"  k_context "context"
        k_cookie "cookie"  k_cors "cors"  k_cost "cost"  k_credentials "credentials"  k_csrf "csrf"
        k_domain "domain"  k_dry_run "dry_run"  k_else "else"  k_except "except"  k_expose "expose"
        k_extends "extends"  k_forbid "forbid"  k_forwarded "forwarded"  k_from "from"  k_grace "grace"
        k_header "header"  k_headers "headers"  k_hosts "hosts"  k_http_only "http_only"  k_https "https"
        k_idle "idle"  k_ipv6_prefix "ipv6_prefix"  k_issuer "issuer"  k_issues "issues"  k_iterations "iterations"
        k_jwks "jwks"  k_key "key"  k_keys "keys"  k_lease "lease"  k_leeway "leeway"  k_length "length"
        k_lifetime "lifetime"  k_limit "limit"  k_login "login"  k_max "max"  k_max_age "max_age"  k_memory "memory"
        k_methods "methods"  k_min "min"  k_multiple_of "multiple_of"  k_never "never"  k_of "of"  k_on "on"
        k_on_failure "on_failure"  k_one_of "one_of"  k_opaque "opaque"  k_origins "origins"
        k_parallelism "parallelism"  k_partitioned "partitioned"  k_password "password"  k_path "path"  k_per "per"
        k_permissions "permissions"  k_policy "policy"  k_preset "preset"  k_provider "provider"
        k_proxies "proxies"  k_rate "rate"  k_reason "reason"  k_remove "remove"  k_requires "requires"
        k_resource "resource"  k_role "role"  k_routes "routes"  k_same_site "same_site"  k_schema "schema"
        k_scope "scope"  k_scopes "scopes"  k_secret "secret"  k_secure "secure"  k_session "session"
        k_single_use "single_use"  k_skip "skip"  k_state "state"  k_tier "tier"  k_timeout "timeout"
        k_token "token"  k_transport "transport"  k_typ "typ"  k_union "union"  k_unless "unless"  k_user "user"
        k_when "when"  k_with "with"
    }
    rules {
        // After a whole declaration, another may begin. So does an allowance.
        EOI declarations allowance allowance_word => "a declaration",
        declaration => "a declaration" [
            "secret" "keys" "token" "password" "account" "user" "resource" "context" "condition" "permissions" "role"
            "scope" "allow" "forbid" "never" "tier" "limit" "schema" "transport" "cors" "csrf" "headers" "cookie"
            "provider" "routes"
        ],
        secrets keys token password account user resource context condition permissions role scope forbid never tier
        limit schema transport cors csrf headers cookie provider routes => "a declaration",
        allow => "a declaration" ["allow"],
        file => "a policy",
        header => "`policy NAME`" ["policy"],

        keys_entry => "`jwks \"URL\"`" ["jwks"],
        token_entry => "a setting of a token" [
            "algorithm" "keys" "key" "issuer" "audience" "typ" "lifetime" "leeway" "carried" "single_use" "opaque"
            "claims"
        ],
        carrier => "`bearer`, `cookie`, `header` or `body`" ["bearer" "cookie" "header" "body"],
        claim => "a claim as in `sub: string`",
        password_entry => "a setting of `password`" [
            "algorithm" "memory" "iterations" "parallelism" "cost" "accept"
        ],
        mapping_entry mapping_name => "an attribute as in `id = claims.sub`",
        provider_entry => "a setting of a provider" ["client_secret" "state" "keys" "scopes"],
        provider_setting => "a setting of a provider",

        resource_entry => "`actions`, or an attribute as in `author: string`" ["actions"],
        action_name => "an action",
        extends => "`extends`" ["extends"],
        role_name => "a role",
        anyone => "`anyone`",
        except => "`except`" ["except"],
        when => "`when`" ["when"],
        unless => "`unless`" ["unless"],
        because => "`because`" ["because"],
        door => "a method and a path",
        pattern => "a permission",
        action_list => "a list of actions as in `[read, write]`",

        rate => "a rate as in `100 per 1m`",
        limit_entry => "a setting of a limit" [
            "algorithm" "key" "tier" "rate" "cost" "skip" "on_failure" "headers" "dry_run" "concurrency" "lease"
            "ipv6_prefix"
        ],

        transport_entry => "a setting of `transport`" ["https" "hosts" "proxies" "forwarded"],
        proxy => "a network",
        maximum_name => "a maximum as in `max_body`",
        cors_entry => "a setting of `cors`" ["origins" "methods" "headers" "expose" "credentials" "max_age"],
        csrf_entry => "a setting of `csrf`" ["secret" "session" "header" "lifetime" "applies"],
        headers_entry => "a header as in `X-Frame-Options \"DENY\"`, `preset` or `remove`" ["preset" "remove"],
        header_setting => "a header as in `X-Frame-Options \"DENY\"`",
        header_name => "a header's name",
        cookie_entry => "a setting of a cookie" [
            "http_only" "secure" "partitioned" "same_site" "path" "domain" "max_age"
        ],

        unknown_fields => "`strict`, `strip` or `open`",
        schema_entry => "a field as in `email: string`" ["check" "accepts"],
        field => "a field as in `email: string`",
        check => "`check`",
        accepts => "`accepts`",
        otherwise => "`else`" ["else"],
        schema_type schema_alternative schema_list schema_record tagged_union value_type list_type record_type
        type_name => "a type",
        tagged_case => "a case as in `\"card\": Card`",
        facet facet_word => "a facet" ["min" "max" "length" "bytes" "multiple_of" "matches" "one_of"],
        range => "a range as in `1..100`",
        number float => "a number",
        attribute => "an attribute as in `author: string`",

        route => "a route",
        method => "a method in capitals",
        clause word_clause named_clause => "a clause",
        clause_name reference_path name => "a name",
        password_login => "`password(EXPR, EXPR)`",
        path slash => "a path",
        literal_segment => "a segment of a path",
        parameter => "a parameter as in `{id}`",
        rest => "a parameter as in `{*rest}`",

        expression not_operator operand group list record reference => "a value",
        k_null => "a value" ["null"],
        k_true => "a value" ["true"],
        k_false => "a value" ["false"],
        infix => "an operator" ["and" "or"],
        is_test matches_test => "an operator",
        k_is => "an operator" ["is"],
        k_matches => "an operator" ["matches"],
        record_entry => "a field as in `a: x`",
        arguments => "arguments in `(…)`",
        string => "a string in double quotes",
        regex => "a regex as in `/^[a-z]+$/`",
        int => "a whole number",
        duration => "a duration as in `15m`",
        size => "a size as in `64KiB`",
        timestamp => "a timestamp",
        address => "an IP address",
        network => "a network as in `10.0.0.0/8`",
        secret_name => "the name of a secret",
        entry_name => "a name and `:`",
        brace_open => "`{`",
        brace_close => "`}`",
        bracket_open => "`[`",
        bracket_close => "`]`",
        paren_open => "`(`",
        paren_close => "`)`",
        comma => "`,`",
        colon => "`:`",
        equals => "`=`",
        question => "`?`",
        pipe => "`|`",
        dots => "`..`",
        star => "`*`",
        // Silent rules leave no trace in an error.
        byte_order_mark patterns segment literal regex_class digits ipv4 ipv6 reference_goes_on word plain_start
        word_character header_character boundary next_colon blank WHITESPACE COMMENT => "something else",
    }
}

/// The label of a rule.
pub(crate) fn label(rule: Rule) -> &'static str {
    expectation(rule).0
}

/// True if a declaration can begin where `rule` was expected.
pub(crate) fn is_declaration(rule: Rule) -> bool {
    label(rule) == label(Rule::declaration)
}

/// The keywords of all declarations.
pub(crate) fn declarations() -> &'static [&'static str] {
    expectation(Rule::declaration).1
}

/// The keywords that a rule can begin with, for finding the one that was meant.
pub(crate) fn keywords(rule: Rule) -> Vec<&'static str> {
    let mut words = expectation(rule).1.to_vec();
    match rule {
        Rule::clause => words.extend(CLAUSES.iter().map(|(word, _)| *word)),
        Rule::infix => {
            let operators = Operator::ALL.iter().map(|operator| operator.text());
            words.extend(operators.filter(|text| text.starts_with(char::is_alphabetic)).chain(["matches", "is"]));
        }
        Rule::unknown_fields => words.extend(UnknownFields::words()),
        Rule::transport_entry | Rule::maximum_name => words.extend(Maximum::words()),
        Rule::facet | Rule::facet_word => {
            words.extend(Format::words().chain(Transform::words()).chain(["unique", "secret"]));
        }
        _ => {}
    }
    words
}

#[cfg(test)]
mod tests {
    use crate::model::source::Source;
    use crate::syntax::errors::expected::{Rule, keywords, label};
    use crate::syntax::parse;
    use crate::syntax::tree::routes::{CLAUSES, ClauseForm};

    #[test]
    fn every_rule_has_words() {
        for rule in Rule::all_rules() {
            assert!(!label(*rule).is_empty());
            if let Some(word) = format!("{rule:?}").strip_prefix("k_") {
                assert_eq!(keywords(*rule), [word]);
            }
        }
    }

    #[test]
    fn the_grammar_has_every_word_of_the_tables() {
        let parses =
            |text: String| assert!(parse(0, &Source::new("p.gate", format!("policy p {text}"))).is_ok(), "{text}");
        for (word, form) in &CLAUSES {
            match form {
                ClauseForm::Word(_) => parses(format!("routes / {{ GET / {word} }}")),
                ClauseForm::Named(_) => parses(format!("routes / {{ GET / {word} x }}")),
                ClauseForm::Other => {}
            }
        }
        for word in keywords(Rule::facet_word).into_iter().skip(7) {
            parses(format!("schema s {{ a: string {word} }}"));
        }
        for word in keywords(Rule::unknown_fields) {
            parses(format!("schema s {word} {{ }}"));
        }
    }
}
