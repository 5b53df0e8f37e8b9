//! How passwords are hashed: strong enough by OWASP's password storage cheat sheet, and no stronger than a server bears.

use crate::check::Checker;
use crate::check::entries::Entries;
use crate::check::names::unknown;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::{Span, Spanned};
use crate::password::{
    HashAlgorithm, HashParameters, MOST_BCRYPT_COST, MOST_ITERATIONS, MOST_MEMORY, MOST_PARALLELISM, MOST_SCRYPT_COST,
    PasswordRule,
};
use crate::syntax::tree;
use crate::syntax::tree::{PasswordEntry, Text};

const ALGORITHMS: [&str; 3] = ["argon2id", "scrypt", "bcrypt"];
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The least memory of Argon2id in MiB by its iterations, from one of them on.
const ARGON2: [u64; 5] = [46, 19, 12, 9, 7];
/// The least cost of scrypt by its parallelism, from as many on.
const SCRYPT: [(u32, u32); 5] = [(10, 13), (5, 14), (3, 15), (2, 16), (1, 17)];

/// The block size of scrypt that these are for.
const BLOCK: u32 = 8;

/// What the block says.
#[derive(Default)]
struct PasswordParts<'t> {
    algorithm: Option<&'t Text>,
    accepted: &'t [Text],
    numbers: Numbers<'t>,
}

/// How strong the hash is to be.
#[derive(Default)]
struct Numbers<'t> {
    memory: Option<&'t Spanned<u64>>,
    iterations: Option<&'t Spanned<i64>>,
    parallelism: Option<&'t Spanned<i64>>,
    cost: Option<&'t Spanned<i64>>,
}

impl Checker<'_> {
    /// The `password` block; nothing where there is none, or one with an error.
    pub(crate) fn password(&mut self) -> Option<PasswordRule> {
        let (span, password) = self.names.password?;
        let PasswordParts { algorithm, accepted, numbers } = self.password_parts(password);
        let Some(name) = algorithm else {
            self.report(
                Diagnostic::error("incomplete", span, "`password` has no `algorithm`").help("add `algorithm argon2id`"),
            );
            return None;
        };
        let algorithm = self.password_hash(name);
        let accepted = self.accepted_hashes(name, accepted);
        let algorithm = algorithm?;
        let own: &[&str] = match algorithm {
            HashAlgorithm::Argon2id => &["memory", "iterations", "parallelism"],
            HashAlgorithm::Scrypt => &["cost", "parallelism"],
            HashAlgorithm::Bcrypt => &["cost"],
        };
        if self.foreign_entries(name, own, password) {
            return None;
        }
        let work = match algorithm {
            HashAlgorithm::Argon2id => self.argon2(name.span, &numbers),
            HashAlgorithm::Scrypt => self.scrypt(name.span, &numbers),
            HashAlgorithm::Bcrypt => self.bcrypt(name, &numbers),
        };
        Some(PasswordRule::new(work?, accepted))
    }

    fn password_parts<'t>(&mut self, password: &'t tree::Password) -> PasswordParts<'t> {
        let mut entries = Entries::default();
        let mut parts = PasswordParts::default();
        for entry in &password.entries {
            if !entries.first(entry_word(&entry.node), entry.span, &mut self.diagnostics) {
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

    fn password_hash(&mut self, name: &Text) -> Option<HashAlgorithm> {
        match name.node.as_str() {
            "argon2id" => Some(HashAlgorithm::Argon2id),
            "scrypt" => Some(HashAlgorithm::Scrypt),
            "bcrypt" => Some(HashAlgorithm::Bcrypt),
            _ => {
                let error = unknown("unknown_algorithm", "password hash", name, ALGORITHMS.into_iter());
                self.report(error.label("not one that resists guessing"));
                None
            }
        }
    }

    /// Hashes of older algorithms; those of the own one are taken anyway.
    fn accepted_hashes(&mut self, own: &Text, names: &[Text]) -> Vec<HashAlgorithm> {
        let mut accepted = Vec::new();
        for name in names {
            let Some(algorithm) = self.password_hash(name) else { continue };
            if name.node == own.node {
                let message = format!("hashes of `{}` are accepted anyway", name.node);
                self.report(
                    Diagnostic::error("accepted_twice", name.span, message)
                        .also(own.span, "what new hashes are made with")
                        .help("take it out: weaker ones of it are renewed at login"),
                );
            } else if accepted.contains(&algorithm) {
                self.report(
                    Diagnostic::error("accepted_twice", name.span, format!("`{}` is accepted twice", name.node))
                        .help("name it once"),
                );
            } else {
                accepted.push(algorithm);
            }
        }
        accepted
    }

    fn foreign_entries(&mut self, name: &Text, own: &[&str], password: &tree::Password) -> bool {
        let mut found = false;
        for entry in &password.entries {
            let word = entry_word(&entry.node);
            if own.contains(&word) || matches!(word, "algorithm" | "accept") {
                continue;
            }
            found = true;
            let own: Vec<String> = own.iter().map(|word| format!("`{word}`")).collect();
            self.report(
                Diagnostic::error("password_entry", entry.span, format!("`{}` has no `{word}`", name.node))
                    .also(name.span, "the algorithm")
                    .help(format!("it is set by {}", own.join(", "))),
            );
        }
        found
    }

    fn argon2(&mut self, algorithm: Span, numbers: &Numbers<'_>) -> Option<HashParameters> {
        let iterations = self.hash_number(numbers.iterations, "iterations", 2, MOST_ITERATIONS);
        let parallelism = self.hash_number(numbers.parallelism, "parallelism", 1, MOST_PARALLELISM);
        let memory = numbers.memory.map_or(19 * MIB, |memory| memory.node);
        if memory > MOST_MEMORY {
            let span = numbers.memory.map_or(algorithm, |memory| memory.span);
            self.hash_out_of_range(span, "memory", "7MiB to 1GiB");
            return None;
        }
        let (iterations, parallelism) = (iterations?, parallelism?);
        let row = usize::try_from(iterations - 1).unwrap_or(usize::MAX).min(ARGON2.len() - 1);
        let least = ARGON2.get(row).copied().unwrap_or(46);
        if memory < least * MIB {
            let span = numbers.memory.map(|memory| memory.span).or(numbers.iterations.map(|number| number.span));
            let with = if iterations == 1 { "one iteration".to_owned() } else { format!("{iterations} iterations") };
            self.report(
                Diagnostic::error(
                    "password_too_weak",
                    span.unwrap_or(algorithm),
                    format!("with {with}, `argon2id` needs at least {least}MiB of memory"),
                )
                .label("guessed too fast otherwise")
                .help(format!("write `memory {least}MiB`; a usual choice is `memory 19MiB  iterations 2`")),
            );
            return None;
        }
        // Whole KiB of memory, as Argon2 counts it.
        let memory = u32::try_from(memory / KIB).ok()?;
        Some(HashParameters::Argon2id { memory, iterations, parallelism })
    }

    fn scrypt(&mut self, algorithm: Span, numbers: &Numbers<'_>) -> Option<HashParameters> {
        let parallelism = self.hash_number(numbers.parallelism, "parallelism", 1, MOST_PARALLELISM);
        let cost = self.hash_number(numbers.cost, "cost", 17, MOST_SCRYPT_COST);
        let (parallelism, cost) = (parallelism?, cost?);
        let least = SCRYPT.iter().find(|(from, _)| parallelism >= *from).map_or(17, |(_, least)| *least);
        if cost < least {
            let span = numbers.cost.map_or(algorithm, |cost| cost.span);
            self.report(
                Diagnostic::error(
                    "password_too_weak",
                    span,
                    format!("with a parallelism of {parallelism}, `scrypt` needs a cost of at least {least}"),
                )
                .label("guessed too fast otherwise")
                .help(format!("write `cost {least}`, which is the logarithm of N to the base 2")),
            );
            return None;
        }
        Some(HashParameters::Scrypt { cost, block: BLOCK, parallelism })
    }

    fn bcrypt(&mut self, name: &Text, numbers: &Numbers<'_>) -> Option<HashParameters> {
        let cost = self.hash_number(numbers.cost, "cost", 12, MOST_BCRYPT_COST);
        if cost.is_some_and(|cost| cost < 10) {
            let span = numbers.cost.map_or(name.span, |cost| cost.span);
            self.report(
                Diagnostic::error("password_too_weak", span, "`bcrypt` needs a cost of at least 10")
                    .label("guessed too fast otherwise")
                    .help("write `cost 12`"),
            );
            return None;
        }
        self.report(
            Diagnostic::warning("password_of_old", name.span, "`bcrypt` is for hashes that are there already")
                .label("takes 72 bytes of a password, and little memory to guess")
                .help("write `algorithm argon2id  accept bcrypt`: old hashes are renewed at login"),
        );
        Some(HashParameters::Bcrypt { cost: cost? })
    }

    /// A number that the algorithm takes, or the usual one.
    fn hash_number(&mut self, number: Option<&Spanned<i64>>, word: &str, usual: u32, most: u32) -> Option<u32> {
        let Some(number) = number else { return Some(usual) };
        let taken = u32::try_from(number.node).ok().filter(|taken| (1..=most).contains(taken));
        if taken.is_none() {
            self.hash_out_of_range(number.span, word, &format!("1 to {most}"));
        }
        taken
    }

    fn hash_out_of_range(&mut self, span: Span, word: &str, range: &str) {
        self.report(
            Diagnostic::error("password_out_of_range", span, format!("this `{word}` is out of range"))
                .help(format!("write a value from {range}")),
        );
    }
}

fn entry_word(entry: &PasswordEntry) -> &'static str {
    match entry {
        PasswordEntry::Algorithm(_) => "algorithm",
        PasswordEntry::Memory(_) => "memory",
        PasswordEntry::Iterations(_) => "iterations",
        PasswordEntry::Parallelism(_) => "parallelism",
        PasswordEntry::Cost(_) => "cost",
        PasswordEntry::Accept(_) => "accept",
    }
}
