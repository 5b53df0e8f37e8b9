//! `graph`: the decision graph of one policy.

use std::io::Write;

use crate::Outcome;
use crate::args::{Graph, GraphFormat};
use crate::error::Error;
use crate::load::Files;

pub(crate) fn run(args: &Graph, out: &mut impl Write) -> Result<Outcome, Error> {
    let policy = Files::one(&args.policy)?.compile()?;
    let text = match args.format {
        GraphFormat::Text => policy.graph_text(),
        GraphFormat::Dot => policy.graph_dot(),
    };
    out.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(Outcome::Fine)
}
