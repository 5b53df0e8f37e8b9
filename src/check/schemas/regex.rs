//! Regexes: in linear time, of bounded size.

use regex::{Regex, RegexBuilder};

use crate::check::Checker;
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::Text;

/// A compiled regex may take so many bytes; and a policy may have so many of them.
const REGEX_BYTES: usize = 256 * 1024;
const MOST_REGEXES: usize = 1_000;

impl Checker<'_> {
    /// The regex that a pattern stands for. The same pattern is compiled once.
    pub(crate) fn compiled(&mut self, pattern: &Text) -> Option<Regex> {
        if let Some(known) = self.regexes.get(&pattern.node) {
            return known.clone();
        }
        if self.regexes.len() > MOST_REGEXES {
            return None;
        }
        if self.regexes.len() == MOST_REGEXES {
            self.regexes.insert(pattern.node.clone(), None);
            self.report(
                Diagnostic::error(
                    "too_many_regexes",
                    pattern.span,
                    format!("a policy may have at most {MOST_REGEXES} regexes"),
                )
                .help("share schemas and conditions that are alike"),
            );
            return None;
        }
        let built = RegexBuilder::new(&pattern.node).size_limit(REGEX_BYTES).dfa_size_limit(REGEX_BYTES).build();
        let regex = match built {
            Ok(regex) => Some(regex),
            Err(regex::Error::CompiledTooBig(_)) => {
                self.report(
                    Diagnostic::error("invalid_regex", pattern.span, "the regex is too large once compiled")
                        .help("use smaller repetitions, or `min` and `max` for lengths"),
                );
                None
            }
            Err(error) => {
                // The last line of the crate's message says what is wrong; the ones before draw the pattern.
                let told = error.to_string();
                let why = told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.report(
                    Diagnostic::error("invalid_regex", pattern.span, format!("the regex isn't valid: {why}")).help(
                        "the syntax is that of the `regex` crate: linear time, no look-around, no back-references",
                    ),
                );
                None
            }
        };
        self.regexes.insert(pattern.node.clone(), regex.clone());
        regex
    }
}
