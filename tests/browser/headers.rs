//! Response headers: presets, additions and removals. The tables of docs/headers.md are compared with the presets.

use serde_json::{Value, json};

use crate::support::{decide, gate};

const PAGE: &str = include_str!("../../docs/headers.md");

/// The headers of an answer under a `headers` block, and the headers that a handler's answer loses.
#[track_caller]
fn answered(block: &str, url: &str) -> (Vec<(String, String)>, Vec<String>) {
    let text = format!("headers {{ {block} }}\nroutes / {{ GET / public  GET /none public no headers }}");
    let told = decide(&gate(&text), &json!({ "method": "GET", "url": url }));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let headers = told["headers"].as_array().unwrap().iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
    let removed = told.get("remove_headers").map_or(&[][..], |removed| removed.as_array().unwrap());
    (headers, removed.iter().map(text).collect())
}

/// Compares an answer over https with headers in their order, and with removals.
#[track_caller]
fn check(block: &str, headers: &[(&str, &str)], removed: &[&str]) {
    let (sent, dropped) = answered(block, "https://a.example/");
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(sent, headers);
    assert_eq!(dropped, removed);
}

/// The rows of a preset's table on the page, and its removals.
fn on_the_page(preset: &str) -> (Vec<(String, String)>, Vec<String>) {
    let section = PAGE.split("\n## ").find(|section| section.starts_with(&format!("`{preset}`"))).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix("` |")?.split_once("` | `"));
    let removed = section.lines().find_map(|line| line.strip_prefix("Removes ")).unwrap();
    let removed = removed.split('`').skip(1).step_by(2).map(str::to_lowercase).collect();
    (rows.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(), removed)
}

#[test]
fn presets_are_what_the_page_says() {
    for preset in ["api", "web", "strict"] {
        let (mut rows, removed) = on_the_page(preset);
        assert!(rows.len() >= 7);
        assert_eq!(answered(&format!("preset {preset}"), "https://a.example/"), (rows.clone(), removed), "{preset}");
        rows.retain(|(name, _)| name != "strict-transport-security");
        assert_eq!(answered(&format!("preset {preset}"), "http://a.example/").0, rows, "{preset}");
        assert_eq!(answered(&format!("preset {preset}"), "https://a.example/none"), (Vec::new(), Vec::new()));
    }
}

/// A preset's values pass the checks of an author's values.
#[test]
fn presets_are_well_formed() {
    for preset in ["api", "web", "strict"] {
        for (name, value) in on_the_page(preset).0 {
            let (sent, _) = answered(&format!("{name} \"{value}\""), "https://a.example/");
            assert_eq!(sent, [(name, value)]);
        }
    }
}

#[test]
fn a_blocks_own_headers_win() {
    let (sent, removed) =
        answered("preset api  x-frame-options \"SAMEORIGIN\"  X-Own \"1\"  Server \"gate\"", "https://a.example/");
    let (mut rows, _) = on_the_page("api");
    rows.iter_mut().find(|(name, _)| name == "x-frame-options").unwrap().1 = "SAMEORIGIN".to_owned();
    rows.extend([("x-own".to_owned(), "1".to_owned()), ("server".to_owned(), "gate".to_owned())]);
    assert_eq!(sent, rows);
    assert_eq!(removed, ["x-powered-by"]);
}

#[test]
fn what_is_removed_isnt_set() {
    let (sent, removed) = answered("preset api  remove Cache-Control, X-Runtime", "https://a.example/");
    assert!(!sent.iter().any(|(name, _)| name == "cache-control"));
    assert_eq!(sent.len(), on_the_page("api").0.len() - 1);
    assert_eq!(removed, ["cache-control", "server", "x-powered-by", "x-runtime"]);
    check("remove Server", &[], &["server"]);
    check("X-A \"b\"", &[("x-a", "b")], &[]);
}

/// Unusual values that browsers understand.
#[test]
fn legal_values() {
    for (name, value) in [
        ("content-security-policy", "default-src 'self'; script-src 'nonce-r4nd0m' 'strict-dynamic'; report-to main"),
        (
            "content-security-policy",
            "UPGRADE-INSECURE-REQUESTS;; sandbox allow-scripts; trusted-types default 'allow-duplicates';",
        ),
        ("content-security-policy", "default-src 'self', img-src https:; default-src 'none'"),
        ("content-security-policy-report-only", "require-trusted-types-for 'script'; worker-src blob:"),
        ("referrer-policy", "no-referrer, strict-origin-when-cross-origin"),
        ("strict-transport-security", "includeSubDomains; MAX-AGE=\"31536000\" ; preload;"),
        ("permissions-policy", "camera=(), geolocation=(self \"https://a.example\"), fullscreen=*, ch-ua-model=self"),
        ("cross-origin-opener-policy", "same-origin-allow-popups; report-to=\"main\""),
        ("cross-origin-embedder-policy-report-only", "require-corp; report-to=\"main\""),
        ("x-frame-options", "deny"),
        ("x-xss-protection", "1; mode=block"),
        ("x-anything", "goes"),
    ] {
        let (sent, _) = answered(&format!("{name} \"{}\"", value.replace('"', "\\\"")), "https://a.example/");
        assert_eq!(sent, [(name.to_owned(), value.to_owned())]);
    }
}
