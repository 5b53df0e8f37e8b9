//! The proof of a token: its algorithms, and the one key or set of keys that goes with them.

use crate::check::callers::secret::Secrets;
use crate::check::checker::{Checker, Report};
use crate::check::settings::{SeenEntries, incomplete, keyword};
use crate::check::suggest::suggest;
use crate::collections::table::Table;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{Text, TokenEntry};
use crate::typed::{HmacAlgorithm, KeySet, Proof, Purpose, SignatureAlgorithm};

/// Every algorithm by its name in a token's header (RFC 7518 §3.1, RFC 8037, RFC 9864).
const ALGORITHMS: [(&str, Algorithm); 13] = [
    ("HS256", Algorithm::Hmac(HmacAlgorithm::Hs256)),
    ("HS384", Algorithm::Hmac(HmacAlgorithm::Hs384)),
    ("HS512", Algorithm::Hmac(HmacAlgorithm::Hs512)),
    ("RS256", Algorithm::Signature(SignatureAlgorithm::Rs256)),
    ("RS384", Algorithm::Signature(SignatureAlgorithm::Rs384)),
    ("RS512", Algorithm::Signature(SignatureAlgorithm::Rs512)),
    ("PS256", Algorithm::Signature(SignatureAlgorithm::Ps256)),
    ("PS384", Algorithm::Signature(SignatureAlgorithm::Ps384)),
    ("PS512", Algorithm::Signature(SignatureAlgorithm::Ps512)),
    ("ES256", Algorithm::Signature(SignatureAlgorithm::Es256)),
    ("ES384", Algorithm::Signature(SignatureAlgorithm::Es384)),
    ("EdDSA", Algorithm::Signature(SignatureAlgorithm::EdDsa)),
    ("Ed25519", Algorithm::Signature(SignatureAlgorithm::EdDsa)),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Hmac(HmacAlgorithm),
    Signature(SignatureAlgorithm),
}

/// The keys that tokens are made and verified with.
pub(crate) struct Keys<'k> {
    pub(crate) secrets: &'k mut Secrets,
    pub(crate) sets: &'k Table<KeySet>,
}

/// The entries of a token that are about its proof.
#[derive(Default)]
pub(crate) struct ProofParts<'e> {
    pub(crate) algorithms: Option<&'e [Text]>,
    pub(crate) key: Option<&'e Text>,
    pub(crate) keys: Option<&'e Text>,
}

/// The proof of a token; `None` if its entries have an error.
pub(crate) fn proof(
    checker: &Checker<'_>,
    keys: &mut Keys<'_>,
    token: &tree::Token,
    parts: &ProofParts<'_>,
    entries: &SeenEntries<'_>,
) -> Option<Proof> {
    if let Some(span) = entries.span("opaque") {
        return opaque(checker, token, span);
    }
    let algorithms = match parts.algorithms {
        Some(names) => algorithms(checker, names),
        None => {
            incomplete(&token.name, "algorithm", "algorithm HS256").report(checker);
            None
        }
    };
    match (parts.key, parts.keys) {
        (Some(key), Some(keys)) => {
            Diagnostic::error("key_and_keys", keys.span, "a token has a `key` or `keys`, not both")
                .also(key.span, "the other one")
                .report_with(checker, "keep `key` for a secret of the key ring, or `keys` for a JWK set");
            None
        }
        (None, None) => {
            let example = match algorithms.as_deref() {
                Some([(_, Algorithm::Signature(_)), ..]) => "keys NAME_OF_A_KEY_SET",
                _ => "key NAME_OF_A_SECRET",
            };
            incomplete(&token.name, "key", example).report(checker);
            None
        }
        (Some(key), None) => by_key(checker, keys.secrets, key, algorithms.as_deref()),
        (None, Some(set)) => by_keys(checker, keys.sets, set, algorithms),
    }
}

/// The host knows an opaque token, so that nothing is to be checked in it.
fn opaque(checker: &Checker<'_>, token: &tree::Token, opaque: Span) -> Option<Proof> {
    let mut sound = true;
    for entry in &token.entries {
        if matches!(entry.node, TokenEntry::Carried(_) | TokenEntry::Opaque | TokenEntry::Claims(_)) {
            continue;
        }
        let what = keyword(entry.span, checker);
        sound = false;
        Diagnostic::error("opaque_token", entry.span, format!("an opaque token has no `{what}`"))
            .also(opaque, "the host knows what it stands for, and until when")
            .report_with(checker, format!("take `{what}` out, or `opaque` for a JWT"));
    }
    sound.then_some(Proof::Opaque)
}

/// RFC 8725 §3.1: a key is for one algorithm.
fn by_key(
    checker: &Checker<'_>,
    secrets: &mut Secrets,
    key: &Text,
    algorithms: Option<&[(&Text, Algorithm)]>,
) -> Option<Proof> {
    let Some(algorithms) = algorithms else {
        // Whether the secret exists is worth a word all the same.
        checker.names.secrets.find(key, &checker.findings);
        return None;
    };
    let [(_, algorithm)] = algorithms else {
        let second = algorithms.get(1).map_or(key.span, |(name, _)| name.span);
        Diagnostic::error("several_algorithms", second, "one key is for one algorithm")
            .also(key.span, "the one key")
            .report_with(checker, "keep one algorithm, or verify with the keys of a JWK set: `keys NAME`");
        return None;
    };
    match algorithm {
        Algorithm::Hmac(algorithm) => {
            Some(Proof::Hmac(*algorithm, secrets.take(key, Purpose::Hmac(*algorithm), checker)?))
        }
        Algorithm::Signature(algorithm) => {
            Some(Proof::KeyPair(*algorithm, secrets.take(key, Purpose::KeyPair(*algorithm), checker)?))
        }
    }
}

fn by_keys(
    checker: &Checker<'_>,
    sets: &Table<KeySet>,
    keys: &Text,
    algorithms: Option<Vec<(&Text, Algorithm)>>,
) -> Option<Proof> {
    let set = checker.names.keys.find(keys, &checker.findings).map(|(row, _)| row);
    let mut signatures = Vec::new();
    for (name, algorithm) in algorithms? {
        match algorithm {
            Algorithm::Signature(algorithm) => signatures.push(algorithm),
            Algorithm::Hmac(_) => {
                let message = format!("`{}` goes by a secret, and a JWK set is public", name.node);
                Diagnostic::error("symmetric_key_set", name.span, message)
                    .also(keys.span, "the set")
                    .help("write `key NAME_OF_A_SECRET`, or an algorithm of key pairs, such as `ES256`")
                    .report(checker);
                return None;
            }
        }
    }
    Some(Proof::KeySet(signatures, sets.id(set?)?))
}

/// The algorithms of a list, each once, and all of one family: a public key must never be taken for a secret.
fn algorithms<'e>(checker: &Checker<'_>, names: &'e [Text]) -> Option<Vec<(&'e Text, Algorithm)>> {
    let mut found: Vec<(&Text, Algorithm)> = Vec::new();
    let errors = checker.findings.count();
    for name in names {
        let Some(algorithm) = algorithm(checker, name) else { continue };
        let is_hmac = |algorithm: Algorithm| matches!(algorithm, Algorithm::Hmac(_));
        if let Some((first, _)) = found.iter().find(|(_, known)| *known == algorithm) {
            let message = match first.node == name.node {
                true => format!("`{}` stands twice", name.node),
                false => format!("`{}` is another name of `{}`", name.node, first.node),
            };
            Diagnostic::error("duplicate_name", name.span, message)
                .also(first.span, "first written here")
                .report_with(checker, "keep one of them");
        } else if let Some((other, _)) = found.iter().find(|(_, known)| is_hmac(*known) != is_hmac(algorithm)) {
            let message = format!("`{}` and `{}` don't go together", other.node, name.node);
            Diagnostic::error("algorithms_mixed", name.span, message)
                .label("one goes by a secret, the other by a key pair")
                .also(other.span, "the other one")
                .help("keep one kind: whoever knows the public key could make tokens with it as the secret")
                .report(checker);
        } else {
            found.push((name, algorithm));
        }
    }
    if checker.findings.count() > errors {
        return None;
    }
    Some(found)
}

fn algorithm(checker: &Checker<'_>, name: &Text) -> Option<Algorithm> {
    let known = || ALGORITHMS.iter().map(|(known, _)| *known);
    let found = ALGORITHMS.iter().find(|(known, _)| *known == name.node).map(|(_, algorithm)| *algorithm);
    if found.is_none() {
        const CHOICE: &str = "write `HS256` for a shared secret, or `ES256` or `EdDSA` for a key pair";
        let none = name.node.eq_ignore_ascii_case("none");
        let message = match none {
            true => "a token without a signature proves nothing".to_owned(),
            false => format!("there is no signature algorithm `{}`", name.node),
        };
        let error = Diagnostic::error("unknown_algorithm", name.span, message);
        let same = known().find(|known| known.eq_ignore_ascii_case(&name.node));
        let meant = same.or_else(|| suggest(&name.node, known())).filter(|_| !none);
        checker.report(match meant {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None => error.help(CHOICE),
        });
    }
    found
}
