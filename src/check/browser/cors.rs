//! The CORS blocks.

use std::collections::HashSet;

use http::{HeaderName, HeaderValue};

use crate::check::checker::{Checker, Report};
use crate::check::routes::path::method;
use crate::check::routes::transport::not_a_name;
use crate::check::settings::{SeenEntries, incomplete_block, named_twice, too_many_values};
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::host::{NamePattern, default_port, split_port};
use crate::model::source::{Span, Spanned};
use crate::syntax::tree;
use crate::syntax::tree::{CorsEntry, Text};
use crate::typed::{Cors, Origins};

/// Browsers keep the answer to a preflight no longer than this.
const MOST_SECONDS: u64 = 24 * 60 * 60;

/// The `cors` blocks of a policy.
pub(crate) struct CorsBlocks {
    /// The blocks with names, in the order written, then the one without.
    pub(crate) blocks: Table<Cors>,
    /// Applies where no route names another.
    pub(crate) default: Option<Id<Cors>>,
}

pub(crate) fn cors(checker: &Checker<'_>) -> CorsBlocks {
    let named = checker.names.cors.values();
    let mut blocks: Table<Cors> = named.map(|(span, declared)| cors_block(checker, span, declared)).collect();
    let default = checker.names.default_cors.map(|(span, cors)| blocks.push(cors_block(checker, span, cors)));
    CorsBlocks { blocks, default }
}

fn cors_block(checker: &Checker<'_>, span: Span, declared: &tree::Cors) -> Cors {
    let mut cors = Cors {
        span,
        origins: Origins::Listed(Vec::new()),
        methods: Vec::new(),
        headers: HashSet::new(),
        any_header: false,
        credentials: false,
        allow_headers: None,
        expose: None,
        max_age: None,
    };
    let (mut wildcards, mut entries) = (Vec::new(), SeenEntries::default());
    for entry in &declared.entries {
        if !entries.first(entry.span, checker) {
            continue;
        }
        match &entry.node {
            CorsEntry::Origins(written) => cors.origins = origins(checker, written, &mut wildcards),
            CorsEntry::Methods(methods) => {
                for written in methods {
                    match method(checker, written) {
                        Some(known) if cors.methods.contains(&known) => {
                            named_twice(&written.node, written.span).report(checker);
                        }
                        known => cors.methods.extend(known),
                    }
                }
            }
            CorsEntry::Headers(names) => {
                let (headers, any) = cors_headers(checker, names, &mut wildcards);
                cors.allow_headers = joined(&headers, any);
                (cors.headers, cors.any_header) = (headers.into_iter().collect(), any);
            }
            CorsEntry::Expose(names) => {
                let (headers, any) = cors_headers(checker, names, &mut wildcards);
                cors.expose = joined(&headers, any);
            }
            CorsEntry::Credentials => cors.credentials = true,
            CorsEntry::MaxAge(duration) => cors.max_age = cors_max_age(checker, duration),
        }
    }
    if entries.span("origins").is_none() {
        incomplete_block(span, "cors", "origins", "origins \"https://app.example.com\"").report(checker);
    }
    if let Some(credentials) = entries.span("credentials") {
        for wildcard in wildcards {
            // Fetch §3.3.5: browsers take the `*` for a name then, or refuse the answer.
            Diagnostic::error("wildcard_credentials", wildcard, "`*` doesn't go with `credentials`")
                .also(credentials, "answers are for callers with cookies")
                .report_with(checker, "name each one, or take `credentials` out");
        }
    }
    cors
}

fn origins(checker: &Checker<'_>, written: &[Text], wildcards: &mut Vec<Span>) -> Origins {
    if let Some(any) = written.iter().find(|origin| origin.node == "*") {
        wildcards.push(any.span);
        if written.len() > 1 {
            Diagnostic::error("invalid_origin", any.span, "`*` stands beside other origins")
                .report_with(checker, "keep `\"*\"` alone, or take it out");
        }
        return Origins::Any;
    }
    let mut origins = Vec::new();
    if too_many_values(checker, written) {
        return Origins::Listed(origins);
    }
    for origin in written {
        if let Err((message, help)) = well_written(&origin.node) {
            Diagnostic::error("invalid_origin", origin.span, message).report_with(checker, help);
            continue;
        }
        let pattern = NamePattern::new(&origin.node);
        if origins.contains(&pattern) {
            named_twice(&origin.node, origin.span).report(checker);
        } else {
            origins.push(pattern);
        }
    }
    Origins::Listed(origins)
}

/// Header names, and whether there is a `*` among them.
fn cors_headers(checker: &Checker<'_>, written: &[Text], wildcards: &mut Vec<Span>) -> (Vec<HeaderName>, bool) {
    let (mut headers, mut any) = (Vec::new(), false);
    if too_many_values(checker, written) {
        return (headers, any);
    }
    for name in written {
        if name.node == "*" {
            if any {
                named_twice(&name.node, name.span).report(checker);
            }
            any = true;
            wildcards.push(name.span);
            continue;
        }
        match HeaderName::from_bytes(name.node.as_bytes()) {
            Ok(header) if headers.contains(&header) => named_twice(&name.node, name.span).report(checker),
            Ok(header) => headers.push(header),
            Err(_) => {
                let help = match name.node.contains([',', ' ']) {
                    true => "write each name in its own quotes: `\"authorization\", \"content-type\"`",
                    false => "write letters, digits and `-`, such as `\"content-type\"`",
                };
                let message = format!("`{}` is no header name", name.node);
                Diagnostic::error("invalid_header", name.span, message).report_with(checker, help);
            }
        }
    }
    (headers, any)
}

fn cors_max_age(checker: &Checker<'_>, duration: &Spanned<u64>) -> Option<HeaderValue> {
    let seconds = duration.node / 1_000;
    if duration.node.is_multiple_of(1_000) && seconds <= MOST_SECONDS {
        return Some(HeaderValue::from(seconds));
    }
    let message = "browsers keep the answer to a preflight for whole seconds, and for a day at most";
    Diagnostic::error("duration_out_of_range", duration.span, message)
        .report_with(checker, "write a duration such as `10m`");
    None
}

/// `a, b`; a `*` stands first.
fn joined(headers: &[HeaderName], any: bool) -> Option<HeaderValue> {
    let all: Vec<&str> = any.then_some("*").into_iter().chain(headers.iter().map(HeaderName::as_str)).collect();
    if all.is_empty() { None } else { HeaderValue::from_str(&all.join(", ")).ok() }
}

/// An origin as browsers write it (RFC 6454 §6.2, and the URL standard's serialisation of hosts), as origins are
/// compared byte by byte. The error is a message and its help.
fn well_written(origin: &str) -> Result<(), (String, String)> {
    let wrong = |help: String| Err((format!("`{origin}` is no origin"), help));
    if origin == "null" {
        return Err((
            "`null` is the origin of every sandboxed frame and of every local file".to_owned(),
            "serve the page from a host, and name that: `\"https://app.example.com\"`".to_owned(),
        ));
    }
    if origin.contains([',', ' ']) {
        return wrong("write each origin in its own quotes: `\"https://a.example\", \"https://b.example\"`".to_owned());
    }
    let Some((scheme, rest)) = origin.split_once("://") else {
        return wrong("begin with the scheme, as in `\"https://app.example.com\"`".to_owned());
    };
    let scheme = scheme.to_ascii_lowercase();
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme {
        return wrong("begin with the scheme, as in `\"https://app.example.com\"`".to_owned());
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    if authority.contains('@') {
        return wrong("an origin names no user: write scheme, host and port alone".to_owned());
    }
    let (host, port) = split_port(&authority);
    if let Some(help) = not_a_name(host, port) {
        return wrong(help);
    }
    let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')?.parse().ok()) {
        Some(address) => std::net::Ipv6Addr::to_string(&address),
        None => host.to_owned(),
    };
    let host = if authority.starts_with('[') { format!("[{host}]") } else { host };
    let right = match port.filter(|port| default_port(&scheme) != Some(*port)) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    };
    if right == origin {
        return Ok(());
    }
    Err((format!("`{origin}` isn't how a browser writes this origin"), format!("write `\"{right}\"`")))
}
