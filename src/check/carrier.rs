//! Where tokens travel, and that kinds which travel alike can be told apart.

use std::collections::HashSet;

use http::header;

use crate::model::diagnostic::Diagnostic;
use crate::model::table::Table;
use crate::syntax::tree::{Carried, Text};

use super::Checker;
use super::typed::{Proof, Token, TokenCarrier, bare_typ};

impl Checker<'_> {
    /// The carrier of a token; `None` where what is said of it is in error.
    pub(super) fn carrier(&mut self, carried: &Carried) -> Option<TokenCarrier> {
        match carried {
            Carried::Bearer => Some(TokenCarrier::Bearer),
            Carried::Cookie(name) => self.cookie_name(name).map(TokenCarrier::Cookie),
            Carried::Header(name) => self.carrier_header(name),
            Carried::Body(field) if field.node.is_empty() => {
                self.report(
                    Diagnostic::error("invalid_field", field.span, "a field has a name")
                        .help("write the name of the field that holds the token, such as `\"refreshToken\"`"),
                );
                None
            }
            Carried::Body(field) => Some(TokenCarrier::Body(field.node.clone())),
        }
    }

    fn carrier_header(&mut self, name: &Text) -> Option<TokenCarrier> {
        let header = self.header_name(name)?;
        let (message, help) = if header == header::AUTHORIZATION {
            ("`Authorization` says how it is to be read", "write `carried bearer`")
        } else if header == header::COOKIE {
            ("`Cookie` holds several values", "write `carried cookie \"NAME\"`")
        } else if header == header::HOST || header == header::ORIGIN || header.as_str().starts_with("sec-") {
            ("this header says something else already", "take a header of your own, such as `x-api-key`")
        } else {
            return Some(TokenCarrier::Header(header.as_str().to_owned()));
        };
        self.report(Diagnostic::error("reserved_header", name.span, message).help(help));
        None
    }

    /// The kind of a token is picked once, before it is verified, and never tried in turn: whoever holds one
    /// kind's key must not get to choose the rules that it is checked by.
    pub(super) fn tell_apart(&mut self, tokens: &Table<Token>) {
        let mut seen: Vec<&TokenCarrier> = Vec::new();
        for token in tokens.iter() {
            if seen.contains(&&token.carrier) {
                continue;
            }
            seen.push(&token.carrier);
            let alike: Vec<&Token> = tokens.iter().filter(|other| other.carrier == token.carrier).collect();
            self.tell_these_apart(&alike);
        }
    }

    /// Tokens that are carried alike.
    fn tell_these_apart(&mut self, alike: &[&Token]) {
        let [first, .., last] = alike else { return };
        if let Some(opaque) = alike.iter().find(|token| token.proof == Proof::Opaque) {
            let other = if std::ptr::eq(*opaque, *first) { last } else { first };
            let message = format!("`{}` and `{}` can't be told apart", first.name, last.name);
            self.report(
                Diagnostic::error("tokens_alike", opaque.span, message)
                    .label("an opaque token says nothing about itself")
                    .also(other.span, "carried alike")
                    .help("carry it in a header or a cookie of its own: `carried header \"x-api-key\"`"),
            );
            return;
        }
        let apart = |key: fn(&Token) -> Option<String>| {
            let different: HashSet<String> = alike.iter().filter_map(|token| key(token)).collect();
            different.len() == alike.len()
        };
        if !apart(|token| token.issuer.clone()) && !apart(|token| token.typ.as_deref().map(bare_typ)) {
            let what = match &first.carrier {
                TokenCarrier::Bearer => "these bearer tokens can't be told apart".to_owned(),
                TokenCarrier::Cookie(name) => format!("these tokens in the cookie `{name}` can't be told apart"),
                TokenCarrier::Header(name) => format!("these tokens in the header `{name}` can't be told apart"),
                TokenCarrier::Body(name) => format!("these tokens in the field `{name}` can't be told apart"),
            };
            self.report(
                Diagnostic::error("tokens_alike", last.span, what)
                    .also(first.span, "carried alike")
                    .help("give each an `issuer` of its own, or each a `typ` of its own"),
            );
        }
    }
}
