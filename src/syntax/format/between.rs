//! The white space between two parts of a pair, by their rules alone.

use crate::syntax::format::layout::Gap;
use crate::syntax::parse::Rule;

/// Returns the gap before the part `next` of `parent`, which has the number `index` and follows the part `before`.
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

        _ if index == 1 && is_setting(parent) => Gap::BlockColumn(1),
        (Rule::attribute | Rule::field | Rule::record_entry | Rule::tagged_case, Rule::colon, _)
        | (Rule::claim | Rule::mapping_entry, _, Rule::equals) => Gap::BlockColumn(1),

        (Rule::route, _, Rule::path) => Gap::BlockColumn(1),
        (Rule::route, _, _) if index < 4 => Gap::BlockColumn(2),
        (Rule::route, _, _) => Gap::Wide,

        (_, Rule::comma, _)
        | (_, _, Rule::facet | Rule::otherwise | Rule::when | Rule::unless | Rule::because | Rule::except) => Gap::Soft,
        _ => Gap::Space,
    }
}

/// True for a declaration with a block.
fn is_declaration(rule: Rule) -> bool {
    match rule {
        Rule::account | Rule::context | Rule::password | Rule::transport | Rule::csrf => true,
        Rule::condition | Rule::permissions | Rule::secrets => false,
        _ => has_head(rule),
    }
}

/// True for a declaration with a name after its keyword.
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

/// True for an entry that is a keyword and its values.
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
