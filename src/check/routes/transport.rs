//! The transport block.

use ipnet::IpNet;

use crate::check::Checker;
use crate::check::entries::Entries;
use crate::check::names::{list, suggest};
use crate::model::diagnostic::Diagnostic;
use crate::model::host::{NamePattern, default_port, is_host, split_port};
use crate::model::network::unmapped;
use crate::model::source::{Span, Spanned};
use crate::syntax::tree::{Text, TransportEntry};
use crate::typed::{Forwarded, Transport};

/// The most entries of a list that requests are compared with.
const MOST_ENTRIES: usize = 1_000;

/// A setting that bounds what comes in.
struct Maximum {
    name: &'static str,
    least: u64,
    most: u64,
    /// What it counts, where that isn't bytes.
    counts: Option<&'static str>,
    slot: fn(&mut Transport) -> &mut usize,
}

/// The `http` crate's URLs end at 64 KiB and its header maps at 32,768 lines; serde_json's nesting ends at 128 levels.
const MAXIMA: [Maximum; 5] = [
    Maximum { name: "max_target", least: 64, most: 32 << 10, counts: None, slot: |to| &mut to.max_target },
    Maximum { name: "max_header", least: 256, most: 1 << 20, counts: None, slot: |to| &mut to.max_header },
    Maximum { name: "max_body", least: 1, most: 1 << 30, counts: None, slot: |to| &mut to.max_body },
    Maximum { name: "max_depth", least: 1, most: 100, counts: Some("levels"), slot: |to| &mut to.max_depth },
    Maximum {
        name: "max_header_lines",
        least: 1,
        most: 10_000,
        counts: Some("lines"),
        slot: |to| &mut to.max_header_lines,
    },
];

impl Checker<'_> {
    pub(crate) fn transport(&mut self) -> Transport {
        let mut transport = Transport::default();
        let Some((_, declared)) = self.names.transport else { return transport };
        let mut entries = Entries::default();
        for entry in &declared.entries {
            let word = match &entry.node {
                TransportEntry::Https(_) => "https",
                TransportEntry::Hosts(_) => "hosts",
                TransportEntry::Proxies(_) => "proxies",
                TransportEntry::Forwarded(_) => "forwarded",
                TransportEntry::Maximum(name, value) => {
                    if let Some(maximum) = self.maximum(name)
                        && entries.first(maximum.name, entry.span, &mut self.diagnostics)
                    {
                        self.set_maximum(maximum, value, &mut transport);
                    }
                    continue;
                }
            };
            if !entries.first(word, entry.span, &mut self.diagnostics) {
                continue;
            }
            match &entry.node {
                TransportEntry::Https(what) => match what.node.as_str() {
                    "required" => transport.https = Some(entry.span),
                    "optional" => {}
                    _ => self.one_word_of("https", what, &["required", "optional"]),
                },
                TransportEntry::Forwarded(what) => match what.node.as_str() {
                    "x_forwarded_for" => {}
                    "forwarded" => transport.forwarded = Forwarded::Rfc7239,
                    _ => self.one_word_of("forwarded", what, &["x_forwarded_for", "forwarded"]),
                },
                TransportEntry::Hosts(names) => {
                    transport.hosts_span = Some(entry.span);
                    transport.hosts = self.hosts(names);
                }
                TransportEntry::Proxies(networks) => transport.proxies = self.proxies(networks),
                TransportEntry::Maximum(..) => {}
            }
        }
        if let (Some(span), None) = (entries.span("forwarded"), entries.span("proxies")) {
            self.report(
                Diagnostic::warning("forwarded_by_nobody", span, "no proxy is trusted, so nothing is forwarded")
                    .help("name your proxies: `proxies 10.0.0.0/8`"),
            );
        }
        transport
    }

    /// A setting that takes one of a few words.
    pub(crate) fn one_word_of(&mut self, setting: &str, written: &Text, known: &[&str]) {
        let message = format!("`{setting}` can't be `{}`", written.node);
        let error = Diagnostic::error("unknown_name", written.span, message);
        self.report(match (suggest(&written.node, known.iter().copied()), list(known.iter().copied())) {
            (Some(meant), _) => error.help(format!("did you mean `{setting} {meant}`?")),
            (None, Some(all)) => error.help(format!("it can be {all}")),
            (None, None) => error,
        });
    }

    fn maximum(&mut self, name: &Text) -> Option<&'static Maximum> {
        let found = MAXIMA.iter().find(|maximum| maximum.name == name.node);
        if found.is_none() {
            let known = || MAXIMA.iter().map(|maximum| maximum.name);
            let error = Diagnostic::error("unknown_setting", name.span, format!("`transport` has no `{}`", name.node));
            self.report(match (suggest(&name.node, known()), list(known())) {
                (Some(meant), _) => error.help(format!("did you mean `{meant}`?")),
                (None, Some(all)) => error.help(format!("there are {all}")),
                (None, None) => error,
            });
        }
        found
    }

    fn set_maximum(&mut self, maximum: &Maximum, value: &Spanned<u64>, transport: &mut Transport) {
        let Maximum { name, least, most, counts, slot } = *maximum;
        let is_size = self.written(value.span).ends_with('B');
        let fits = (least..=most).contains(&value.node) && !(counts.is_some() && is_size);
        match usize::try_from(value.node).ok().filter(|_| fits) {
            Some(value) => *slot(transport) = value,
            None => {
                let (what, range) = match counts {
                    Some(counts) => (format!("`{name}` counts {counts}"), format!("a number from {least} to {most}")),
                    None => {
                        (format!("`{name}` is out of range"), format!("a size from {} to {}", size(least), size(most)))
                    }
                };
                let error = Diagnostic::error("setting_out_of_range", value.span, what);
                self.report(error.help(format!("write {range}")));
            }
        }
    }

    /// The policy's own text.
    pub(crate) fn written(&self, span: Span) -> &str {
        let source = self.sources.get(span.file as usize).map_or("", |source| source.text());
        source.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn hosts(&mut self, names: &[Text]) -> Vec<NamePattern> {
        let mut hosts = Vec::new();
        if self.too_many_entries(names) {
            return hosts;
        }
        for name in names {
            let host = name.node.to_ascii_lowercase();
            if let Some(help) = not_a_host(&host) {
                let message = format!("`{}` is no host", name.node);
                self.report(Diagnostic::error("invalid_host", name.span, message).help(help));
                continue;
            }
            let pattern = NamePattern::new(&host);
            if hosts.contains(&pattern) {
                self.named_twice(name);
            } else {
                hosts.push(pattern);
            }
        }
        hosts
    }

    /// Lists are walked for each request, so they must stay short enough for that.
    pub(crate) fn too_many_entries<T>(&mut self, list: &[Spanned<T>]) -> bool {
        if let Some(first) = list.get(MOST_ENTRIES) {
            let message = format!("the list has {} entries", list.len());
            let error = Diagnostic::error("too_many_entries", first.span, message).label("the first that is too many");
            self.report(
                error.help(format!("name at most {MOST_ENTRIES}; a `*` can stand for many, and so can a network")),
            );
        }
        list.len() > MOST_ENTRIES
    }

    /// Something that a list names a second time.
    pub(crate) fn named_twice(&mut self, name: &Text) {
        let error = Diagnostic::error("duplicate_name", name.span, format!("`{}` is named twice", name.node));
        self.report(error.help("name it once"));
    }

    fn proxies(&mut self, networks: &[Spanned<IpNet>]) -> Vec<IpNet> {
        let mut proxies = Vec::new();
        if self.too_many_entries(networks) {
            return proxies;
        }
        for written in networks {
            let Some(network) = without_host_bits(written, &mut self.diagnostics).map(unmapped) else { continue };
            if network.prefix_len() == 0 {
                let message = format!("`{}` is everybody: any caller could write the client's address", written.node);
                self.report(
                    Diagnostic::error("everybody_trusted", written.span, message)
                        .help("name the networks that your proxies stand in, such as `10.0.0.0/8`"),
                );
            } else if proxies.contains(&network) {
                let text = Spanned { node: self.written(written.span).to_owned(), span: written.span };
                self.named_twice(&text);
            } else {
                proxies.push(network);
            }
        }
        proxies
    }
}

/// The network, unless its address says more than its length.
pub(crate) fn without_host_bits(written: &Spanned<IpNet>, out: &mut Vec<Diagnostic>) -> Option<IpNet> {
    let right = written.node.trunc();
    if right == written.node {
        return Some(right);
    }
    let message = format!("`{}` has bits beyond its length", written.node);
    let help = format!("write `{right}` for the network, or `{}` for the one address", written.node.addr());
    out.push(Diagnostic::error("host_bits", written.span, message).help(help));
    None
}

/// What to write instead, where a text isn't a host, perhaps with a port.
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

/// What to write instead, where a host isn't one, or a port.
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
