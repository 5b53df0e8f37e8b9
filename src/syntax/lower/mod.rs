//! Builds the typed tree from pest's pairs, and reports literals and shapes that are wrong. It resolves no name, and
//! no pair leaves `syntax`.

pub(crate) mod browser;
pub(crate) mod callers;
pub(crate) mod expressions;
pub(crate) mod limits;
pub(crate) mod permissions;
pub(crate) mod routes;
pub(crate) mod schemas;

use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::Keyword;
use crate::model::source::Span;
use crate::syntax::parse::Rule;
use crate::syntax::tree::{
    Allowance, Attribute, Comment, Declaration, DeclarationKind, Expression, Spanned, Text, Word,
};

use pest::iterators::{Pair as PestPair, Pairs};

pub(crate) type Pair<'i> = PestPair<'i, Rule>;

/// The file that is lowered, and the problems found in it.
pub(crate) struct Lowering<'a> {
    file: u32,
    /// The offset in the file of the text that pest parsed.
    base: u32,
    /// The text of the whole file.
    source: &'a str,
    comments: &'a [Comment],
    pub(crate) problems: Vec<Diagnostic>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(file: u32, base: u32, source: &'a str, comments: &'a [Comment]) -> Self {
        Self { file, base, source, comments, problems: Vec::new() }
    }

    /// Lowers a `declaration` pair. If it returns no tree, a problem says why.
    pub(crate) fn declaration(&mut self, pair: &Pair<'_>) -> Option<Declaration> {
        let whole = self.span(pair);
        let problems_before = self.problems.len();
        let (mut allowances, mut span, mut kind) = (Vec::new(), whole, None);
        for inner in pair.clone().into_inner() {
            if inner.as_rule() == Rule::allowance {
                allowances.extend(self.allowance(inner));
            } else {
                span = self.span(&inner);
                kind = self.declaration_kind(inner);
            }
        }
        if kind.is_none() && self.problems.len() == problems_before {
            self.problem(Diagnostic::error("syntax", span, "this declaration can't be read"));
        }
        let doc = self.doc(whole.start).or_else(|| self.doc(span.start));
        Some(Declaration { span, doc, allowances, kind: kind? })
    }

    /// Lowers `allow(LINT, …) reason "…"`; an allowance without a reason is an error.
    pub(crate) fn allowance(&mut self, pair: Pair<'_>) -> Option<Allowance> {
        let span = self.span(&pair);
        let mut lints = Vec::new();
        let mut reason = None;
        for part in Parts::of(pair) {
            match part.as_rule() {
                Rule::name => lints.push(self.text(&part)),
                Rule::string => reason = Some(self.text(&part)),
                _ => {}
            }
        }
        let given = reason.as_ref().is_some_and(|reason| !reason.node.trim().is_empty());
        if !given {
            let span = reason.as_ref().map_or(span, |reason| reason.span);
            self.problem(
                Diagnostic::error("missing_reason", span, "a lint is switched off for a reason, and here is none")
                    .help("say why, for whoever reads it next: `allow(LINT) reason \"…\"`"),
            );
        }
        reason.filter(|_| given).map(|reason| Allowance { span, lints, reason })
    }

    fn declaration_kind(&mut self, pair: Pair<'_>) -> Option<DeclarationKind> {
        let rule = pair.as_rule();
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        parts.next()?;
        match rule {
            Rule::secrets | Rule::keys | Rule::token | Rule::password | Rule::account | Rule::user | Rule::provider => {
                callers::declaration(self, rule, parts)
            }
            Rule::tier | Rule::limit => limits::declaration(self, rule, parts),
            Rule::transport | Rule::cors | Rule::csrf | Rule::headers | Rule::cookie => {
                browser::declaration(self, rule, parts)
            }
            Rule::schema => schemas::schema(self, parts).map(DeclarationKind::Schema),
            Rule::routes => routes::routes(self, parts).map(DeclarationKind::Routes),
            Rule::allow | Rule::forbid | Rule::never => {
                permissions::rule(self, rule, span, parts).map(DeclarationKind::Rule)
            }
            _ => permissions::declaration(self, rule, parts),
        }
    }

    /// Lowers the entries of a block. The other entries are still lowered if one of them has a problem.
    pub(crate) fn entries<T>(
        &mut self,
        parts: Parts<'_>,
        entry: fn(&mut Self, &Pair<'_>, Parts<'_>) -> Option<T>,
    ) -> Option<Vec<Spanned<T>>> {
        let mut all = Some(Vec::new());
        for pair in parts {
            let span = self.span(&pair);
            let mut parts = Parts::of(pair);
            let node = parts.next().and_then(|keyword| entry(self, &keyword, parts));
            all = all.zip(node).map(|(mut all, node)| {
                all.push(Spanned { node, span });
                all
            });
        }
        all
    }

    /// Lowers `policy NAME` and the doc comment over it.
    pub(crate) fn header(&mut self, pair: Pair<'_>) -> Option<(Text, Option<String>)> {
        let doc = self.doc(self.span(&pair).start);
        let name = Parts::of(pair).pick(Rule::name)?;
        Some((self.text(&name), doc))
    }

    pub(crate) fn expression(&mut self, pair: Pair<'_>) -> Option<Expression> {
        expressions::expression(self, pair)
    }

    /// Lowers the next expression among `parts`.
    pub(crate) fn next_expression(&mut self, parts: &mut Parts<'_>) -> Option<Expression> {
        self.expression(parts.pick(Rule::expression)?)
    }

    /// Returns the span of a pair without trailing trivia. Pest counts the white space and the comments after a pair as
    /// the pair's own if something optional could have followed.
    pub(crate) fn span(&self, pair: &Pair<'_>) -> Span {
        let start = pair.as_span().start();
        let mut text = pair.as_str().trim_end();
        loop {
            let span = self.span_of(start, start + text.len());
            let before = self.comments.partition_point(|comment| comment.span.end < span.end);
            let comment = self.comments.get(before).filter(|comment| comment.span.end == span.end);
            let Some(shorter) =
                comment.and_then(|comment| text.get(..comment.span.start.checked_sub(span.start)? as usize))
            else {
                return span;
            };
            text = shorter.trim_end();
        }
    }

    /// Returns the span in the file for offsets in the text that pest parsed. Sources are far shorter than `u32::MAX`.
    pub(crate) fn span_of(&self, start: usize, end: usize) -> Span {
        let in_file = |offset: usize| self.base.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
        Span { file: self.file, start: in_file(start), end: in_file(end) }
    }

    pub(crate) fn problem(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// Returns a name, or a string without its quotes.
    pub(crate) fn text(&mut self, pair: &Pair<'_>) -> Text {
        if pair.as_rule() == Rule::role_name
            && let Some(inner) = pair.clone().into_inner().next()
        {
            return self.text(&inner);
        }
        let span = self.span(pair);
        let node = match pair.as_rule() {
            Rule::string => crate::syntax::literal::unescape(self, pair),
            _ => pair.as_str().to_owned(),
        };
        Spanned { node, span }
    }

    /// Returns the next part as text.
    pub(crate) fn next_text(&mut self, parts: &mut Parts<'_>) -> Option<Text> {
        Some(self.text(&parts.next()?))
    }

    /// Returns a word of a closed set.
    pub(crate) fn word<K: Keyword>(&mut self, pair: &Pair<'_>) -> Word<K> {
        let text = self.text(pair);
        Word { keyword: K::find(&text.node), text }
    }

    /// Returns the remaining parts as texts.
    pub(crate) fn texts(&mut self, parts: Parts<'_>) -> Vec<Text> {
        parts.map(|part| self.text(&part)).collect()
    }

    /// Returns the doc comment whose last line is directly above the line of `start`.
    fn doc(&self, start: u32) -> Option<String> {
        let before = self.comments.partition_point(|comment| comment.span.start < start);
        let mut lines = Vec::new();
        let mut below = start;
        for comment in self.comments.get(..before)?.iter().rev() {
            let between = self.source.get(comment.span.end as usize..below as usize)?;
            if !comment.doc || !between.trim().is_empty() || between.matches('\n').count() != 1 {
                break;
            }
            let above = self.source.get(..comment.span.start as usize)?;
            if !above.chars().rev().take_while(|c| *c != '\n').all(|c| c.is_whitespace() || c == '\u{FEFF}') {
                break;
            }
            let text = self.source.get(comment.span.start as usize..comment.span.end as usize)?;
            let text = text.strip_prefix("///").unwrap_or(text);
            lines.push(text.strip_prefix(' ').unwrap_or(text).trim_end());
            below = comment.span.start;
        }
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// Reads a part that may be missing. `None` is a part with a problem.
pub(crate) fn optional<'i, T>(part: Option<Pair<'i>>, read: impl FnOnce(Pair<'i>) -> Option<T>) -> Option<Option<T>> {
    part.map_or(Some(None), |part| read(part).map(Some))
}

/// Lowers `attribute` pairs.
pub(crate) fn attributes(lowering: &mut Lowering<'_>, parts: Parts<'_>) -> Option<Vec<Attribute>> {
    parts.map(|part| attribute(lowering, part)).collect()
}

/// Lowers an `attribute` pair: `NAME[?]: TYPE`.
pub(crate) fn attribute(lowering: &mut Lowering<'_>, pair: Pair<'_>) -> Option<Attribute> {
    let mut parts = Parts::of(pair);
    let name = lowering.next_text(&mut parts)?;
    let optional = parts.take_next(Rule::question).is_some();
    let ty = expressions::value_type(lowering, parts.pick(Rule::value_type)?)?;
    Some(Attribute { name, optional, ty })
}

/// The parts of a pair without punctuation.
#[derive(Clone)]
pub(crate) struct Parts<'i>(Pairs<'i, Rule>);

impl<'i> Parts<'i> {
    pub(crate) fn of(pair: Pair<'i>) -> Self {
        Self(pair.into_inner())
    }

    /// Returns the next part of this rule and skips the parts before it. It skips nothing if there is no such part.
    pub(crate) fn pick(&mut self, rule: Rule) -> Option<Pair<'i>> {
        let mut ahead = self.clone();
        let found = ahead.find(|part| part.as_rule() == rule)?;
        *self = ahead;
        Some(found)
    }

    /// Returns the next part if it is of this rule.
    pub(crate) fn take_next(&mut self, rule: Rule) -> Option<Pair<'i>> {
        while self.0.peek().is_some_and(|part| is_punctuation(part.as_rule())) {
            self.0.next();
        }
        if self.0.peek()?.as_rule() == rule { self.0.next() } else { None }
    }
}

impl<'i> Iterator for Parts<'i> {
    type Item = Pair<'i>;

    fn next(&mut self) -> Option<Pair<'i>> {
        self.0.by_ref().find(|part| !is_punctuation(part.as_rule()))
    }
}

fn is_punctuation(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::brace_open
            | Rule::brace_close
            | Rule::bracket_open
            | Rule::bracket_close
            | Rule::paren_open
            | Rule::paren_close
            | Rule::comma
            | Rule::colon
            | Rule::equals
            | Rule::pipe
            | Rule::dots
            | Rule::slash
    )
}
