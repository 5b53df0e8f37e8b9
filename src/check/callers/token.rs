//! Tokens: the values that each kind pins, and its claims.

use std::collections::HashSet;

use jiff::SignedDuration;

use crate::check::callers::carrier::{carrier, check_distinguishable, check_shared_keys};
use crate::check::callers::proof::{Keys, ProofParts, proof};
use crate::check::checker::Report;
use crate::check::expressions::View;
use crate::check::expressions::typer::Typer;
use crate::check::schemas::value_type::value_type;
use crate::check::settings::{Seen, SeenEntries, stands_twice};
use crate::collections::table::Table;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Spanned;
use crate::syntax::tree;
use crate::syntax::tree::{Expression, Text, TokenEntry};
use crate::typed::{Claim, Expr, Proof, SingleUse, Token, TokenCarrier, Type};

/// Clocks that differ by more are out of order, and a token that should be dead lives on for so long.
const LONGEST_LEEWAY: u64 = 10 * 60 * 1000;
/// A client repeats a request soon; a later one comes from a thief of the token.
const LONGEST_GRACE: u64 = 60 * 1000;
const LONGEST: u64 = 366 * 24 * 60 * 60 * 1000;

/// The claims that the engine itself writes into an issued token (RFC 7519 §4.1).
pub(crate) const OWN_CLAIMS: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// The entries of a token as far as they have been read.
#[derive(Default)]
struct TokenParts<'e> {
    proof: ProofParts<'e>,
    issuer: Option<String>,
    audiences: Vec<String>,
    typ: Option<String>,
    lifetime: Option<SignedDuration>,
    leeway: Option<SignedDuration>,
    single_use: Option<SingleUse>,
    carrier: Option<TokenCarrier>,
    claims: Vec<Claim>,
}

struct TokenChecker<'k, 'c, 't> {
    typer: &'k mut Typer<'c, 't>,
    keys: Keys<'k>,
}

/// One row a declared token, in the order written.
pub(crate) fn tokens(typer: &mut Typer<'_, '_>, keys: Keys<'_>) -> Table<Token> {
    let checker = typer.checker;
    let mut tokens = TokenChecker { typer, keys };
    let mut sound = true;
    let table = checker
        .names
        .tokens
        .values()
        .map(|token| {
            let (token, is_sound) = tokens.token(token);
            sound &= is_sound;
            token
        })
        .collect();
    if sound {
        check_distinguishable(checker, &table);
        check_shared_keys(checker, &table);
    }
    table
}

impl<'t> TokenChecker<'_, '_, 't> {
    /// A token, and whether how it proves itself and travels is sound.
    fn token(&mut self, token: &tree::Token) -> (Token, bool) {
        let mut entries = SeenEntries::default();
        let parts = self.token_parts(token, &mut entries);
        let proof = proof(self.typer.checker, &mut self.keys, token, &parts.proof, &entries);
        let carried = entries.span("carried").is_none() || parts.carrier.is_some();
        if let (Some(span), true, None | Some(TokenCarrier::Bearer | TokenCarrier::Header(_))) =
            (entries.span("single_use"), carried && entries.span("opaque").is_none(), &parts.carrier)
        {
            Diagnostic::error("single_use_everywhere", span, "this token is shown with every request")
                    .report_with(self.typer.checker, "take `single_use` out, or carry it to its own route alone: `carried cookie \"NAME\"` or `carried body \"FIELD\"`");
        }
        let sound = proof.is_some() && carried;
        let token = Token {
            name: token.name.node.clone(),
            span: token.name.span,
            // In a policy with an error, which nobody will bind, any will do.
            proof: proof.unwrap_or(Proof::Opaque),
            issuer: parts.issuer,
            audiences: parts.audiences,
            typ: parts.typ,
            lifetime: parts.lifetime,
            leeway: parts.leeway.unwrap_or(SignedDuration::ZERO),
            single_use: parts.single_use,
            carrier: parts.carrier.unwrap_or(TokenCarrier::Bearer),
            // Known once the blocks of cookies are.
            cookie: None,
            claims: parts.claims,
        };
        (token, sound)
    }

    fn token_parts<'e>(&mut self, token: &'e tree::Token, entries: &mut SeenEntries<'t>) -> TokenParts<'e> {
        let mut parts = TokenParts::default();
        for entry in &token.entries {
            if !entries.first(entry.span, self.typer.checker) {
                continue;
            }
            match &entry.node {
                TokenEntry::Algorithm(names) => parts.proof.algorithms = Some(names),
                TokenEntry::Key(name) => parts.proof.key = Some(name),
                TokenEntry::Keys(name) => parts.proof.keys = Some(name),
                TokenEntry::Issuer(issuer) => parts.issuer = self.pinned(issuer),
                TokenEntry::Audience(audiences) => parts.audiences = self.audiences(audiences),
                TokenEntry::Typ(typ) => parts.typ = self.pinned(typ),
                TokenEntry::Lifetime(lifetime) => parts.lifetime = Some(self.duration(lifetime, 1, LONGEST)),
                TokenEntry::Leeway(leeway) => parts.leeway = Some(self.duration(leeway, 0, LONGEST_LEEWAY)),
                TokenEntry::Carried(carried) => parts.carrier = carrier(self.typer.checker, carried),
                TokenEntry::SingleUse(spent) => parts.single_use = Some(self.single_use(spent, token)),
                TokenEntry::Opaque => {}
                TokenEntry::Claims(claims) => parts.claims = self.claims(claims),
            }
        }
        parts
    }

    /// The single use of a token. An `idle` that isn't shorter than the token's lifetime is an error.
    fn single_use(&mut self, spent: &tree::SingleUse, token: &tree::Token) -> SingleUse {
        let grace = spent.grace.as_ref().map(|grace| self.duration(grace, 1, LONGEST_GRACE));
        let idle = spent.idle.as_ref().map(|idle| (idle, self.duration(idle, 1, LONGEST)));
        let lifetime = token.entries.iter().find_map(|entry| match &entry.node {
            TokenEntry::Lifetime(lifetime) => Some(lifetime),
            _ => None,
        });
        if let (Some((idle, _)), Some(lifetime)) = (idle, lifetime)
            && idle.node >= lifetime.node
        {
            let message = "the token's lifetime is over before it has been idle so long";
            Diagnostic::error("idle_too_long", idle.span, message)
                .also(lifetime.span, "the lifetime of all that a login leads to")
                .report_with(self.typer.checker, "write a shorter `idle`, or take it out");
        }
        SingleUse { grace: grace.unwrap_or(SignedDuration::ZERO), idle: idle.map(|(_, idle)| idle) }
    }

    /// A string that tokens are compared with.
    fn pinned(&mut self, text: &Text) -> Option<String> {
        if text.node.is_empty() {
            Diagnostic::error("nothing_pinned", text.span, "an empty string pins nothing")
                .report_with(self.typer.checker, "write what the tokens say there, or take the entry out");
            return None;
        }
        Some(text.node.clone())
    }

    fn audiences(&mut self, audiences: &[Text]) -> Vec<String> {
        let mut seen: HashSet<&str> = HashSet::new();
        let mut found = Vec::new();
        for audience in audiences {
            if seen.insert(&audience.node) {
                found.extend(self.pinned(audience));
            } else {
                let message = format!("the audience `{}` stands twice", audience.node);
                Diagnostic::error("duplicate_name", audience.span, message)
                    .report_with(self.typer.checker, "keep one of them");
            }
        }
        found
    }

    fn duration(&mut self, milliseconds: &Spanned<u64>, least: u64, longest: u64) -> SignedDuration {
        let within = i64::try_from(milliseconds.node).ok().filter(|_| (least..=longest).contains(&milliseconds.node));
        if within.is_none() {
            let help = match longest {
                LONGEST_GRACE => "write one that is longer than 0 and at most a minute, such as `10s`",
                LONGEST_LEEWAY => "write one of at most 10 minutes, such as `30s`: it is for clocks that differ",
                _ => "write one that is longer than 0 and at most 366 days, such as `15m`",
            };
            Diagnostic::error("duration_out_of_range", milliseconds.span, "this duration is out of range")
                .report_with(self.typer.checker, help);
        }
        within.map_or(SignedDuration::ZERO, SignedDuration::from_millis)
    }

    fn claims(&mut self, claims: &[tree::Claim]) -> Vec<Claim> {
        let mut typed: Vec<Claim> = Vec::new();
        let mut seen = Seen::default();
        for claim in claims {
            let name = &claim.attribute.name;
            let again = |first| stands_twice(&format!("claim `{}`", name.node), first, name.span);
            if !seen.first(name, self.typer.checker, again) {
                continue;
            }
            let ty = value_type(self.typer.checker, self.typer.shapes, &claim.attribute.ty);
            if ["exp", "nbf", "iat"].contains(&name.node.as_str())
                && !matches!(ty, None | Some(Type::Int | Type::Float | Type::Timestamp))
            {
                Diagnostic::error("type_mismatch", claim.attribute.ty.span, format!("`{}` is a time", name.node))
                    .help("leave it out, as every token's times are checked, or give it the type `timestamp` or `int`")
                    .report(self.typer.checker);
            }
            let mut issued = None;
            match (&claim.source, &ty) {
                (Some(source), _) if OWN_CLAIMS.contains(&name.node.as_str()) => {
                    let message = format!("`{}` is written by the engine when it issues the token", name.node);
                    Diagnostic::error("claim_of_the_engine", source.span, message)
                        .report_with(self.typer.checker, "take the `= …` out, or give the claim another name");
                }
                (Some(source), Some(ty)) => issued = self.claim_source(source, ty, claim.attribute.optional),
                _ => {}
            }
            // A claim whose type is in error is kept, so that reading it isn't reported too.
            let ty = ty.unwrap_or(Type::String);
            typed.push(Claim { name: name.node.clone(), ty, optional: claim.attribute.optional, source: issued });
        }
        typed
    }

    /// `= account.x`: checked now, evaluated when tokens are issued.
    fn claim_source(&mut self, source: &Expression, ty: &Type, optional: bool) -> Option<Expr> {
        let view = View::issued();
        let typed = self.typer.expect(source, ty, "the source of this claim", &view)?;
        if !optional {
            self.typer.discharged(source, &typed, &view)?;
        }
        Some(typed.expr)
    }
}
