//! Walks through the pairs of a file and lays out every token once, in the order written. Commas are dropped or added.
//! A block on one line that turns out too long is laid out a second time.

use crate::syntax::format::between::{gap, is_setting};
use crate::syntax::format::columns::Tables;
use crate::syntax::format::layout::{Gap, Layout, Row, Table};
use crate::syntax::lower::Pair;
use crate::syntax::parse::Rule;
use crate::syntax::tree::Comment;

use pest::iterators::Pairs;
use std::iter::Peekable;
use std::vec::IntoIter;

/// Returns the rows of a file and their tables.
pub(crate) fn walk<'s>(text: &'s str, comments: &'s [Comment], pairs: Pairs<'_, Rule>) -> (Vec<Row<'s>>, Tables) {
    let mut walker =
        Walker { text, layout: Layout::new(text, comments), routes: Vec::new(), last: None, hanging: false };
    for pair in pairs {
        match pair.as_rule() {
            Rule::header => walker.row(pair),
            Rule::declaration => {
                for inner in pair.into_inner() {
                    match inner.as_rule() {
                        Rule::allowance => walker.allowance(inner),
                        _ => walker.declaration(inner),
                    }
                }
            }
            _ => {}
        }
    }
    let (rows, count) = walker.layout.finish();
    (rows, Tables { count, routes: walker.routes })
}

struct Walker<'s> {
    text: &'s str,
    layout: Layout<'s>,
    /// The tables of routes.
    routes: Vec<Table>,
    /// The last declaration, if it has one row.
    last: Option<OneRow>,
    /// True after the first facet of a field that has a row of its own.
    hanging: bool,
}

/// A declaration on one row, which the next one may share columns with.
struct OneRow {
    keyword: Rule,
    row: usize,
    table: Table,
}

/// A block between braces.
struct Block<'i> {
    open: Pair<'i>,
    items: Vec<Pair<'i>>,
    close: Pair<'i>,
    /// True if the entries have columns even on one line.
    columns: bool,
}

impl Walker<'_> {
    /// Lays out a pair without columns.
    fn row(&mut self, pair: Pair<'_>) {
        self.layout.begin_row(pair.as_span().start());
        self.flow(pair, Gap::Nothing);
        self.layout.end_row();
    }

    /// Lays out an allowance on a line of its own, directly above its declaration.
    fn allowance(&mut self, pair: Pair<'_>) {
        self.last = None;
        self.row(pair);
        self.layout.keep_with_next();
    }

    fn declaration(&mut self, pair: Pair<'_>) {
        let keyword = match pair.as_rule() {
            Rule::allow | Rule::forbid | Rule::never => {
                self.last = None;
                return self.row(pair);
            }
            Rule::secrets => Rule::keys,
            keyword => keyword,
        };
        // Without a name, as `cors { … }` may be, there is no column to share.
        let named = pair.clone().into_inner().nth(1).is_some_and(|part| part.as_rule() != Rule::brace_open);
        let table = self.layout.new_table();
        self.layout.begin_row(pair.as_span().start());
        self.layout.join(table, false);
        let row = self.layout.row_count();
        self.flow(pair, Gap::Nothing);
        self.layout.end_row();

        let one_row = named && self.layout.row_count() == row + 1;
        let before = self.last.take().filter(|last| one_row && last.keyword == keyword);
        let shared = before.filter(|last| self.layout.rows_from(last.row + 1).iter().all(|row| !row.blank));
        let table = shared.map_or(table, |last| last.table);
        if let Some(first) = self.layout.rows_from(row).first_mut() {
            first.table = Some(table);
        }
        self.last = one_row.then_some(OneRow { keyword, row, table });
    }

    fn flow(&mut self, pair: Pair<'_>, before: Gap) {
        if self.layout.is_over() {
            return;
        }
        let span = pair.as_span();
        let rule = pair.as_rule();
        let parts: Vec<Pair<'_>> = pair.into_inner().collect();
        match rule {
            // Pest counts the white space after `=` as its own.
            Rule::equals => return self.layout.token(span.start(), span.start() + "=".len(), before),
            Rule::reference_path => return self.layout.token(span.start(), span.end(), before),
            _ if parts.is_empty() => return self.layout.token(span.start(), span.end(), before),
            // The grammar has no rule for the token `{*`.
            Rule::rest => {
                self.layout.token(span.start(), span.start() + "{*".len(), before);
                return self.parts(rule, parts, Gap::Nothing);
            }
            _ => {}
        }
        self.parts(rule, parts, before);
    }

    fn parts(&mut self, parent: Rule, parts: Vec<Pair<'_>>, first: Gap) {
        let mut before = None;
        let mut index = 0;
        let mut parts = parts.into_iter().peekable();
        while let Some(part) = parts.next() {
            if self.layout.is_over() {
                return;
            }
            let rule = part.as_rule();
            if rule == Rule::comma {
                // A comma before a closing bracket or at the end of an entry isn't needed.
                let next = parts.peek().map(Pair::as_rule);
                let needed = !matches!(next, None | Some(Rule::bracket_close | Rule::paren_close));
                self.layout.comma(part.as_span().end(), needed);
                before = Some(rule);
                continue;
            }
            let gap = match before {
                None => first,
                Some(before) => self.gap(parent, index, before, &part),
            };
            before = Some(rule);
            index += 1;
            match rule {
                Rule::brace_open if parent != Rule::parameter => {
                    if let Some(block) = block(part, &mut parts, parent == Rule::cookie) {
                        self.block(&block, gap);
                    }
                }
                Rule::schema_type if parent == Rule::field && !self.layout.is_flat() => self.field_type(part, gap),
                Rule::equals if self.hanging => {
                    let table = self.layout.new_table();
                    self.layout.begin_hanging_row(part.as_span().start(), table);
                    self.flow(part, gap);
                }
                _ => self.flow(part, gap),
            }
        }
        if parent == Rule::field {
            self.hanging = false;
        }
    }

    /// Returns the gap before a part; the cases here depend on more than the rules.
    fn gap(&self, parent: Rule, index: usize, before: Rule, part: &Pair<'_>) -> Gap {
        match (parent, before, part.as_rule()) {
            (Rule::facet, _, Rule::otherwise) if self.hanging => Gap::Column(1),
            (Rule::expression, _, Rule::infix) if matches!(part.as_str(), "and" | "or") => Gap::Soft,
            (Rule::token_entry, Rule::k_claims | Rule::k_single_use, _) => Gap::Space,
            (_, _, rule) => gap(parent, index, before, rule),
        }
    }

    fn block(&mut self, block: &Block<'_>, gap: Gap) {
        let (open, close) = (block.open.as_span(), block.close.as_span());
        if self.layout.is_flat() {
            return self.flat_block(block, gap);
        }
        let written = self.text.get(open.start()..close.end()).unwrap_or_default();
        let empty = block.items.is_empty() && !written.contains("//");
        if empty || !written.contains('\n') {
            let checkpoint = self.layout.begin_flat(open.start());
            // The chunk that the block begins still belongs to the row.
            self.flat_block(block, if let Gap::BlockColumn(gap) = gap { Gap::Column(gap) } else { gap });
            if self.layout.end_flat(&checkpoint) {
                return;
            }
        }

        let entry_table = self.layout.entry_table();
        self.layout.token(open.start(), open.end(), gap);
        self.layout.begin_block();
        let table = self.layout.new_table();
        if block.items.iter().any(|item| item.as_rule() == Rule::route) {
            self.routes.push(table);
        }
        let mut items = block.items.iter().peekable();
        while let Some(item) = items.next() {
            if item.as_rule() == Rule::comma {
                // Only rates need commas between entries.
                let needed = items.peek().is_some_and(|next| next.as_rule() == Rule::rate);
                self.layout.comma(item.as_span().end(), needed);
                continue;
            }
            self.layout.begin_row(item.as_span().start());
            if in_columns(item) {
                self.layout.join(table, item.as_rule() != Rule::route);
            }
            if item.as_rule() == Rule::route {
                self.layout.keep_unbroken();
            }
            self.flow(item.clone(), Gap::Nothing);
        }
        self.layout.end_block(close.start(), close.end(), entry_table);
    }

    fn flat_block(&mut self, block: &Block<'_>, gap: Gap) {
        let (open, close) = (block.open.as_span(), block.close.as_span());
        self.layout.token(open.start(), open.end(), gap);
        let mut before: Option<&Pair<'_>> = None;
        for item in block.items.iter().filter(|item| item.as_rule() != Rule::comma) {
            if self.layout.is_over() {
                return;
            }
            let gap = match before {
                None => Gap::Space,
                Some(before) if takes_comma(before) => {
                    self.layout.push_comma();
                    Gap::Space
                }
                Some(_) if block.columns => Gap::Column(2),
                Some(_) => Gap::Wide,
            };
            self.flow(item.clone(), gap);
            before = Some(item);
        }
        self.layout.token(close.start(), close.end(), if before.is_some() { Gap::Space } else { Gap::Nothing });
    }

    /// Lays out a field's type. If several facets have messages, each of these facets has a row.
    fn field_type(&mut self, pair: Pair<'_>, gap: Gap) {
        let mut alternatives = pair.clone().into_inner();
        let first = alternatives.next().filter(|_| alternatives.next().is_none());
        let parts: Vec<Pair<'_>> = first.into_iter().flat_map(Pair::into_inner).collect();
        let messages = parts.iter().filter(|part| has_message(part));
        if messages.count() < 2 {
            return self.flow(pair, gap);
        }
        let table = self.layout.new_table();
        for (index, part) in parts.into_iter().enumerate() {
            self.hanging |= has_message(&part);
            if self.hanging {
                self.layout.begin_hanging_row(part.as_span().start(), table);
            }
            self.flow(part, if index == 0 { gap } else { Gap::Soft });
        }
    }
}

/// Takes the block that begins with `open` from `parts`.
fn block<'i>(open: Pair<'i>, parts: &mut Peekable<IntoIter<Pair<'i>>>, columns: bool) -> Option<Block<'i>> {
    let mut items = Vec::new();
    loop {
        match parts.next()? {
            close if close.as_rule() == Rule::brace_close => return Some(Block { open, items, close, columns }),
            item => items.push(item),
        }
    }
}

fn has_message(part: &Pair<'_>) -> bool {
    part.as_rule() == Rule::facet && part.clone().into_inner().any(|part| part.as_rule() == Rule::otherwise)
}

/// True if an entry has the columns of its block.
fn in_columns(item: &Pair<'_>) -> bool {
    let Some(first) = item.clone().into_inner().next().map(|part| part.as_rule()) else { return false };
    match item.as_rule() {
        Rule::token_entry => !matches!(first, Rule::k_claims | Rule::k_single_use),
        Rule::resource_entry => first != Rule::k_actions,
        Rule::schema_entry => true,
        Rule::attribute | Rule::claim | Rule::mapping_entry | Rule::record_entry | Rule::tagged_case | Rule::route => {
            true
        }
        rule => is_setting(rule),
    }
}

/// True if a comma may follow an entry.
fn takes_comma(item: &Pair<'_>) -> bool {
    let first = item.clone().into_inner().next().map(|part| part.as_rule());
    match item.as_rule() {
        Rule::rate | Rule::attribute | Rule::claim | Rule::mapping_entry | Rule::record_entry => true,
        Rule::schema_entry => first != Some(Rule::accepts),
        Rule::resource_entry => first == Some(Rule::attribute),
        Rule::tagged_case => !ends_with_choice(item.clone()),
        _ => false,
    }
}

/// True if a type ends with `one_of "a", "b"`, which would take a string after a comma as another of its own.
fn ends_with_choice(pair: Pair<'_>) -> bool {
    let mut last = Some(pair);
    while let Some(pair) = last {
        let choice = pair.clone().into_inner().next().is_some_and(|part| part.as_rule() == Rule::k_one_of);
        last = pair.into_inner().last();
        if choice && last.as_ref().is_some_and(|last| last.as_rule() == Rule::string) {
            return true;
        }
    }
    false
}
