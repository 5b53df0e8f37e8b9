//! Comes in: a file, and what formatting made of it. Goes out: the first place where they don't say the same. White
//! space may differ, and commas that nobody needs.

use crate::model::source::{Source, Span};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{Comment, File};

use pest::iterators::Pairs;

/// Where in `source` the formatted text first says something else.
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

/// The tree is made of nothing but what is compared here: the rules in order, how many parts each has, and the text of
/// those without parts.
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
                // White space may follow what is punctuation.
                && (count > 0 || pair.as_rule() == Rule::equals || pair.as_str() == other.as_str())
        });
        if !same {
            return Some(place(last, pair.as_span().end()));
        }
    }
    after.next().map(|_| place(last, last))
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

/// Which declaration a doc comment belongs to depends on the lines.
fn doc_difference(before: &File, after: &File) -> Option<Span> {
    if before.doc != after.doc {
        return Some(before.policy.span);
    }
    let mut pairs = before.declarations.iter().zip(&after.declarations);
    pairs.find(|(before, after)| before.doc != after.doc).map(|(before, _)| before.span)
}

fn place(start: usize, end: usize) -> Span {
    let offset = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
    Span { file: 0, start: offset(start), end: offset(end) }
}
