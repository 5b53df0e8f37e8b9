//! CSRF at the article's routes. Each snapshot shows a request and its decision.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::article::{article, csrf_token};
use crate::support::{ARTICLE, check, check_article, decide, gate, header, header_values};

fn deletion(headers: Value) -> Value {
    json!({
        "method": "DELETE", "url": "https://api.example.com/api/posts/42",
        "user": { "id": "m1", "roles": ["moderator"] }, "headers": headers,
    })
}

#[test]
fn a_foreign_page() {
    check_article!(
        "a_foreign_page",
        deletion(
            json!({ "cookie": "session-id=s1", "sec-fetch-site": "cross-site", "origin": "https://evil.example" }),
        ),
    );
}

#[test]
fn a_session_without_its_token() {
    check_article!("a_session_without_its_token", deletion(json!({ "cookie": "session-id=s1" })));
}

#[test]
fn the_token_of_another_session() {
    let token = csrf_token(&article(), "s2", Duration::ZERO);
    check_article!(
        "the_token_of_another_session",
        deletion(json!({ "cookie": "session-id=s1", "x-csrf-token": token }))
    );
}

#[test]
fn an_old_csrf_token() {
    let token = csrf_token(&article(), "s1", Duration::from_hours(1));
    check_article!("an_old_csrf_token", deletion(json!({ "cookie": "session-id=s1", "x-csrf-token": token })));
}

#[test]
fn an_issued_token_opens_the_door() {
    let issued = check_article!(
        "an_issued_csrf_token",
        json!({ "method": "GET", "url": "https://api.example.com/api/csrf", "peer": "203.0.113.9" }),
    );
    let cookie = header(&issued, "set-cookie").unwrap().split(';').next().unwrap();
    check_article!("a_deletion", deletion(json!({ "cookie": cookie, "x-csrf-token": issued["body"]["csrfToken"] })));
}

/// No character of a CSRF token can be changed, left out or added.
#[test]
fn csrf_tokens_cannot_be_changed() {
    let gate = article();
    let token = csrf_token(&gate, "s1", Duration::ZERO);
    let status = |token: &str| {
        decide(&gate, &deletion(json!({ "cookie": "session-id=s1", "x-csrf-token": token })))["status"].clone()
    };
    assert_eq!(status(&token), 200);
    for at in 0..token.len() {
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        assert_eq!(status(&changed), 403, "{changed}");
        assert_eq!(status(&format!("{}{}", &token[..at], &token[at + 1..])), 403);
    }
    assert_eq!(status(&format!("{token}A")), 403);
    assert_eq!(status(&format!("{token}=")), 403);
}

#[test]
fn headers_made_for_an_answer_replace_the_policys() {
    let text = ARTICLE.replace("X-Frame-Options ", "Cache-Control \"public\"\n  X-Frame-Options ");
    let decision = check(&gate(&text), &json!({ "method": "GET", "url": "/api/csrf" }), 200, "csrf_issued");
    assert_eq!(header_values(&decision, "cache-control"), ["no-store"]);
}

#[test]
fn csrf_by_default_spares_only_callers_of_a_header() {
    let gate = gate(&ARTICLE.replace("applies  always", "applies  ambient"));
    let csrf = csrf_token(&gate, "s1", Duration::ZERO);
    let delete = |headers: Value| json!({ "method": "DELETE", "url": "/api/posts/1", "user": { "id": "u", "roles": ["admin"] }, "headers": headers });
    check(&gate, &delete(json!({})), 403, "csrf_session");
    check(&gate, &delete(json!({ "origin": "https://evil.example" })), 403, "csrf_origin");
    check(&gate, &delete(json!({ "cookie": "session-id=s1", "x-csrf-token": csrf })), 200, "allowed");
}

#[test]
fn cookies_that_readers_read_differently_are_refused() {
    let gate = gate(ARTICLE);
    let csrf = csrf_token(&gate, "s1", Duration::ZERO);
    let delete = |cookie: &str| {
        json!({ "method": "DELETE", "url": "/api/posts/1", "user": { "id": "u", "roles": ["admin"] },
                "headers": { "cookie": cookie, "x-csrf-token": csrf } })
    };
    check(&gate, &delete("a=b; session-id=s1; other=\u{e9}"), 200, "allowed");
    for odd in
        ["session-id; session-id=s1", "session-id =s1", "\tsession-id=s1", "session-id=s1; session-id=s1", "session-id"]
    {
        check(&gate, &delete(odd), 403, "csrf_session");
    }
}

#[test]
fn a_websocket_handshake_is_not_safe() {
    let gate = gate(ARTICLE);
    let with = |upgrade: &str| json!({ "method": "GET", "url": "/api/posts", "user": { "id": "u", "roles": ["user"] }, "headers": { "upgrade": upgrade } });
    for upgrade in ["websocket", "WebSocket", "h2c, websocket/13"] {
        check(&gate, &with(upgrade), 403, "csrf_session");
    }
    check(&gate, &with("h2c"), 200, "allowed");
}
