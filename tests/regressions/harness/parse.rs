//! Checks of any bytes that are parsed as a policy file.

use portcullis::Source;
use portcullis::syntax::{ERROR_LIMIT, parse};

use super::spans;

/// Panics if a check fails.
pub(crate) fn check(bytes: &[u8]) {
    let sources = [Source::new("fuzz.gate", bytes)];
    let [source] = &sources;
    match parse(0, source) {
        Ok(file) => {
            let all = spans::all_of(&file);
            // At least the names of the policy and of each declaration have spans.
            assert!(all.len() > file.declarations.len() + file.comments.len());
            for span in all {
                spans::stands_in(&sources, span);
            }
            spans::in_order("a declaration", file.declarations.iter().map(|declaration| declaration.span));
            spans::in_order("a comment", file.comments.iter().map(|comment| comment.span));
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "it wasn't read, and nothing is said about it");
            assert!(problems.len() <= ERROR_LIMIT + 1);
            assert!(problems.is_sorted_by_key(|problem| problem.primary.span.start), "{problems:?}");
            for problem in &problems {
                assert!(problem.help.is_some(), "{problem:?}");
                spans::can_be_shown(&sources, problem);
            }
        }
    }
}
