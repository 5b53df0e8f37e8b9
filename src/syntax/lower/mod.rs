//! Comes in: pest's pairs of a file or a declaration. Goes out: the typed tree, and what is wrong with literals and
//! shapes. It never resolves a name, and never lets a pair out of `syntax`.

pub(crate) mod expressions;
pub(crate) mod permissions;
pub(crate) mod routes;
pub(crate) mod schemas;
pub(crate) mod settings;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::parse::Rule;
use crate::syntax::tree::{Allowance, Comment, Declaration, DeclarationKind, Expression, Spanned, Text};

use pest::iterators::{Pair as PestPair, Pairs};

pub(crate) type Pair<'i> = PestPair<'i, Rule>;

/// What lowering needs to know, and what it has found wrong.
pub(crate) struct Lowering<'a> {
    file: u32,
    /// Where the text that pest saw begins in the file.
    base: u32,
    /// The whole file.
    source: &'a str,
    comments: &'a [Comment],
    pub(crate) problems: Vec<Diagnostic>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(file: u32, base: u32, source: &'a str, comments: &'a [Comment]) -> Self {
        Self { file, base, source, comments, problems: Vec::new() }
    }

    /// One `declaration` pair. Without a tree there is a problem that says why.
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

    /// `allow(LINT, …) reason "…"`, which is nothing without a reason.
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
            let place = reason.as_ref().map_or(span, |reason| reason.span);
            self.problem(
                Diagnostic::error("missing_reason", place, "a lint is switched off for a reason, and here is none")
                    .help("say why, for whoever reads it next: `allow(LINT) reason \"…\"`"),
            );
        }
        reason.filter(|_| given).map(|reason| Allowance { span, lints, reason })
    }

    fn declaration_kind(&mut self, pair: Pair<'_>) -> Option<DeclarationKind> {
        match pair.as_rule() {
            Rule::resource
            | Rule::permissions
            | Rule::role
            | Rule::scope
            | Rule::allow
            | Rule::forbid
            | Rule::never => permissions::declaration(self, pair),
            Rule::condition => {
                let mut parts = Parts::of(pair);
                let name = self.text(&parts.pick(Rule::name)?);
                let expression = self.expression(parts.pick(Rule::expression)?)?;
                Some(DeclarationKind::Condition(crate::syntax::tree::Condition { name, expression }))
            }
            Rule::schema => schemas::schema(self, pair).map(DeclarationKind::Schema),
            Rule::routes => routes::routes(self, pair).map(DeclarationKind::Routes),
            _ => settings::declaration(self, pair),
        }
    }

    /// `policy NAME`, and the doc comment over it.
    pub(crate) fn header(&mut self, pair: Pair<'_>) -> Option<(Text, Option<String>)> {
        let doc = self.doc(self.span(&pair).start);
        let name = Parts::of(pair).pick(Rule::name)?;
        Some((self.text(&name), doc))
    }

    pub(crate) fn expression(&mut self, pair: Pair<'_>) -> Option<Expression> {
        expressions::expression(self, pair)
    }

    /// Where a pair stands. Pest counts the white space and the comments after a pair as the pair's own if something
    /// optional could have followed; they are cut off here.
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

    /// The place in the file of a place in the text that pest saw. Sources are capped far below `u32::MAX`.
    pub(crate) fn span_of(&self, start: usize, end: usize) -> Span {
        let place = |offset: usize| self.base.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
        Span { file: self.file, start: place(start), end: place(end) }
    }

    pub(crate) fn problem(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// A name as it stands, or a string without its quotes.
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

    /// All that is left of `parts`, as texts.
    pub(crate) fn texts(&mut self, parts: Parts<'_>) -> Vec<Text> {
        parts.map(|part| self.text(&part)).collect()
    }

    /// The doc comment whose last line stands directly above the line of `start`.
    fn doc(&self, start: u32) -> Option<String> {
        let before = self.comments.partition_point(|comment| comment.span.start < start);
        let mut lines = Vec::new();
        let mut below = start;
        for comment in self.comments.get(..before)?.iter().rev() {
            let between = self.source.get(comment.span.end as usize..below as usize)?;
            if !comment.doc || !between.trim().is_empty() || between.matches('\n').count() != 1 {
                break;
            }
            let before_it = self.source.get(..comment.span.start as usize)?;
            if !before_it.chars().rev().take_while(|c| *c != '\n').all(|c| c.is_whitespace() || c == '\u{FEFF}') {
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

/// The parts of a pair that mean something: without punctuation.
#[derive(Clone)]
pub(crate) struct Parts<'i>(Pairs<'i, Rule>);

impl<'i> Parts<'i> {
    pub(crate) fn of(pair: Pair<'i>) -> Self {
        Self(pair.into_inner())
    }

    /// The next part of this rule; what stands before it is skipped, and if there is none, nothing is.
    pub(crate) fn pick(&mut self, rule: Rule) -> Option<Pair<'i>> {
        let mut ahead = self.clone();
        let found = ahead.find(|part| part.as_rule() == rule)?;
        *self = ahead;
        Some(found)
    }

    /// The next part, if it is of this rule.
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
