//! Warnings of policies that compile.

use portcullis::diagnostic::Severity;

use crate::support::compile;

/// Compiles a policy, and expects warnings: their codes, and the text that each underlines.
#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let policy = compile(text);
    let warnings = policy.warnings();
    assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning));
    // Small policies leave declarations unused. The lints have tests of their own.
    let beside = |code: &str| {
        code.starts_with("unused_") && code != "unused_cookie"
            || matches!(code, "missing_lifetime" | "never_without_effect" | "unpinned_token")
    };
    let told: Vec<(&str, &str)> = warnings
        .iter()
        .filter(|warning| !beside(warning.code))
        .map(|warning| {
            let span = warning.primary.span;
            (warning.code, text.get(span.start as usize..span.end as usize).unwrap())
        })
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn authenticated_beside_requires_is_redundant() {
    let policy = "policy p\nsecret KEY\n\
                  token access { algorithm HS256  key KEY  claims { sub: string } }\n\
                  user from access { id = claims.sub }\n\
                  resource posts { actions read }\nallow posts:read\n\
                  routes / { GET /one authenticated requires posts:read  GET /two requires posts:read }";
    check(policy, &[("redundant_authenticated", "authenticated")]);
}

#[test]
fn a_burst_below_the_rate_is_odd() {
    let policy = "policy p\ntier \"free\" { 100 per 1m burst 10, 500 per 1h burst 500 }\n\
                  limit l { algorithm token_bucket  key client.ip  rate 5 per 1s burst 4 }";
    check(policy, &[("burst_below_rate", "10"), ("burst_below_rate", "4")]);
}

#[test]
fn a_cost_that_never_counts_is_odd() {
    let policy = "policy p\nlimit a { algorithm token_bucket  key client.ip  rate 5 per 1s  cost 1 when true }\n\
                  limit b { algorithm token_bucket  key client.ip  rate 9 per 1s  cost 5 when true  cost 3  cost 2 when true }";
    check(policy, &[("cost_without_effect", "1"), ("cost_without_effect", "2")]);
}

#[test]
fn a_cookie_that_nothing_uses() {
    let carried =
        "secret KEY\ntoken refresh { algorithm HS256  key KEY  carried body \"token\"  claims { sub: string } }";
    check(&format!("policy p\n{carried}\ncookie \"sid\" {{ secure }}"), &[("unused_cookie", "\"sid\"")]);
    check("policy p\ncsrf { }\ncookie \"sid\" { secure }", &[]);
}

#[test]
fn nothing_is_forwarded_without_proxies() {
    check("policy p\ntransport { forwarded forwarded }", &[("forwarded_by_nobody", "forwarded forwarded")]);
    check("policy p\ntransport { forwarded forwarded  proxies 10.0.0.0/8 }", &[]);
}

#[test]
fn a_default_for_what_is_always_there() {
    let policy = "policy p\ncontext { mfa: bool }\nresource posts { actions read }\n\
                  allow anyone posts:read when context.mfa ?? false";
    check(policy, &[("needless_default", "context.mfa")]);
}

/// Each pair of attributes asks something of its own, and all that the context says is asked before the resource.
#[test]
fn conditions_that_no_diagram_holds_are_told() {
    let attributes = |kind: &str| (0..40).map(|n| format!("{kind}{n}: int ")).collect::<String>();
    let rules: String =
        (0..40).map(|n| format!("allow posts:read when context.c{n} == 1 and resource.r{n} == 1\n")).collect();
    let policy = format!(
        "policy p\ncontext {{ {} }}\nresource posts {{ actions read  {} }}\n{rules}",
        attributes("c"),
        attributes("r")
    );
    check(&policy, &[("unreduced", "allow posts:read when context.c0 == 1 and resource.r0 == 1")]);
}
