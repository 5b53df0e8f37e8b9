//! The transport block.

use ipnet::IpNet;

use crate::check::checker::{Checker, Report};
use crate::check::settings::{SeenEntries, named_twice, one_word_of, too_many_values};
use crate::check::suggest::Suggest;
use crate::model::diagnostic::Diagnostic;
use crate::model::host::unmapped;
use crate::model::host::{NamePattern, default_port, is_host, split_port};
use crate::model::keywords::{HttpsRule, Keyword as _, Maximum};
use crate::model::source::Spanned;
use crate::syntax::tree::{Text, TransportEntry, Word};
use crate::typed::Transport;

/// The range of a setting that bounds requests.
struct Range {
    least: u64,
    most: u64,
    /// The unit, where that isn't bytes.
    counts: Option<&'static str>,
    slot: fn(&mut Transport) -> &mut usize,
}

/// The `http` crate's URLs end at 64 KiB and its header maps at 32,768 lines; serde_json's nesting ends at 128 levels.
fn range(maximum: Maximum) -> Range {
    match maximum {
        Maximum::Target => Range { least: 64, most: 32 << 10, counts: None, slot: |to| &mut to.max_target },
        Maximum::Header => Range { least: 256, most: 1 << 20, counts: None, slot: |to| &mut to.max_header },
        Maximum::Body => Range { least: 1, most: 1 << 30, counts: None, slot: |to| &mut to.max_body },
        Maximum::Depth => Range { least: 1, most: 100, counts: Some("levels"), slot: |to| &mut to.max_depth },
        Maximum::HeaderLines => {
            Range { least: 1, most: 10_000, counts: Some("lines"), slot: |to| &mut to.max_header_lines }
        }
    }
}

pub(crate) fn transport(checker: &Checker<'_>) -> Transport {
    let mut transport = Transport::default();
    let Some((_, declared)) = checker.names.transport else { return transport };
    let mut entries = SeenEntries::default();
    for entry in &declared.entries {
        let unknown = matches!(&entry.node, TransportEntry::Maximum(name, _) if maximum(checker, name).is_none());
        if unknown || !entries.first(entry.span, checker) {
            continue;
        }
        match &entry.node {
            TransportEntry::Https(word) => match one_word_of(checker, "https", word) {
                Some(HttpsRule::Required) => transport.https = Some(entry.span),
                Some(HttpsRule::Optional) | None => {}
            },
            TransportEntry::Forwarded(word) => {
                transport.forwarded = one_word_of(checker, "forwarded", word).unwrap_or(transport.forwarded);
            }
            TransportEntry::Hosts(names) => {
                transport.hosts_span = Some(entry.span);
                transport.hosts = hosts(checker, names);
            }
            TransportEntry::Proxies(networks) => transport.proxies = proxies(checker, networks),
            TransportEntry::Maximum(name, value) => {
                if let Some(maximum) = name.keyword {
                    set_maximum(checker, maximum, value, &mut transport);
                }
            }
        }
    }
    if let (Some(span), None) = (entries.span("forwarded"), entries.span("proxies")) {
        Diagnostic::warning("forwarded_by_nobody", span, "no proxy is trusted, so nothing is forwarded")
            .report_with(checker, "name your proxies: `proxies 10.0.0.0/8`");
    }
    transport
}

fn maximum(checker: &Checker<'_>, Word { text: name, keyword }: &Word<Maximum>) -> Option<Maximum> {
    if keyword.is_none() {
        Diagnostic::error("unknown_setting", name.span, format!("`transport` has no `{}`", name.node))
            .one_of(&name.node, Maximum::words())
            .report(checker);
    }
    *keyword
}

fn set_maximum(checker: &Checker<'_>, maximum: Maximum, value: &Spanned<u64>, transport: &mut Transport) {
    let (name, Range { least, most, counts, slot }) = (maximum.word(), range(maximum));
    let is_size = checker.written(value.span).ends_with('B');
    let fits = (least..=most).contains(&value.node) && !(counts.is_some() && is_size);
    match usize::try_from(value.node).ok().filter(|_| fits) {
        Some(value) => *slot(transport) = value,
        None => {
            let (what, range) = match counts {
                Some(counts) => (format!("`{name}` counts {counts}"), format!("a number from {least} to {most}")),
                None => (format!("`{name}` is out of range"), format!("a size from {} to {}", size(least), size(most))),
            };
            let error = Diagnostic::error("setting_out_of_range", value.span, what);
            error.report_with(checker, format!("write {range}"));
        }
    }
}

fn hosts(checker: &Checker<'_>, names: &[Text]) -> Vec<NamePattern> {
    let mut hosts = Vec::new();
    if too_many_values(checker, names) {
        return hosts;
    }
    for name in names {
        let host = name.node.to_ascii_lowercase();
        if let Some(help) = not_a_host(&host) {
            let message = format!("`{}` is no host", name.node);
            Diagnostic::error("invalid_host", name.span, message).report_with(checker, help);
            continue;
        }
        let pattern = NamePattern::new(&host);
        if hosts.contains(&pattern) {
            named_twice(&name.node, name.span).report(checker);
        } else {
            hosts.push(pattern);
        }
    }
    hosts
}

fn proxies(checker: &Checker<'_>, networks: &[Spanned<IpNet>]) -> Vec<IpNet> {
    let mut proxies = Vec::new();
    if too_many_values(checker, networks) {
        return proxies;
    }
    for written in networks {
        let Some(network) = without_host_bits(written, checker).map(unmapped) else { continue };
        if network.prefix_len() == 0 {
            let message = format!("`{}` is everybody: any caller could write the client's address", written.node);
            Diagnostic::error("everybody_trusted", written.span, message)
                .report_with(checker, "name the networks that your proxies stand in, such as `10.0.0.0/8`");
        } else if proxies.contains(&network) {
            named_twice(checker.written(written.span), written.span).report(checker);
        } else {
            proxies.push(network);
        }
    }
    proxies
}

/// Returns the network, unless its address has bits beyond its length.
pub(crate) fn without_host_bits(written: &Spanned<IpNet>, checker: &Checker<'_>) -> Option<IpNet> {
    let right = written.node.trunc();
    if right == written.node {
        return Some(right);
    }
    let message = format!("`{}` has bits beyond its length", written.node);
    let help = format!("write `{right}` for the network, or `{}` for the one address", written.node.addr());
    Diagnostic::error("host_bits", written.span, message).report_with(checker, help);
    None
}

/// The correction for a text that isn't a host, perhaps with a port.
fn not_a_host(text: &str) -> Option<String> {
    if text.contains([',', ' ']) {
        return Some("write each host in its own quotes: `\"a.example\", \"b.example\"`".to_owned());
    }
    if text == "*" {
        return Some("leave `hosts` out: then every host is served".to_owned());
    }
    if let Some((_, host)) = text.split_once("://") {
        let host = host.split(['/', '?']).next().unwrap_or_default();
        return Some(format!("write the host alone: `\"{host}\"`"));
    }
    if let Some((host, _)) = text.split_once('/') {
        return Some(format!("write the host alone: `\"{host}\"`"));
    }
    let (host, port) = split_port(text);
    if port.is_some_and(|port| ["https", "http"].iter().any(|scheme| default_port(scheme) == Some(port))) {
        return Some(format!("leave the default port out: `\"{host}\"`"));
    }
    not_a_name(host, port)
}

/// The correction for a host that isn't one, or a port.
pub(crate) fn not_a_name(host: &str, port: Option<&str>) -> Option<String> {
    if !host.is_ascii() {
        return Some("write an international name as it stands in the DNS: `xn--…`".to_owned());
    }
    if port.is_some_and(|port| port.parse::<u16>().ok().is_none_or(|number| number == 0 || number.to_string() != port))
    {
        return Some("a port is a number from 1 to 65535".to_owned());
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    if name.contains('*') {
        return Some("a `*` stands for one whole label, the first: `*.example.com`".to_owned());
    }
    let broad = name != host && !name.contains('.') && name != "localhost";
    if broad {
        return Some(format!("`*.{name}` would be everybody under `{name}`: write at least two labels after the `*`"));
    }
    if is_host(name) { None } else { Some("write a host name or an address, such as `api.example.com`".to_owned()) }
}

fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes % (1 << 30) == 0 => format!("{}GiB", bytes >> 30),
        bytes if bytes % (1 << 20) == 0 => format!("{}MiB", bytes >> 20),
        bytes if bytes % (1 << 10) == 0 => format!("{}KiB", bytes >> 10),
        bytes => format!("{bytes}B"),
    }
}
