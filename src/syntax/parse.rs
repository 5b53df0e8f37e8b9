//! Runs the grammar over a file or a piece of it. Returns pest's pairs, or the place where pest stopped.

use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pairs;

#[derive(pest_derive::Parser)]
#[grammar = "grammar/portcullis.pest"]
struct Grammar;

/// The place where the grammar stopped.
#[derive(Debug)]
pub(crate) struct Stop {
    /// The offset in the parsed text.
    pub(crate) offset: usize,
    /// The rules that the grammar tried there.
    pub(crate) expected: Vec<Rule>,
}

/// The part of a policy in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A file: `policy NAME`, and declarations.
    File,
    /// Declarations alone.
    Declarations,
}

/// Parses `text`. Its brackets must have been counted, because the parser recurses through them.
pub(crate) fn parse(part: Part, text: &str) -> Result<Pairs<'_, Rule>, Stop> {
    let rule = match part {
        Part::File => Rule::file,
        Part::Declarations => Rule::declarations,
    };
    Grammar::parse(rule, text).map_err(|error| Stop {
        offset: match error.location {
            InputLocation::Pos(offset) | InputLocation::Span((offset, _)) => offset,
        },
        expected: match error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives,
            ErrorVariant::CustomError { .. } => Vec::new(),
        },
    })
}
