//! Scalars and maps.

use serde_json::Value;

use super::values;

#[test]
fn timestamps() {
    values(
        "timestamp",
        &[
            (r#""2026-11-23T10:00:00Z""#, "="),
            (r#""2026-11-23t12:00:00.250+02:00""#, r#""2026-11-23T10:00:00.25Z""#),
            (r#""0000-01-01T00:00:00Z""#, "="),
            (r#""0000-01-01T00:00:00+01:00""#, "timestamp"),
            (r#""9999-12-31T23:59:59-23:00""#, "timestamp"),
            (r#""2026-11-23T10:00Z""#, "timestamp"),
            (r#""2026-11-23 10:00:00Z""#, "timestamp"),
            (r#""2026-11-23T10:00:00""#, "timestamp"),
            (r#""2026-02-29T10:00:00Z""#, "timestamp"),
            (r#""2026-12-31T23:59:60Z""#, "timestamp"),
            (r#""2026-11-23T10:00:00.0123456789Z""#, "timestamp"),
            (r#""2026-11-23T10:00:00Z[UTC]""#, "timestamp"),
            (r#""20261123T100000Z""#, "timestamp"),
            ("1795428000", "type"),
        ],
    );
}

#[test]
fn durations() {
    values(
        "duration",
        &[
            (r#""15m""#, "="),
            (r#""90m""#, r#""1h30m""#),
            (r#""36h""#, r#""1d12h""#),
            (r#""250ms""#, "="),
            (r#""0s""#, "="),
            (r#""0ms""#, r#""0s""#),
            (r#""1d2h3m4s5ms""#, "="),
            (r#""30m1h""#, r#""1h30m""#),
            (r#""1m1m""#, r#""2m""#),
            (r#""1_000s""#, r#""16m40s""#),
            (r#""_1s""#, "duration"),
            (r#""-1s""#, "duration"),
            (r#""1.5h""#, "duration"),
            (r#""15""#, "duration"),
            (r#""""#, "duration"),
            (r#""PT15M""#, "duration"),
            (r#""9223372036854775808ms""#, "duration"),
            (r#""99999999999999999999d""#, "duration"),
            ("900", "type"),
        ],
    );
}

#[test]
fn addresses_and_networks() {
    values(
        "ip",
        &[
            (r#""203.0.113.9""#, "="),
            (r#""2001:DB8:0::1""#, r#""2001:db8::1""#),
            (r#""::ffff:203.0.113.9""#, r#""203.0.113.9""#),
            (r#""203.0.113.09""#, "ip"),
            (r#""203.0.113""#, "ip"),
            (r#""fe80::1%eth0""#, "ip"),
            (r#"" 203.0.113.9""#, "ip"),
        ],
    );
    values(
        "cidr",
        &[
            (r#""10.0.0.0/8""#, "="),
            (r#""2001:DB8::/32""#, r#""2001:db8::/32""#),
            (r#""::ffff:10.0.0.0/104""#, r#""10.0.0.0/8""#),
            (r#""0.0.0.0/0""#, "="),
            (r#""10.0.0.1/8""#, "cidr"),
            (r#""10.0.0.0""#, "cidr"),
            (r#""10.0.0.0/33""#, "cidr"),
            (r#""10.0.0.0/08""#, "cidr"),
            (r#""10.0.0.0/+8""#, "cidr"),
        ],
    );
}

#[test]
fn forms_of_strings() {
    let string = |facet: &str, fine: &[&str], wrong: &[&str]| {
        let quoted: Vec<(String, &str)> = (fine.iter().map(|text| (Value::from(*text).to_string(), "=")))
            .chain(wrong.iter().map(|text| (Value::from(*text).to_string(), facet)))
            .collect();
        let cases: Vec<(&str, &str)> = quoted.iter().map(|(text, expected)| (text.as_str(), *expected)).collect();
        values(&format!("string {facet}"), &cases);
    };
    string(
        "email",
        &["a@example.com", "a.b+c@localhost"],
        &["a@", "@b", ".a@b.c", "a..b@c.d", "a@b@c", "a b@c.d", "a@-b.c"],
    );
    string(
        "url",
        &[
            "https://example.com",
            "HTTP://Example.com:8080/a%20b?c=d#e",
            "http://[2001:db8::1]/",
            "http://203.0.113.9/",
            "https://xn--bcher-kva.example/",
        ],
        &[
            "example.com",
            "//example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "https:example.com",
            "https:/example.com",
            "https:\\\\example.com",
            "https://user@example.com/",
            "https://example.com\\@evil.example/",
            "https://example.com/a b",
            "https://example.com/\n",
            " https://example.com",
            "https://example.com/%zz",
            "https://example.com/a#b#c",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://203.0.113.009/",
            "https://exa%6dple.com/",
            "https://bücher.example/",
            "https://example.com:99999/",
            "https://",
            "https:///path",
        ],
    );
    string("uuid", &["0190d2a0-7b1a-7c3e-8f00-0123456789ab"], &["0190d2a07b1a7c3e8f000123456789ab", "{0190d2a0}"]);
    string("date", &["2026-11-23", "2028-02-29"], &["2026-02-29", "2026-11-23T10:00:00Z", "20261123", "2026-1-2"]);
    string("datetime", &["2026-11-23T10:00:00+02:00", "2026-11-23t10:00:00z"], &["2026-11-23", "2026-11-23 10:00:00Z"]);
    string("ip", &["203.0.113.9", "::1"], &["localhost", "203.0.113.9/32"]);
    string(
        "hostname",
        &["example.com", "localhost", "3com.com", "a.1b"],
        &["", ".", "a.", "-a.b", "a-.b", "a_b.c", "203.0.113.9", "a.1", "a.0x7f", "bücher.example"],
    );
    let label = "a".repeat(64);
    string("hostname", &[&label[1..]], &[&label, &[&label[1..]; 4].join(".")]);
}

#[test]
fn transforms_run_before_checks() {
    values("string trim lowercase email max 13", &[(r#""  A@Example.COM ""#, r#""a@example.com""#)]);
    values("string max 1 nfc", &[(r#""e\u0301""#, "\"\u{e9}\"")]);
    values("string min 2 else \"m\" trim", &[(r#"" a ""#, "too_short")]);
    // A change of case can leave the normal form, whichever facet is written first.
    values("string nfc uppercase", &[("\"\u{390}\"", "\"\u{3aa}\u{301}\"")]);
    values("string trim nfc", &[("\"\u{2003}a\u{2003}\"", "\"a\"")]);
}

#[test]
fn numbers() {
    values("int 1..10 multiple_of 5", &[("5", "="), ("10.0", "10"), ("3", "multiple_of"), ("15", "too_large")]);
    values("float min 0.5", &[("1", "="), ("0.5", "="), ("0.4", "too_small"), ("\"1\"", "type")]);
    values("bool", &[("true", "="), ("1", "type"), ("\"true\"", "type")]);
}

#[test]
fn maps() {
    values(
        "{ string: int min 0 } max 2",
        &[
            ("{}", "="),
            (r#"{"x":1,"y":2.0}"#, r#"{"x":1,"y":2}"#),
            (r#"{"x":-1}"#, "/x too_small"),
            (r#"{"x/y~z":null}"#, "/x~1y~0z type"),
            (r#"{"x":1,"y":2,"z":3}"#, "too_many"),
            ("[]", "type"),
        ],
    );
    let long = "k".repeat(100);
    let cut = format!("/{}… type", "k".repeat(64));
    values("{ string: bool }", &[(&format!("{{\"{long}\":1}}"), &cut)]);
}
