//! How passwords are hashed: strong enough by OWASP's password storage cheat sheet, and no stronger than a server bears.

use std::collections::HashSet;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::{Span, Spanned};
use crate::syntax::tree::{self, PasswordEntry, Text};

use super::Checker;
use super::entries::Entries;
use super::names::unknown;

const ALGORITHMS: [&str; 3] = ["argon2id", "scrypt", "bcrypt"];
const MIB: u64 = 1024 * 1024;
const MOST_MEMORY: u64 = 1024 * MIB;

/// The least memory of Argon2id in MiB by its iterations, from one of them on.
const ARGON2: [u64; 5] = [46, 19, 12, 9, 7];
/// The least cost of scrypt by its parallelism, from as many on.
const SCRYPT: [(i64, i64); 5] = [(10, 13), (5, 14), (3, 15), (2, 16), (1, 17)];

/// What the block says.
#[derive(Default)]
struct Numbers<'t> {
    memory: Option<&'t Spanned<u64>>,
    iterations: Option<&'t Spanned<i64>>,
    parallelism: Option<&'t Spanned<i64>>,
    cost: Option<&'t Spanned<i64>>,
}

impl Checker<'_> {
    /// The `password` block.
    pub(super) fn password(&mut self) {
        let Some((span, password)) = self.names.password else { return };
        let mut entries = Entries::default();
        let mut algorithm: Option<&Text> = None;
        let mut accepted: &[Text] = &[];
        let mut numbers = Numbers::default();
        for entry in &password.entries {
            if !entries.first(entry_word(&entry.node), entry.span, &mut self.diagnostics) {
                continue;
            }
            match &entry.node {
                PasswordEntry::Algorithm(name) => algorithm = Some(name),
                PasswordEntry::Memory(size) => numbers.memory = Some(size),
                PasswordEntry::Iterations(number) => numbers.iterations = Some(number),
                PasswordEntry::Parallelism(number) => numbers.parallelism = Some(number),
                PasswordEntry::Cost(number) => numbers.cost = Some(number),
                PasswordEntry::Accept(names) => accepted = names,
            }
        }
        let Some(name) = algorithm else {
            self.report(
                Diagnostic::error("incomplete", span, "`password` has no `algorithm`").help("add `algorithm argon2id`"),
            );
            return;
        };
        let known = self.password_hash(name);
        self.accepted_hashes(name, accepted);
        if !known {
            return;
        }
        let own: &[&str] = match name.node.as_str() {
            "argon2id" => &["memory", "iterations", "parallelism"],
            "scrypt" => &["cost", "parallelism"],
            _ => &["cost"],
        };
        if self.foreign_entries(name, own, password) {
            return;
        }
        match name.node.as_str() {
            "argon2id" => self.argon2(name.span, &numbers),
            "scrypt" => self.scrypt(name.span, &numbers),
            _ => self.bcrypt(name, &numbers),
        }
    }

    fn password_hash(&mut self, name: &Text) -> bool {
        let known = ALGORITHMS.contains(&name.node.as_str());
        if !known {
            let error = unknown("unknown_algorithm", "password hash", name, ALGORITHMS.into_iter());
            self.report(error.label("not one that resists guessing"));
        }
        known
    }

    /// Hashes of older algorithms; those of the own one are taken anyway.
    fn accepted_hashes(&mut self, own: &Text, names: &[Text]) {
        let mut seen: HashSet<&str> = HashSet::new();
        for name in names {
            if !self.password_hash(name) {
                continue;
            }
            if name.node == own.node {
                let message = format!("hashes of `{}` are accepted anyway", name.node);
                self.report(
                    Diagnostic::error("accepted_twice", name.span, message)
                        .also(own.span, "what new hashes are made with")
                        .help("take it out: weaker ones of it are renewed at login"),
                );
            } else if !seen.insert(&name.node) {
                self.report(
                    Diagnostic::error("accepted_twice", name.span, format!("`{}` is accepted twice", name.node))
                        .help("name it once"),
                );
            }
        }
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

    fn argon2(&mut self, algorithm: Span, numbers: &Numbers<'_>) {
        let iterations = self.hash_number(numbers.iterations, "iterations", 2, 1..=100);
        let parallelism = self.hash_number(numbers.parallelism, "parallelism", 1, 1..=64);
        let memory = numbers.memory.map_or(19 * MIB, |memory| memory.node);
        if memory > MOST_MEMORY {
            let span = numbers.memory.map_or(algorithm, |memory| memory.span);
            self.hash_out_of_range(span, "memory", "7MiB to 1GiB");
            return;
        }
        let (Some(iterations), Some(_)) = (iterations, parallelism) else { return };
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
        }
    }

    fn scrypt(&mut self, algorithm: Span, numbers: &Numbers<'_>) {
        let parallelism = self.hash_number(numbers.parallelism, "parallelism", 1, 1..=64);
        let cost = self.hash_number(numbers.cost, "cost", 17, 1..=20);
        let (Some(parallelism), Some(cost)) = (parallelism, cost) else { return };
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
        }
    }

    fn bcrypt(&mut self, name: &Text, numbers: &Numbers<'_>) {
        if let Some(cost) = self.hash_number(numbers.cost, "cost", 12, 1..=16)
            && cost < 10
        {
            let span = numbers.cost.map_or(name.span, |cost| cost.span);
            self.report(
                Diagnostic::error("password_too_weak", span, "`bcrypt` needs a cost of at least 10")
                    .label("guessed too fast otherwise")
                    .help("write `cost 12`"),
            );
            return;
        }
        self.report(
            Diagnostic::warning("password_of_old", name.span, "`bcrypt` is for hashes that are there already")
                .label("takes 72 bytes of a password, and little memory to guess")
                .help("write `algorithm argon2id  accept bcrypt`: old hashes are renewed at login"),
        );
    }

    /// A number that the algorithm takes, or the usual one.
    fn hash_number(
        &mut self,
        number: Option<&Spanned<i64>>,
        word: &str,
        usual: i64,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let Some(number) = number else { return Some(usual) };
        if range.contains(&number.node) {
            return Some(number.node);
        }
        self.hash_out_of_range(number.span, word, &format!("{} to {}", range.start(), range.end()));
        None
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
