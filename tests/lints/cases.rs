//! The borders of each lint: policies just inside and just outside of it.

use super::codes;

const CALLERS: &str = "policy p\nsecret KEY\n\
    token access { algorithm HS256  key KEY  issuer \"a\"  audience \"b\"  lifetime 15m  claims { sub: string, roles: [string] } }\n\
    user from access { id = claims.sub  roles = claims.roles }\n";

/// The codes of rules, in a policy whose doors ask for all permissions.
#[track_caller]
fn rules(rules: &str, expected: &[&str]) {
    let text = format!(
        "{CALLERS}resource posts {{ actions read, write }}\ncontext {{ mfa: bool, on: bool }}\n{rules}\n\
         routes / {{ GET /a requires posts:read when context.mfa and context.on  DELETE /a requires posts:write }}"
    );
    assert_eq!(codes(&text), expected, "{rules}");
}

#[test]
fn covered_grants() {
    let covered = ["covered_grant"];
    rules("role a { allow posts:*  allow posts:read }", &covered);
    rules("role a { allow posts:read, posts:write }\nrole b extends a { allow posts:read }", &covered);
    rules("role a { allow posts:* }\nrole b extends a { }\nrole c extends b { allow posts:read }", &covered);
    rules("allow posts:read\nrole a { allow posts:read when context.mfa  allow posts:write }", &covered);
    rules("allow anyone posts:read\nallow posts:read when context.mfa\nallow posts:write", &covered);
    // Two lines together cover the third; neither covers the other.
    rules("role a { allow posts:read  allow posts:write  allow posts:* when context.mfa }", &covered);
    rules("role a { allow posts:read  allow posts:write }\nrole b { allow posts:read }", &[]);
    rules("role a { allow posts:read when context.mfa  allow posts:* when context.on }", &[]);
    rules("role a { allow posts:* }\nrole b { allow posts:read }", &[]);
    rules("role a { allow posts:*  allow posts:* }", &["duplicate_rule"]);
    rules("role a { allow posts:read, posts:write  allow posts:* }", &["duplicate_rule"]);
    rules("role a { allow posts:* when context.mfa  allow posts:* when context.mfa }", &["duplicate_rule"]);
}

#[test]
fn constant_conditions() {
    let constant = ["constant_condition"];
    rules("allow posts:* when true", &constant);
    rules("allow posts:* when not (context.mfa and false)", &constant);
    rules("allow posts:* when context.mfa or 1 < 2", &constant);
    rules("allow posts:* when context.mfa or \"a\" == \"b\"", &constant);
    rules("condition on = 1 > 2\nallow posts:* when context.mfa or on", &constant);
    rules(
        "condition on = true\ncondition off = not on\nallow posts:* when context.mfa and off",
        &["constant_condition", "constant_condition", "constant_condition"],
    );
    // Unknown where the fact is unknown: neither true nor false.
    rules("allow posts:* when context.mfa or not context.mfa", &[]);
    rules("allow posts:* when context.mfa and context.on or not context.on", &[]);
    rules("allow posts:* when context.mfa == context.mfa", &["self_comparison"]);
    rules("allow posts:*\nforbid posts:write when false", &["forbid_without_effect"]);
    rules("allow posts:*\nforbid posts:write when context.mfa and 1 == 2", &["forbid_without_effect"]);
    rules("allow posts:*\nforbid posts:write when true", &constant);
}

#[test]
fn wide_grants() {
    rules("role a { allow * }", &["grants_everything"]);
    rules("permissions all = *\nrole a { allow all }", &["grants_everything"]);
    rules("role a { allow * except posts:write }\nallow posts:write", &[]);
    rules("role a { allow * when context.mfa }", &[]);
    rules("allow anyone posts:*", &["anyone_may_write"]);
    rules("allow posts:write\nallow anyone posts:read", &[]);
}

#[test]
fn forbids_at_doors() {
    let door = |rule: &str| {
        codes(&format!(
            "{CALLERS}resource posts {{ actions read }}\ncontext {{ mfa: bool }}\n{rule}\nroutes / {{ GET /a authenticated }}"
        ))
    };
    assert_eq!(door("forbid * when context.mfa"), ["unused_permission"]);
    assert_eq!(door("forbid posts:read when context.mfa"), ["unused_permission", "forbid_without_effect"]);
}

/// The codes of routes in a policy with CSRF and a limit.
#[track_caller]
fn routes(routes: &str, expected: &[&str]) {
    let text = format!(
        "policy p\ncsrf {{ }}\nlimit l {{ algorithm sliding_log  key client.ip  rate 1 per 1s }}\nroutes /u {{ GET / public csrf limit l }}\n{routes}"
    );
    assert_eq!(codes(&text), expected, "{routes}");
}

#[test]
fn doors() {
    routes("routes / { DELETE /a public }", &["public_unsafe_method"]);
    routes("routes / { csrf  DELETE /a public }", &[]);
    routes("routes / { csrf  DELETE /a public no csrf }", &["public_unsafe_method"]);
    routes("routes / { limit l  DELETE /a public }", &["missing_csrf"]);
    routes("routes / { limit l  DELETE /a public no csrf }", &[]);
    routes("routes / { limit l csrf  DELETE /a public no limit no csrf }", &["public_unsafe_method"]);
    routes("routes / { csrf  DELETE /a public no limit limit l }", &[]);
    routes("routes / { limit l  POST /a public body raw }", &[]);
    routes("routes / { GET /a public }", &[]);
}

/// The codes of a schema that is a body.
#[track_caller]
fn body(schema: &str, expected: &[&str]) {
    let text = format!(
        "policy p\nlimit l {{ algorithm sliding_log  key client.ip  rate 1 per 1s }}\nschema Body {schema}\nroutes / {{ POST / public limit l body Body }}"
    );
    assert_eq!(codes(&text), expected, "{schema}");
}

#[test]
fn input() {
    let unbounded = ["unbounded_string"];
    body("{ a: string }", &unbounded);
    body("{ a: string min 3 }", &unbounded);
    body("{ a: string url }", &unbounded);
    body("{ a: [string] max 3 }", &unbounded);
    body("{ a: { b: string } }", &unbounded);
    body("{ a: string | int }", &unbounded);
    body("{ a: string matches /^[a-z]+$/ }", &unbounded);
    body("{ a: string matches /^[a-z]{1,9}$/ }", &[]);
    body("{ a: string max 3, b: string length 1..3, c: string bytes 1..3, d: string one_of \"x\" }", &[]);
    body("{ a: string uuid, b: string date, c: \"x\" | \"y\", d: string email, e: timestamp, f: int }", &[]);
    body("{ a: { string: int } }", &["unbounded_list"]);
    body("{ a: [int] }", &["unbounded_list"]);
    body("{ a: Part }\nschema Part { b: string }", &unbounded);
    body("{ a: Body2 | null }\nschema Body2 { b?: Body2, c: any }", &["unchecked_field"]);
}

#[test]
fn names_of_secrets() {
    for name in ["password", "newPassword", "user_pin", "api_key", "apiKey", "client-secret", "TOKEN", "accessToken"] {
        let name = name.replace('-', "_");
        if name != "TOKEN" {
            body(&format!("{{ {name}: string max 9 }}"), &["plain_secret"]);
        }
        body(&format!("{{ {name}: string max 9 secret }}"), &[]);
    }
    for name in ["passwords", "pinned", "page_token", "nextPageToken", "tokens", "key", "spin", "secretary"] {
        body(&format!("{{ {name}: string max 9 }}"), &[]);
    }
}

#[test]
fn regexes() {
    for (pattern, loose) in [
        ("[a-z]+", true),
        ("^[a-z]+", true),
        ("[a-z]+$", true),
        ("^[a-z]+|[0-9]+$", true),
        ("(?m)^[a-z]+$", true),
        ("[a-z]{3}", true),
        ("(?:[a-z])*", true),
        ("^[a-z]+$", false),
        ("\\A[a-z]+\\z", false),
        ("^(?:[a-z]+|[0-9]+)$", false),
        ("^[a-z]+$|^[0-9]+$", false),
        ("[A-Z]", false),
        ("[^A-Za-z0-9]", false),
        ("^[a-z]", false),
        ("foo.*bar", false),
        ("colou?r", false),
    ] {
        let expected: &[&str] = if loose { &["unanchored_regex"] } else { &[] };
        body(&format!("{{ a: string max 9 matches /{pattern}/ }}"), expected);
    }
}

#[track_caller]
fn header(setting: &str, expected: &[&str]) {
    let text = format!("policy p\nheaders {{ preset web  {setting} }}\nroutes / {{ GET / public }}");
    assert_eq!(codes(&text), expected, "{setting}");
}

#[test]
fn headers() {
    header("Content-Security-Policy \"script-src 'unsafe-inline'\"", &["unsafe_script"]);
    header("Content-Security-Policy \"default-src 'unsafe-eval' 'self'\"", &["unsafe_script"]);
    header("Content-Security-Policy \"default-src 'unsafe-inline'; script-src 'self'\"", &[]);
    header("Content-Security-Policy \"script-src 'unsafe-inline' 'nonce-abc'\"", &[]);
    header("Content-Security-Policy \"script-src 'strict-dynamic' 'nonce-abc' https: 'unsafe-inline'\"", &[]);
    header("Content-Security-Policy \"script-src *\"", &["scripts_from_anywhere"]);
    header("Content-Security-Policy \"script-src data:; img-src data: *\"", &["scripts_from_anywhere"]);
    header("Strict-Transport-Security \"max-age=0\"", &["short_hsts"]);
    header("Strict-Transport-Security \"max-age=15552000\"", &[]);
    header("Strict-Transport-Security \"max-age=15552000; includeSubDomains; preload\"", &["preload_refused"]);
    header("Strict-Transport-Security \"max-age=99999999999999999999\"", &[]);
    header("Referrer-Policy \"no-referrer, unsafe-url\"", &["leaky_referrer"]);
    header("Referrer-Policy \"unsafe-url, no-referrer\"", &[]);
    header("X-XSS-Protection \"0\"", &[]);
    header("Expect-CT \"max-age=1\"", &["deprecated_header"]);
}
