//! Invariants: proved, violated with a request that shows it, or impossible to prove.

mod condition;
mod exact;
mod hostile;
mod small;

use std::fmt::Write;

use portcullis::diagnostic::{Diagnostic, Severity};

use crate::support::{BLOG, snapshot, try_compile};

fn told(text: &str) -> Vec<Diagnostic> {
    let found = try_compile(text).err().unwrap_or_default();
    found.into_iter().filter(|found| found.severity == Severity::Error).collect()
}

/// Asserts that every finding is a violation or a failed proof.
#[track_caller]
fn unproved_or_violated(found: &[Diagnostic]) {
    assert!(!found.is_empty());
    assert!(found.iter().all(|found| matches!(found.code, "never_violated" | "never_unproved")), "{found:?}");
}

/// Asserts that every invariant is proved, in a policy after `POSTS`.
#[track_caller]
fn proved(rest: &str) {
    let found = told(&format!("{POSTS}{rest}"));
    assert!(found.is_empty(), "{found:#?}");
}

/// The finding for the only invariant, in a policy after `POSTS`.
#[track_caller]
fn said(rest: &str) -> String {
    let found = told(&format!("{POSTS}{rest}"));
    let [only] = found.as_slice() else { panic!("{rest}\n{found:#?}") };
    unproved_or_violated(&found);
    let note = only.note.as_ref().map_or_else(String::new, |note| format!("\n{note}"));
    format!("{rest}\n{}: {}{note}\nhelp: {}\n", only.code, only.message, only.help.as_deref().unwrap())
}

fn check(name: &str, policies: &[&str]) {
    let mut all = String::new();
    policies.iter().for_each(|rest| writeln!(all, "{}", said(rest)).unwrap());
    snapshot!(name, all);
}

const POSTS: &str = r#"policy p
secret KEY
keys PARTNERS { jwks "https://partner.example/keys" }
token t { algorithm HS256  key KEY  issuer "us"  claims { sub: string, roles: [string], suspended: bool, team?: string } }
token partner { algorithm ES256  keys PARTNERS  issuer "them"  claims { sub: string, scope: string } }
user from t { id = claims.sub  roles = claims.roles  suspended = claims.suspended  team = claims.team }
user from partner { id = "partner:" + claims.sub  roles = ["reader"]  scopes = claims.scope  suspended = false  team = "partners" }
context { mfa: bool, risk: int, limit?: duration }
resource posts {
  actions read, update, delete
  author: string  status: "draft" | "published"  editors: [string]  team?: string  created: timestamp
  place: { country: string, city?: string }  size: float | null
}
resource notes { actions read  author: string }
role reader { }
role writer extends reader { allow posts:update when resource.author == user.id }
role admin extends writer { allow posts:* }
scope "posts" { allow posts:* }
"#;

#[test]
fn the_blog_keeps_its_invariants() {
    assert_eq!(told(BLOG), []);
    // Each of them stands on what it says.
    for (rule, broken) in [
        ("forbid * except *:read when user.suspended because \"The account is suspended\"\n", "never posts:update"),
        (
            "forbid users:delete when not context.mfa because \"Deleting users needs a second factor\"\n",
            "never DELETE /users/{id}",
        ),
    ] {
        let text = BLOG.replace(rule, "");
        let found = told(&text);
        let [only] = found.as_slice() else { panic!("{found:#?}") };
        assert!(text[only.primary.span.start as usize..].starts_with(broken), "{only:#?}");
    }
}

#[test]
fn roles_and_flags() {
    proved("never posts:delete unless user is admin");
    proved("never posts:delete unless user is reader");
    proved("never posts:read unless has(user)");
    proved("forbid posts:update when user.suspended\nnever posts:update when user.suspended");
    proved("forbid posts:update when user.suspended or context.risk > 5\nnever posts:update when context.risk > 7");
    check(
        "roles_and_flags",
        &[
            "never posts:update when user.suspended",
            "never posts:[update, delete] unless user is admin because \"Only admins write\"",
            "forbid posts:update when context.risk > 7\nnever posts:update when context.risk > 5",
            "never posts:update unless has(user.team)",
            "allow anyone posts:read when resource.status == \"published\"\nnever posts:read unless has(user)",
            "never *:read when context.mfa",
        ],
    );
}

#[test]
fn what_relates_two_attributes() {
    proved("never posts:update unless resource.author == user.id or user is admin");
    proved(
        "allow posts:read when resource.editors contains user.id\nforbid posts:read when user is admin\n\
            never posts:read unless resource.editors intersects [user.id]",
    );
    proved(
        "allow posts:read when now < resource.created + 15m\nforbid posts:read when user is admin\n\
            never posts:read when now > resource.created + 1h",
    );
    proved(
        "allow posts:read when resource.place.country == \"CH\"\nforbid posts:read when user is admin\n\
            never posts:read when resource.place.country == \"FR\"",
    );
    proved(
        "allow notes:read when resource.author == user.id and user.id == \"a\"\n\
            never notes:read when resource.author == \"b\"",
    );
    check(
        "what_relates_two_attributes",
        &[
            "never posts:update unless resource.editors contains user.id",
            "never posts:update when resource.editors contains user.id and user.id != resource.author",
            "allow posts:read when now < resource.created + 15m\nnever posts:read when now > resource.created + 10m",
            "never posts:read when resource.place.country == \"FR\" and has(resource.place.city)",
            "never posts:read when resource.size != null and resource.size > 0.5 and resource.size < 0.75",
            "allow notes:read when client.ip in 10.0.0.0/8\nnever notes:read when client.ip in 10.1.0.0/16",
        ],
    );
}

#[test]
fn parts_of_texts_are_tried_and_never_taken_for_impossible() {
    proved(
        "allow notes:read when resource.author starts_with \"a\"\nnever notes:read unless resource.author starts_with \"a\"",
    );
    proved(
        "allow notes:read when resource.author starts_with \"a\"\nnever notes:read when resource.author starts_with \"b\"",
    );
    proved(
        "allow notes:read when resource.author starts_with \"ab\"\nnever notes:read unless resource.author starts_with \"a\"",
    );
    check(
        "parts_of_texts",
        &[
            "never posts:update when resource.author starts_with \"bot:\"",
            "never posts:update when resource.author matches /^[a-f]{3}-\\d+$/",
            "allow notes:read when resource.author matches /^a+$/\nnever notes:read when resource.author matches /^b/",
            "allow notes:read when resource.author starts_with \"a\"\nnever notes:read when resource.author starts_with \"ab\"",
            "allow notes:read when resource.author starts_with \"a\"\nnever notes:read when resource.author ends_with \"b\"",
        ],
    );
}

#[test]
fn the_token_that_made_the_caller() {
    proved("allow notes:read when user.token == \"partner\"\nnever notes:read when user.suspended");
    proved("allow notes:read when user.token == \"partner\"\nnever notes:read when user is admin");
    proved("allow notes:read when user.token == \"partner\"\nnever notes:read when user.id == \"root\"");
    check(
        "the_token_that_made_the_caller",
        &[
            "allow notes:read when user.token == \"t\"\nnever notes:read when user.suspended",
            "scope \"notes\" { allow notes:read }\nallow notes:read when user.token == \"partner\"\n\
             never notes:read when user.id == \"partner:root\"",
        ],
    );
}

/// Every type has values besides the policy's constants.
#[test]
fn values_that_nothing_names() {
    for names in [vec!["x1", "x2", "x3"], vec!["x1"], vec!["x2", "x1", "x4", "x3", "x5"]] {
        let tests: Vec<String> = names.iter().map(|name| format!("resource.author != \"{name}\"")).collect();
        let tests = tests.join(" and ");
        said(&format!("allow notes:read when {tests}\nnever notes:read when context.mfa"));
        said(&format!(
            "allow notes:read when {tests} and resource.author != user.id\nnever notes:read when user.id == \"x9\""
        ));
        let prefixed: Vec<String> = names.iter().map(|name| format!("user.id != \"partner:{name}\"")).collect();
        let prefixed = prefixed.join(" and ");
        said(&format!(
            "scope \"notes\" {{ allow notes:read }}\n\
             allow notes:read when user.token == \"partner\" and {prefixed}\nnever notes:read when context.mfa"
        ));
        let begun: Vec<String> = names.iter().map(|name| format!("resource.author != \"a{name}\"")).collect();
        let begun = begun.join(" and ");
        said(&format!(
            "allow notes:read when resource.author starts_with \"a\" and not (resource.author starts_with \"ax\") and {begun}\n\
             never notes:read when context.mfa"
        ));
    }
}

#[test]
fn doors() {
    let delete = "routes / { DELETE /posts/{id} requires posts:delete on posts(id)";
    proved(&format!("{delete} when context.mfa }}\nnever DELETE /posts/{{id}} unless context.mfa"));
    proved("routes / { GET /a requires any of posts:read, posts:update }\nnever GET /a unless user is writer");
    proved("routes / { GET /a authenticated }\nforbid * when context.risk > 50\nnever GET /a when context.risk > 60");
    proved(
        "routes / { PUT /posts/{id} requires posts:update on posts(id) no body }\n\
            never posts:update when request.method == \"GET\"",
    );
    proved(
        "routes / { GET /a authenticated scope \"posts\" }\n\
            never GET /a when has(user.scopes) and not (user.scopes contains \"posts\")",
    );
    let put = "schema B { amount: int 1..100, note: string min 3 }\n\
               routes / { PUT /posts/{id} requires posts:update on posts(id) body B }";
    proved(&format!("{put}\nnever PUT /posts/{{id}} when body.amount > 100"));
    proved(
        "schema Q { page: int 1..9 = 1 }\nroutes / { GET /a authenticated query Q }\nnever GET /a when query.page > 9",
    );
    check(
        "doors",
        &[
            &format!("{delete} }}\nnever DELETE /posts/{{id}} unless context.mfa"),
            &format!("{delete} }}\nnever DELETE /posts/{{id}} when resource.id == \"root\""),
            "routes / { DELETE /posts/{id: int} requires posts:delete on posts(id) }\n\
             never DELETE /posts/{id} when params.id > 7 and resource.author == user.id",
            "routes / { DELETE /posts/{id: int} requires posts:delete on posts(id) }\n\
             never DELETE /posts/{id} when resource.id == \"77\"",
            &format!("{put}\nnever PUT /posts/{{id}} when body.amount > 99"),
            &format!("{put}\nnever posts:update when body.amount > 99"),
            "routes / { GET /a public }\nnever GET /a unless has(user)",
            "routes / { GET /a authenticated }\nforbid * when context.risk > 50\nnever GET /a when context.risk > 40",
            "schema Q { page: int 1..9 = 1 }\nroutes / { GET /a authenticated query Q }\nnever GET /a when query.page == 9",
            "routes / { GET /a authenticated when (request.header(\"x-a\") ?? \"\") == \"1\" }\n\
             never GET /a when (request.cookie(\"b\") ?? \"\") == \"2\" and (request.cookie(\"c\") ?? \"\") == \"3\"",
            "routes / { GET /a/{*rest} authenticated }\nnever GET /a/{*rest} when request.path == \"/a/b/c\"",
            "routes / { GET /posts/{id} requires posts:update on posts(id) }\n\
             never posts:update when request.method == \"HEAD\"",
            "limit l { algorithm fixed_window  key user.id ?? client.ip  rate 5 per 1m }\n\
             csrf { secret KEY2  session cookie \"__Host-s\"  header \"x-csrf\"  lifetime 1h }\nsecret KEY2\n\
             cookie \"__Host-s\" { http_only  secure  same_site lax  path \"/\" }\n\
             routes / { DELETE /a authenticated csrf limit l }\nnever DELETE /a unless context.mfa",
        ],
    );
}
