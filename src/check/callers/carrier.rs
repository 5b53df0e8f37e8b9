//! The carriers of tokens. Kinds with one carrier must be distinguishable.

use std::collections::HashSet;

use http::header;
use indexmap::IndexMap;

use crate::check::browser::cookie::cookie_name;
use crate::check::browser::header::header_name;
use crate::check::checker::{Checker, Report};
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::{Carried, Text};
use crate::typed::{KeySet, Proof, Token, TokenCarrier, bare_typ};

/// The carrier of a token; `None` if it has an error.
pub(crate) fn carrier(checker: &Checker<'_>, carried: &Carried) -> Option<TokenCarrier> {
    match carried {
        Carried::Bearer => Some(TokenCarrier::Bearer),
        Carried::Cookie(name) => cookie_name(checker, name).map(TokenCarrier::Cookie),
        Carried::Header(name) => carrier_header(checker, name),
        Carried::Body(field) if field.node.is_empty() => {
            Diagnostic::error("invalid_field", field.span, "a field has a name")
                .report_with(checker, "write the name of the field that holds the token, such as `\"refreshToken\"`");
            None
        }
        Carried::Body(field) => Some(TokenCarrier::Body(field.node.clone())),
    }
}

fn carrier_header(checker: &Checker<'_>, name: &Text) -> Option<TokenCarrier> {
    let header = header_name(checker, name)?;
    let (message, help) = if header == header::AUTHORIZATION {
        ("`Authorization` says how it is to be read", "write `carried bearer`")
    } else if header == header::COOKIE {
        ("`Cookie` holds several values", "write `carried cookie \"NAME\"`")
    } else if header == header::HOST || header == header::ORIGIN || header.as_str().starts_with("sec-") {
        ("this header says something else already", "take a header of your own, such as `x-api-key`")
    } else {
        return Some(TokenCarrier::Header(header.as_str().to_owned()));
    };
    Diagnostic::error("reserved_header", name.span, message).report_with(checker, help);
    None
}

/// The kind of a token is picked once, before it is verified, and never tried in turn: a holder of one
/// kind's key must not get to choose the rules that it is checked by.
pub(crate) fn check_distinguishable(checker: &Checker<'_>, tokens: &Table<Token>) {
    let mut seen: Vec<&TokenCarrier> = Vec::new();
    for token in tokens.iter() {
        if seen.contains(&&token.carrier) {
            continue;
        }
        seen.push(&token.carrier);
        let alike: Vec<&Token> = tokens.iter().filter(|other| other.carrier == token.carrier).collect();
        check_alike(checker, &alike);
    }
}

/// Tokens that one key set verifies must name their kind, whatever their carrier: a token made for one kind would pass for
/// another. A secret serves one kind alone.
pub(crate) fn check_shared_keys(checker: &Checker<'_>, tokens: &Table<Token>) {
    let mut sets: IndexMap<Id<KeySet>, Vec<&Token>> = IndexMap::new();
    for token in tokens.iter() {
        if let Proof::KeySet(_, set) = &token.proof {
            sets.entry(*set).or_default().push(token);
        }
    }
    for alike in sets.into_values() {
        let [first, .., last] = alike.as_slice() else { continue };
        let audiences: Vec<&String> = alike.iter().flat_map(|token| &token.audiences).collect();
        let all_for_somebody = alike.iter().all(|token| !token.audiences.is_empty());
        let disjoint = all_for_somebody && audiences.iter().collect::<HashSet<_>>().len() == audiences.len();
        if !disjoint && !are_apart(&alike) {
            let message = format!("a token made as `{}` can pass for `{}`", first.name, last.name);
            Diagnostic::error("keys_shared", last.span, message)
                .label("the same keys verify both")
                .also(first.span, "the other one")
                .report_with(checker, "give each an `issuer`, a `typ` or an `audience` of its own");
        }
    }
}

/// Tokens that are carried alike.
fn check_alike(checker: &Checker<'_>, alike: &[&Token]) {
    let [first, .., last] = alike else { return };
    if let Some(opaque) = alike.iter().find(|token| token.proof == Proof::Opaque) {
        let other = if std::ptr::eq(*opaque, *first) { last } else { first };
        let message = format!("`{}` and `{}` can't be told apart", first.name, last.name);
        Diagnostic::error("tokens_alike", opaque.span, message)
            .label("an opaque token says nothing about itself")
            .also(other.span, "carried alike")
            .report_with(checker, "carry it in a header or a cookie of its own: `carried header \"x-api-key\"`");
        return;
    }
    if !are_apart(alike) {
        let what = match &first.carrier {
            TokenCarrier::Bearer => "these bearer tokens can't be told apart".to_owned(),
            TokenCarrier::Cookie(name) => format!("these tokens in the cookie `{name}` can't be told apart"),
            TokenCarrier::Header(name) => format!("these tokens in the header `{name}` can't be told apart"),
            TokenCarrier::Body(name) => format!("these tokens in the field `{name}` can't be told apart"),
        };
        Diagnostic::error("tokens_alike", last.span, what)
            .also(first.span, "carried alike")
            .report_with(checker, "give each an `issuer` of its own, or each a `typ` of its own");
    }
}

/// True if each token pins an issuer of its own, or each a `typ`.
fn are_apart(tokens: &[&Token]) -> bool {
    let by = |key: fn(&Token) -> Option<String>| {
        let different: HashSet<String> = tokens.iter().filter_map(|token| key(token)).collect();
        different.len() == tokens.len()
    };
    by(|token| token.issuer.clone()) || by(|token| token.typ.as_deref().map(bare_typ))
}
