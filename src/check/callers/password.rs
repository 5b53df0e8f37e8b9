//! The hashing of passwords: strong enough by OWASP's password storage cheat sheet, and no stronger than a server bears.

use crate::check::checker::{Checker, Report};
use crate::check::settings::{SeenEntries, incomplete_block, keyword};
use crate::check::suggest::unknown;
use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::{Keyword as _, PasswordAlgorithm};
use crate::model::source::{Span, Spanned};
use crate::password::{
    HashParameters, MOST_BCRYPT_COST, MOST_ITERATIONS, MOST_MEMORY, MOST_PARALLELISM, MOST_SCRYPT_COST, PasswordRule,
};
use crate::syntax::tree;
use crate::syntax::tree::{PasswordEntry, Text, Word};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The least memory of Argon2id in MiB by its iterations, from one of them on.
const ARGON2: [u64; 5] = [46, 19, 12, 9, 7];
/// The least cost of scrypt by its parallelism, from as many on.
const SCRYPT: [(u32, u32); 5] = [(10, 13), (5, 14), (3, 15), (2, 16), (1, 17)];

/// The block size of scrypt that these are for.
const BLOCK: u32 = 8;

/// The entries of the block.
#[derive(Default)]
struct PasswordParts<'t> {
    algorithm: Option<&'t Word<PasswordAlgorithm>>,
    accepted: &'t [Word<PasswordAlgorithm>],
    numbers: Numbers<'t>,
}

/// The strength of the hash.
#[derive(Default)]
struct Numbers<'t> {
    memory: Option<&'t Spanned<u64>>,
    iterations: Option<&'t Spanned<i64>>,
    parallelism: Option<&'t Spanned<i64>>,
    cost: Option<&'t Spanned<i64>>,
}

/// The `password` block; nothing where there is none, or one with an error.
pub(crate) fn password(checker: &Checker<'_>) -> Option<PasswordRule> {
    let (span, password) = checker.names.password?;
    let PasswordParts { algorithm, accepted, numbers } = password_parts(checker, password);
    let Some(word) = algorithm else {
        incomplete_block(span, "password", "algorithm", "algorithm argon2id").report(checker);
        return None;
    };
    let name = &word.text;
    let algorithm = password_hash(checker, word);
    let accepted = accepted_hashes(checker, name, accepted);
    let algorithm = algorithm?;
    let own: &[&str] = match algorithm {
        PasswordAlgorithm::Argon2id => &["memory", "iterations", "parallelism"],
        PasswordAlgorithm::Scrypt => &["cost", "parallelism"],
        PasswordAlgorithm::Bcrypt => &["cost"],
    };
    if foreign_entries(checker, name, own, password) {
        return None;
    }
    let work = match algorithm {
        PasswordAlgorithm::Argon2id => argon2(checker, name.span, &numbers),
        PasswordAlgorithm::Scrypt => scrypt(checker, name.span, &numbers),
        PasswordAlgorithm::Bcrypt => bcrypt(checker, name, &numbers),
    };
    Some(PasswordRule::new(work?, accepted))
}

fn password_parts<'t>(checker: &Checker<'t>, password: &'t tree::Password) -> PasswordParts<'t> {
    let mut entries = SeenEntries::default();
    let mut parts = PasswordParts::default();
    for entry in &password.entries {
        if !entries.first(entry.span, checker) {
            continue;
        }
        match &entry.node {
            PasswordEntry::Algorithm(name) => parts.algorithm = Some(name),
            PasswordEntry::Memory(size) => parts.numbers.memory = Some(size),
            PasswordEntry::Iterations(number) => parts.numbers.iterations = Some(number),
            PasswordEntry::Parallelism(number) => parts.numbers.parallelism = Some(number),
            PasswordEntry::Cost(number) => parts.numbers.cost = Some(number),
            PasswordEntry::Accept(names) => parts.accepted = names,
        }
    }
    parts
}

fn password_hash(checker: &Checker<'_>, word: &Word<PasswordAlgorithm>) -> Option<PasswordAlgorithm> {
    if word.keyword.is_none() {
        unknown("unknown_algorithm", "password hash", &word.text, PasswordAlgorithm::words())
            .label("not one that resists guessing")
            .report(checker);
    }
    word.keyword
}

/// Hashes of older algorithms; those of the own one are taken anyway.
fn accepted_hashes(checker: &Checker<'_>, own: &Text, words: &[Word<PasswordAlgorithm>]) -> Vec<PasswordAlgorithm> {
    let mut accepted = Vec::new();
    for word in words {
        let Some(algorithm) = password_hash(checker, word) else { continue };
        let name = &word.text;
        if name.node == own.node {
            let message = format!("hashes of `{}` are accepted anyway", name.node);
            Diagnostic::error("accepted_twice", name.span, message)
                .also(own.span, "what new hashes are made with")
                .report_with(checker, "take it out: weaker ones of it are renewed at login");
        } else if accepted.contains(&algorithm) {
            Diagnostic::error("accepted_twice", name.span, format!("`{}` is accepted twice", name.node))
                .report_with(checker, "name it once");
        } else {
            accepted.push(algorithm);
        }
    }
    accepted
}

fn foreign_entries(checker: &Checker<'_>, name: &Text, own: &[&str], password: &tree::Password) -> bool {
    let mut found = false;
    for entry in &password.entries {
        let word = keyword(entry.span, checker);
        if own.contains(&word) || matches!(word, "algorithm" | "accept") {
            continue;
        }
        found = true;
        let own: Vec<String> = own.iter().map(|word| format!("`{word}`")).collect();
        Diagnostic::error("password_entry", entry.span, format!("`{}` has no `{word}`", name.node))
            .also(name.span, "the algorithm")
            .report_with(checker, format!("it is set by {}", own.join(", ")));
    }
    found
}

fn argon2(checker: &Checker<'_>, algorithm: Span, numbers: &Numbers<'_>) -> Option<HashParameters> {
    let iterations = hash_number(checker, numbers.iterations, "iterations", 2, MOST_ITERATIONS);
    let parallelism = hash_number(checker, numbers.parallelism, "parallelism", 1, MOST_PARALLELISM);
    let memory = numbers.memory.map_or(19 * MIB, |memory| memory.node);
    if memory > MOST_MEMORY {
        let span = numbers.memory.map_or(algorithm, |memory| memory.span);
        hash_out_of_range(checker, span, "memory", "7MiB to 1GiB");
        return None;
    }
    let (iterations, parallelism) = (iterations?, parallelism?);
    let row = usize::try_from(iterations - 1).unwrap_or(usize::MAX).min(ARGON2.len() - 1);
    let least = ARGON2.get(row).copied().unwrap_or(46);
    if memory < least * MIB {
        let span = numbers.memory.map(|memory| memory.span).or(numbers.iterations.map(|number| number.span));
        let with = if iterations == 1 { "one iteration".to_owned() } else { format!("{iterations} iterations") };
        let message = format!("with {with}, `argon2id` needs at least {least}MiB of memory");
        Diagnostic::error("password_too_weak", span.unwrap_or(algorithm), message)
            .label("guessed too fast otherwise")
            .report_with(checker, format!("write `memory {least}MiB`; a usual choice is `memory 19MiB  iterations 2`"));
        return None;
    }
    // Whole KiB of memory, as Argon2 counts it.
    let memory = u32::try_from(memory / KIB).ok()?;
    Some(HashParameters::Argon2id { memory, iterations, parallelism })
}

fn scrypt(checker: &Checker<'_>, algorithm: Span, numbers: &Numbers<'_>) -> Option<HashParameters> {
    let parallelism = hash_number(checker, numbers.parallelism, "parallelism", 1, MOST_PARALLELISM);
    let cost = hash_number(checker, numbers.cost, "cost", 17, MOST_SCRYPT_COST);
    let (parallelism, cost) = (parallelism?, cost?);
    let least = SCRYPT.iter().find(|(from, _)| parallelism >= *from).map_or(17, |(_, least)| *least);
    if cost < least {
        let span = numbers.cost.map_or(algorithm, |cost| cost.span);
        let message = format!("with a parallelism of {parallelism}, `scrypt` needs a cost of at least {least}");
        Diagnostic::error("password_too_weak", span, message)
            .label("guessed too fast otherwise")
            .report_with(checker, format!("write `cost {least}`, which is the logarithm of N to the base 2"));
        return None;
    }
    Some(HashParameters::Scrypt { cost, block: BLOCK, parallelism })
}

fn bcrypt(checker: &Checker<'_>, name: &Text, numbers: &Numbers<'_>) -> Option<HashParameters> {
    let cost = hash_number(checker, numbers.cost, "cost", 12, MOST_BCRYPT_COST);
    if cost.is_some_and(|cost| cost < 10) {
        let span = numbers.cost.map_or(name.span, |cost| cost.span);
        Diagnostic::error("password_too_weak", span, "`bcrypt` needs a cost of at least 10")
            .label("guessed too fast otherwise")
            .report_with(checker, "write `cost 12`");
        return None;
    }
    Diagnostic::warning("password_of_old", name.span, "`bcrypt` is for hashes that are there already")
        .label("takes 72 bytes of a password, and little memory to guess")
        .report_with(checker, "write `algorithm argon2id  accept bcrypt`: old hashes are renewed at login");
    Some(HashParameters::Bcrypt { cost: cost? })
}

/// A number that the algorithm takes, or the usual one.
fn hash_number(checker: &Checker<'_>, number: Option<&Spanned<i64>>, word: &str, usual: u32, most: u32) -> Option<u32> {
    let Some(number) = number else { return Some(usual) };
    let taken = u32::try_from(number.node).ok().filter(|taken| (1..=most).contains(taken));
    if taken.is_none() {
        hash_out_of_range(checker, number.span, word, &format!("1 to {most}"));
    }
    taken
}

fn hash_out_of_range(checker: &Checker<'_>, span: Span, word: &str, range: &str) {
    Diagnostic::error("password_out_of_range", span, format!("this `{word}` is out of range"))
        .report_with(checker, format!("write a value from {range}"));
}
