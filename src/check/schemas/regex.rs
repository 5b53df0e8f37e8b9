//! Regexes: in linear time, of bounded size.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use crate::check::checker::{Checker, Report};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::Text;

/// The most bytes of a compiled regex.
const REGEX_BYTES: usize = 256 * 1024;
/// The most regexes of a policy.
const MOST_REGEXES: usize = 1_000;

/// Compiled regexes by their patterns; nothing for a pattern with an error.
#[derive(Default)]
pub(crate) struct Regexes {
    compiled: HashMap<String, Option<Regex>>,
}

impl Regexes {
    /// Returns the regex of a pattern. The same pattern is compiled once.
    pub(crate) fn compile(&mut self, pattern: &Text, checker: &Checker<'_>) -> Option<Regex> {
        if let Some(known) = self.compiled.get(&pattern.node) {
            return known.clone();
        }
        if self.compiled.len() > MOST_REGEXES {
            return None;
        }
        let regex = if self.compiled.len() == MOST_REGEXES {
            let message = format!("a policy may have at most {MOST_REGEXES} regexes");
            Diagnostic::error("too_many_regexes", pattern.span, message)
                .report_with(checker, "share schemas and conditions that are alike");
            None
        } else {
            compile(pattern, checker)
        };
        self.compiled.insert(pattern.node.clone(), regex.clone());
        regex
    }
}

fn compile(pattern: &Text, checker: &Checker<'_>) -> Option<Regex> {
    let built = RegexBuilder::new(&pattern.node).size_limit(REGEX_BYTES).dfa_size_limit(REGEX_BYTES).build();
    let report = |message: &str, help: &str| {
        Diagnostic::error("invalid_regex", pattern.span, message).report_with(checker, help);
    };
    match &built {
        Ok(_) => {}
        Err(regex::Error::CompiledTooBig(_)) => {
            report("the regex is too large once compiled", "use smaller repetitions, or `min` and `max` for lengths");
        }
        Err(error) => {
            // The last line of the crate's message says what is wrong; the ones before draw the pattern.
            let message = error.to_string();
            let why = message.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let help = "the syntax is that of the `regex` crate: linear time, no look-around, no back-references";
            report(&format!("the regex isn't valid: {why}"), help);
        }
    }
    built.ok()
}
