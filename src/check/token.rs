//! Tokens: what each kind pins, and that kinds can be told apart.

use std::collections::{HashMap, HashSet};

use jiff::SignedDuration;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::Table;
use crate::syntax::tree::{self, Carried, Expression, Text, TokenEntry};

use super::Checker;
use super::entries::Entries;
use super::expression::View;
use super::names::{suggest, unsupported};
use super::typed::{Claim, HmacAlgorithm, Secret, Token, TokenCarrier, Type, bare_typ};

const SUPPORTED: [&str; 3] = ["HS256", "HS384", "HS512"];
const KNOWN: [&str; 13] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
    "Ed25519",
];

/// The entries of a token as far as they have been read.
#[derive(Default)]
struct TokenParts<'e> {
    algorithm: Option<HmacAlgorithm>,
    key: Option<&'e Text>,
    issuer: Option<String>,
    audiences: Vec<String>,
    typ: Option<String>,
    lifetime: Option<SignedDuration>,
    leeway: Option<SignedDuration>,
    carrier: Option<TokenCarrier>,
    claims: Vec<Claim>,
}

impl Checker<'_> {
    /// One row a declared token, in the order written.
    pub(super) fn tokens(&mut self) -> Table<Token> {
        let declared: Vec<&tree::Token> = self.names.tokens.iter().map(|(_, token)| *token).collect();
        let errors = self.diagnostics.len();
        let tokens = declared.into_iter().map(|token| self.token(token)).collect();
        if self.diagnostics.len() == errors {
            self.tell_apart(&tokens);
        }
        tokens
    }

    fn token(&mut self, token: &tree::Token) -> Token {
        let parts = self.token_parts(token);
        let algorithm = parts.algorithm.unwrap_or(HmacAlgorithm::Hs256);
        let secret = match parts.key {
            Some(key) => self.secret(key, algorithm),
            None => {
                let by_other_means = |entry: &TokenEntry| matches!(entry, TokenEntry::Keys(_) | TokenEntry::Opaque);
                if !token.entries.iter().any(|entry| by_other_means(&entry.node)) {
                    self.report(incomplete(&token.name, "key", "key NAME_OF_A_SECRET"));
                }
                None
            }
        };
        Token {
            name: token.name.node.clone(),
            span: token.name.span,
            algorithm,
            // In a policy with an error, which nobody will bind, any row will do.
            secret: secret.unwrap_or_else(|| self.secrets.push(Secret { name: String::new(), used: None })),
            issuer: parts.issuer,
            audiences: parts.audiences,
            typ: parts.typ,
            lifetime: parts.lifetime,
            leeway: parts.leeway.unwrap_or(SignedDuration::ZERO),
            carrier: parts.carrier.unwrap_or(TokenCarrier::Bearer),
            claims: parts.claims,
        }
    }

    fn token_parts<'e>(&mut self, token: &'e tree::Token) -> TokenParts<'e> {
        let mut parts = TokenParts::default();
        let mut entries = Entries::default();
        let mut single_use = None;
        for entry in &token.entries {
            let word = entry_word(&entry.node);
            if !entries.first(word, entry.span, &mut self.diagnostics) {
                continue;
            }
            match &entry.node {
                TokenEntry::Algorithm(names) => parts.algorithm = self.algorithm(names, entry.span),
                TokenEntry::Key(name) => parts.key = Some(name),
                TokenEntry::Issuer(issuer) => parts.issuer = Some(issuer.node.clone()),
                TokenEntry::Audience(audiences) => {
                    parts.audiences = audiences.iter().map(|audience| audience.node.clone()).collect();
                }
                TokenEntry::Typ(typ) => parts.typ = Some(typ.node.clone()),
                TokenEntry::Lifetime(lifetime) => parts.lifetime = Some(self.duration(lifetime, 1)),
                TokenEntry::Leeway(leeway) => parts.leeway = Some(self.duration(leeway, 0)),
                TokenEntry::Carried(carried) => match carried {
                    Carried::Bearer => parts.carrier = Some(TokenCarrier::Bearer),
                    Carried::Body(field) => parts.carrier = Some(TokenCarrier::Body(field.node.clone())),
                    Carried::Cookie(name) => {
                        parts.carrier = Some(TokenCarrier::Cookie(name.node.clone()));
                        self.report(unsupported(entry.span, "`carried cookie`"));
                    }
                    Carried::Header(name) => {
                        parts.carrier = Some(TokenCarrier::Header(name.node.clone()));
                        self.report(unsupported(entry.span, "`carried header`"));
                    }
                },
                // What single use asks for happens at rotation; a bearer token isn't rotated.
                TokenEntry::SingleUse(_) => single_use = Some(entry.span),
                TokenEntry::Claims(claims) => parts.claims = self.claims(claims),
                TokenEntry::Keys(_) => self.report(unsupported(entry.span, "`keys`")),
                TokenEntry::Opaque => self.report(unsupported(entry.span, "`opaque`")),
            }
        }
        if entries.span("algorithm").is_none() {
            self.report(incomplete(&token.name, "algorithm", "algorithm HS256"));
        }
        if let (Some(span), None | Some(TokenCarrier::Bearer)) = (single_use, &parts.carrier) {
            self.report(unsupported(span, "`single_use` on a bearer token"));
        }
        parts
    }

    fn algorithm(&mut self, names: &[Text], span: Span) -> Option<HmacAlgorithm> {
        let [name] = names else {
            self.report(unsupported(span, "more than one algorithm"));
            return None;
        };
        match name.node.as_str() {
            "HS256" => Some(HmacAlgorithm::Hs256),
            "HS384" => Some(HmacAlgorithm::Hs384),
            "HS512" => Some(HmacAlgorithm::Hs512),
            other if KNOWN.contains(&other) => {
                let error = unsupported(name.span, &format!("the algorithm `{other}`"));
                self.report(error.help("this version verifies `HS256`, `HS384` and `HS512`"));
                None
            }
            "none" => {
                let error =
                    Diagnostic::error("unknown_algorithm", name.span, "a token without a signature proves nothing");
                self.report(error.help("write `HS256`, `HS384` or `HS512`"));
                None
            }
            other => {
                let message = format!("there is no signature algorithm `{other}`");
                let error = Diagnostic::error("unknown_algorithm", name.span, message);
                self.report(match suggest(&other.to_ascii_uppercase(), SUPPORTED.into_iter()) {
                    Some(meant) => error.help(format!("did you mean `{meant}`?")),
                    None => error.help("write `HS256`, `HS384` or `HS512`"),
                });
                None
            }
        }
    }

    fn duration(&mut self, milliseconds: &tree::Spanned<u64>, least: u64) -> SignedDuration {
        const LONGEST: u64 = 366 * 24 * 60 * 60 * 1000;
        let within = i64::try_from(milliseconds.node).ok().filter(|_| (least..=LONGEST).contains(&milliseconds.node));
        if within.is_none() {
            self.report(
                Diagnostic::error("duration_out_of_range", milliseconds.span, "this duration is out of range")
                    .help("write one that is longer than 0 and at most 366 days, such as `15m`"),
            );
        }
        within.map_or(SignedDuration::ZERO, SignedDuration::from_millis)
    }

    fn claims(&mut self, claims: &[tree::Claim]) -> Vec<Claim> {
        let mut typed: Vec<Claim> = Vec::new();
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for claim in claims {
            let name = &claim.attribute.name;
            if let Some(first) = seen.insert(&name.node, name.span) {
                let error =
                    Diagnostic::error("duplicate_name", name.span, format!("claim `{}` stands twice", name.node))
                        .also(first, "first written here")
                        .help("keep one of them");
                self.report(error);
                continue;
            }
            let ty = self.value_type(&claim.attribute.ty);
            if ["exp", "nbf", "iat"].contains(&name.node.as_str())
                && !matches!(ty, None | Some(Type::Int | Type::Float))
            {
                let error =
                    Diagnostic::error("type_mismatch", claim.attribute.ty.span, format!("`{}` is a time", name.node))
                        .help("leave it out, as every token's times are checked, or give it the type `int`");
                self.report(error);
            }
            if let (Some(source), Some(ty)) = (&claim.source, &ty) {
                self.claim_source(source, ty, claim.attribute.optional);
            }
            // A claim whose type is in error is kept, so that reading it isn't reported too.
            let ty = ty.unwrap_or(Type::String);
            typed.push(Claim { name: name.node.clone(), ty, optional: claim.attribute.optional });
        }
        typed
    }

    /// `= account.x`: checked now, evaluated when tokens are issued.
    fn claim_source(&mut self, source: &Expression, ty: &Type, optional: bool) {
        let view = View::issued();
        let Some(typed) = self.expect(source, ty, "the source of this claim", &view) else { return };
        if !optional {
            self.discharged(source, &typed, &view);
        }
    }

    /// The kind of a token is picked once, before it is verified, and never tried in turn: whoever holds one
    /// kind's key must not get to choose the rules that it is checked by.
    fn tell_apart(&mut self, tokens: &Table<Token>) {
        let bearers: Vec<&Token> = tokens.iter().filter(|token| token.carrier == TokenCarrier::Bearer).collect();
        let apart = |key: fn(&Token) -> Option<String>| {
            let keys: Vec<Option<String>> = bearers.iter().map(|token| key(token)).collect();
            let different: HashSet<&String> = keys.iter().flatten().collect();
            different.len() == bearers.len()
        };
        if bearers.len() > 1
            && !apart(|token| token.issuer.clone())
            && !apart(|token| token.typ.as_deref().map(bare_typ))
            && let [first, .., last] = bearers.as_slice()
        {
            let error = Diagnostic::error("tokens_alike", last.span, "these bearer tokens can't be told apart")
                .also(first.span, "carried alike")
                .help("give each an `issuer` of its own, or each a `typ` of its own");
            self.report(error);
        }
    }
}

fn entry_word(entry: &TokenEntry) -> &'static str {
    match entry {
        TokenEntry::Algorithm(_) => "algorithm",
        TokenEntry::Key(_) => "key",
        TokenEntry::Keys(_) => "keys",
        TokenEntry::Issuer(_) => "issuer",
        TokenEntry::Audience(_) => "audience",
        TokenEntry::Typ(_) => "typ",
        TokenEntry::Lifetime(_) => "lifetime",
        TokenEntry::Leeway(_) => "leeway",
        TokenEntry::Carried(_) => "carried",
        TokenEntry::SingleUse(_) => "single_use",
        TokenEntry::Opaque => "opaque",
        TokenEntry::Claims(_) => "claims",
    }
}

/// A declaration that lacks an entry it can't do without.
pub(super) fn incomplete(name: &Text, entry: &str, example: &str) -> Diagnostic {
    Diagnostic::error("incomplete", name.span, format!("`{}` has no `{entry}`", name.node))
        .help(format!("add `{example}`"))
}
