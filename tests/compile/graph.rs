//! The drawings of the article's decision graph.

use portcullis::{Policy, Source};

use crate::support::{ARTICLE, snapshot};

fn compiled(text: &str) -> Policy {
    Policy::compile(&[Source::new("article.gate", text)]).unwrap()
}

#[test]
fn as_text() {
    snapshot!("article_graph_text", &compiled(ARTICLE).graph_text());
}

#[test]
fn as_dot() {
    snapshot!("article_graph_dot", &compiled(ARTICLE).graph_dot());
}

#[test]
fn the_same_policy_has_the_same_graph() {
    let (one, other) = (compiled(ARTICLE), compiled(ARTICLE));
    assert_eq!(one.graph_text(), other.graph_text());
    assert_eq!(one.graph_dot(), other.graph_dot());
}

#[test]
fn comments_leave_the_drawing_alone() {
    let commented = ARTICLE.replace("\nrole ", "\n// more\nrole ");
    assert_ne!(ARTICLE, commented);
    assert_eq!(compiled(ARTICLE).graph_dot(), compiled(&commented).graph_dot());
}

/// Every edge leads to a lower number, so the graph has no cycle.
#[test]
fn edges_lead_down() {
    let policy = compiled(ARTICLE);
    let dot = policy.graph_dot();
    let edges: Vec<(u32, u32)> = dot
        .lines()
        .filter_map(|line| {
            let (from, to) = line.trim().split_once(" -> ")?;
            let number = |text: &str| {
                let digits: String = text.strip_prefix('n')?.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().ok()
            };
            Some((number(from)?, number(to)?))
        })
        .collect();
    assert!(edges.len() > 20, "{dot}");
    assert!(edges.iter().all(|(from, to)| from > to), "{dot}");
}
