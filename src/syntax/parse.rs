//! Comes in: the text of a file, or of one piece of it. Goes out: pest's pairs, or where pest stopped and what it
//! would have taken there. It never builds a tree: that is `lower`'s work.

use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pairs;

#[derive(pest_derive::Parser)]
#[grammar = "grammar/portcullis.pest"]
struct Grammar;

/// Where the grammar stopped.
#[derive(Debug)]
pub(crate) struct Stop {
    /// The offset in the text given.
    pub(crate) offset: usize,
    /// What would have fitted there.
    pub(crate) expected: Vec<Rule>,
}

/// Which part of a policy a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A file: `policy NAME`, and declarations.
    File,
    /// Declarations alone.
    Declarations,
}

/// Reads `text`, whose brackets must have been counted: the parser recurses through them.
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
