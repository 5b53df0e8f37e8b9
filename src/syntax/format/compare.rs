//! Finds the first difference between a file and its formatted text. White space and commas that the grammar doesn't
//! need may differ.

use crate::model::source::{Source, Span};
use crate::syntax::errors::diagnose::span;
use crate::syntax::parse::Rule;
use crate::syntax::tree::{Comment, File};

use pest::iterators::Pairs;

/// Returns the span in `source` of the first difference.
pub(crate) fn first_difference(
    source: &Source,
    pairs: Pairs<'_, Rule>,
    tree: &File,
    formatted: &Source,
) -> Option<Span> {
    let start = Some(tree.policy.span);
    let Ok((formatted_pairs, comments)) = crate::syntax::read(0, formatted) else { return start };
    if let Some(at) = token_difference(pairs, formatted_pairs.clone()) {
        return Some(at);
    }
    let Ok(formatted_tree) = crate::syntax::lower(0, formatted.text(), formatted_pairs, comments) else { return start };
    comment_difference(source, &tree.comments, formatted, &formatted_tree.comments, start)
        .or_else(|| doc_difference(tree, &formatted_tree))
}

/// Compares all that the tree is made of: the rules in order, the number of parts of each, and the text of those without
/// parts.
fn token_difference(before: Pairs<'_, Rule>, after: Pairs<'_, Rule>) -> Option<Span> {
    let mut after = after.flatten().filter(|pair| pair.as_rule() != Rule::comma);
    let mut last = 0;
    for pair in before.flatten().filter(|pair| pair.as_rule() != Rule::comma) {
        last = pair.as_span().start();
        let parts = |pair: Pairs<'_, Rule>| pair.filter(|part| part.as_rule() != Rule::comma).count();
        let same = after.next().is_some_and(|other| {
            let count = parts(pair.clone().into_inner());
            pair.as_rule() == other.as_rule()
                && count == parts(other.clone().into_inner())
                // Pest counts the white space after `=` as its own.
                && (count > 0 || pair.as_rule() == Rule::equals || pair.as_str() == other.as_str())
        });
        if !same {
            return Some(span(0, last, pair.as_span().end() - last));
        }
    }
    after.next().map(|_| span(0, last, 0))
}

fn comment_difference(
    source: &Source,
    before: &[Comment],
    formatted: &Source,
    after: &[Comment],
    start: Option<Span>,
) -> Option<Span> {
    let text = |source: &Source, comment: &Comment| {
        let range = comment.span.start as usize..comment.span.end as usize;
        source.text().get(range).unwrap_or_default().trim_end().to_owned()
    };
    let mut others = after.iter();
    for comment in before {
        if others.next().is_none_or(|other| text(source, comment) != text(formatted, other)) {
            return Some(comment.span);
        }
    }
    others.next().and(start)
}

/// Compares the doc comments of each declaration, which depend on the lines.
fn doc_difference(before: &File, after: &File) -> Option<Span> {
    if before.doc != after.doc {
        return Some(before.policy.span);
    }
    let mut pairs = before.declarations.iter().zip(&after.declarations);
    pairs.find(|(before, after)| before.doc != after.doc).map(|(before, _)| before.span)
}
