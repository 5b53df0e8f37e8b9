//! Renders the graph as text, for reviews and snapshots, and in the dot language of Graphviz.

use std::fmt::Write;

use crate::collections::table::Id;
use crate::graph::{DecisionGraph, Leaf, Node, Phase, Probe, Test};
use crate::model::source::Span;
use crate::typed::{BodyRule, Limit, Service, TypedPolicy};

/// The label of a node, and its edges with their labels.
struct Drawn {
    label: String,
    edges: Vec<(&'static str, Id<Node>)>,
}

impl DecisionGraph {
    /// The doors by path, then the nodes.
    pub(crate) fn text(&self, policy: &TypedPolicy, locate: impl Fn(Span) -> String) -> String {
        let mut out = format!("policy {}\n\ndoors\n", policy.name);
        for endpoint in self.endpoints.iter() {
            let _ = writeln!(out, "  {}", endpoint.pattern);
            for door in &endpoint.doors {
                let place = locate(policy.routes[door.route].span);
                let _ = writeln!(out, "    {:<7} → n{:<4} {place}", door.method.as_str(), door.entry.row());
            }
        }
        out.push_str("\nnodes\n");
        for (id, node) in self.nodes.enumerate() {
            let drawn = self.draw(policy, node);
            let edges: Vec<String> = drawn.edges.iter().map(|(label, to)| format!("{label} → n{}", to.row())).collect();
            let line = format!("  {:<5} {:<40} {}", format!("n{}", id.row()), drawn.label, edges.join("   "));
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out
    }

    pub(crate) fn dot(&self, policy: &TypedPolicy) -> String {
        let mut out = format!(
            "digraph {} {{\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n",
            quoted(&policy.name)
        );
        for (row, endpoint) in self.endpoints.iter().enumerate() {
            let _ = writeln!(out, "  d{row} [label={}, shape=folder];", quoted(&endpoint.pattern));
            for door in &endpoint.doors {
                let _ = writeln!(out, "  d{row} -> n{} [label={}];", door.entry.row(), quoted(door.method.as_str()));
            }
        }
        for (id, node) in self.nodes.enumerate() {
            let drawn = self.draw(policy, node);
            let shape = if drawn.edges.is_empty() { ", shape=oval" } else { "" };
            let _ = writeln!(out, "  n{} [label={}{shape}];", id.row(), quoted(&drawn.label));
            for (label, to) in drawn.edges {
                let _ = writeln!(out, "  n{} -> n{} [label={}];", id.row(), to.row(), quoted(label));
            }
        }
        out.push_str("}\n");
        out
    }

    fn draw(&self, policy: &TypedPolicy, node: &Node) -> Drawn {
        match node {
            Node::Authenticate { caller, nobody, malformed } => Drawn {
                label: "authenticate".to_owned(),
                edges: vec![("caller", *caller), ("nobody", *nobody), ("malformed", *malformed)],
            },
            Node::Probe { probe, pass, fail } => {
                let (label, passed, failed) = self.draw_probe(policy, *probe);
                Drawn { label, edges: vec![(passed, *pass), (failed, *fail)] }
            }
            Node::Roles { any_of, yes, no } => {
                let roles = policy.role_sets.ids(*any_of);
                let names: Vec<&str> = roles.map(|role| policy.role_names.get(role)).collect();
                Drawn { label: format!("user is {}", names.join(" | ")), edges: vec![("yes", *yes), ("no", *no)] }
            }
            Node::Test { test, yes, no } => {
                Drawn { label: draw_test(self, policy, *test), edges: vec![("yes", *yes), ("no", *no)] }
            }
            Node::Leaf(leaf) => Drawn { label: leaf_label(*leaf).to_owned(), edges: Vec::new() },
        }
    }

    fn draw_probe(&self, policy: &TypedPolicy, probe: Probe) -> (String, &'static str, &'static str) {
        match probe {
            Probe::Charge(set) => {
                let name = |limit: &Id<Limit>| policy.limits[*limit].name.as_str();
                let names: Vec<&str> = self.limit_sets[set].iter().map(name).collect();
                (format!("charge {}", names.join(", ")), "admitted", "refused")
            }
            Probe::Csrf => ("csrf".to_owned(), "own", "foreign"),
            Probe::Query(shape) => (format!("query {}", policy.shapes[shape].name), "conforms", "violates"),
            Probe::Body(BodyRule::Empty) => ("no body".to_owned(), "none", "some"),
            Probe::Body(BodyRule::Raw) => ("body raw".to_owned(), "fits", "too large"),
            Probe::Body(BodyRule::Shape(shape)) => {
                (format!("body {}", policy.shapes[shape].name), "conforms", "violates")
            }
            Probe::Body(BodyRule::Token(token)) => {
                (format!("body with token {}", policy.tokens[token].name), "conforms", "violates")
            }
            Probe::Password => ("password".to_owned(), "known", "unknown"),
            Probe::Redeemable(token) => (format!("exchange token {}", policy.tokens[token].name), "holds", "fails"),
            Probe::Revocable(token) => (format!("give up token {}", policy.tokens[token].name), "ours", "fails"),
            Probe::Admit(token) => (format!("caller of a token {}", policy.tokens[token].name), "known", "incomplete"),
        }
    }
}

fn draw_test(graph: &DecisionGraph, policy: &TypedPolicy, test: Test) -> String {
    let suffix = |phase: Phase| if phase == Phase::BeforeInput { "" } else { ", the input known" };
    match test {
        Test::Permission(set, phase) => {
            let names = graph.permission_sets[set].iter().map(|id| policy.permission_names.get(*id));
            format!("may {}{}", names.collect::<Vec<_>>().join(" | "), suffix(phase))
        }
        Test::Scope(scope) => format!("scope {:?}", policy.scope_names.get(scope)),
        Test::Whens(route, phase) => {
            let many = if policy.routes[route].access.whens.len() > 1 { "s" } else { "" };
            format!("the route's condition{many}{}", suffix(phase))
        }
        Test::Doors(phase) => format!("no forbid *{}", suffix(phase)),
    }
}

fn leaf_label(leaf: Leaf) -> &'static str {
    match leaf {
        Leaf::Allow => "allow",
        Leaf::IssueCsrf => "answer with a CSRF token",
        Leaf::Issue => "answer with tokens",
        Leaf::Revoke => "answer: revoked",
        Leaf::DenyProbe => "deny: what the probe found",
        Leaf::DenyCredential => "deny: the credential",
        Leaf::DenyPermission => "deny: the permission",
        Leaf::Unavailable(service) => match service {
            Service::Redirect => "deny: login with a provider isn't available",
            Service::Callback => "deny: callbacks aren't available",
            Service::Handler | Service::IssueCsrf | Service::Rotate(_) | Service::Revoke(_) | Service::Login => {
                "deny: it isn't available"
            }
        },
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
