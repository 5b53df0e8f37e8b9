//! What stands between two parts of a pair, by their rules alone.

use crate::syntax::format::layout::Gap;
use crate::syntax::parse::Rule;

/// What stands before the `index`th part of `parent`, which is a `next`, and comes after a `before`.
pub(crate) fn gap(parent: Rule, index: usize, before: Rule, next: Rule) -> Gap {
    match (parent, before, next) {
        (_, _, Rule::bracket_close | Rule::paren_close)
        | (_, Rule::bracket_open | Rule::paren_open, _)
        | (_, _, Rule::colon | Rule::question | Rule::paren_open | Rule::arguments)
        | (Rule::pattern | Rule::range | Rule::path, _, _) => Gap::Nothing,
        (Rule::parameter, Rule::colon, _) => Gap::Space,
        (Rule::parameter | Rule::rest, _, _) => Gap::Nothing,

        (_, _, Rule::brace_open) if is_declaration(parent) => Gap::Column(1),
        _ if index == 1 && has_head(parent) => Gap::Column(1),
        (Rule::condition | Rule::permissions, _, Rule::equals) => Gap::Column(1),

        _ if index == 1 && is_setting(parent) => Gap::Cell(1),
        (Rule::attribute | Rule::field | Rule::record_entry | Rule::tagged_case, Rule::colon, _)
        | (Rule::claim | Rule::mapping_entry, _, Rule::equals) => Gap::Cell(1),

        (Rule::route, _, Rule::path) => Gap::Cell(1),
        (Rule::route, _, _) if index < 4 => Gap::Cell(2),
        (Rule::route, _, _) => Gap::Wide,

        (_, Rule::comma, _)
        | (_, _, Rule::facet | Rule::otherwise | Rule::when | Rule::unless | Rule::because | Rule::except) => Gap::Soft,
        _ => Gap::Space,
    }
}

/// What begins with a keyword, and has a block.
fn is_declaration(rule: Rule) -> bool {
    match rule {
        Rule::account | Rule::context | Rule::password | Rule::transport | Rule::csrf => true,
        Rule::condition | Rule::permissions | Rule::secrets => false,
        _ => has_head(rule),
    }
}

/// What has a name, or more, between its keyword and what it says of that.
fn has_head(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::secrets
            | Rule::keys
            | Rule::token
            | Rule::user
            | Rule::provider
            | Rule::resource
            | Rule::condition
            | Rule::permissions
            | Rule::role
            | Rule::scope
            | Rule::tier
            | Rule::limit
            | Rule::cors
            | Rule::headers
            | Rule::cookie
            | Rule::schema
            | Rule::routes
    )
}

/// An entry whose first part says what the rest is for.
pub(crate) fn is_setting(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::keys_entry
            | Rule::token_entry
            | Rule::password_entry
            | Rule::provider_entry
            | Rule::limit_entry
            | Rule::transport_entry
            | Rule::cors_entry
            | Rule::csrf_entry
            | Rule::headers_entry
            | Rule::cookie_entry
            | Rule::check
            | Rule::accepts
    )
}
