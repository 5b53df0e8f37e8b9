//! The `portcullis` program. All file I/O is here: the library works on what it is handed.

mod args;
mod carry;
mod cases;
mod check;
mod decide;
mod documents;
mod error;
mod expect;
mod family;
mod fields;
mod fmt;
mod graph;
mod keys;
mod load;
mod render;
mod sign;
mod test;
mod token;
mod yaml;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use error::Error;

/// The outcome of a run that didn't fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// All is fine, or the request is allowed.
    Fine,
    /// A request was denied, a case failed, or a file isn't formatted.
    Findings,
    /// Something couldn't be used; it has been told already.
    Unusable,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            // Where even this can't be printed there is nobody left to tell.
            let _ = usage.print();
            return if usage.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let outcome = match &cli.command {
        Command::Check(args) => check::run(args, &mut out),
        Command::Decide(args) => decide::run(args, &mut out),
        Command::Test(args) => test::run(args, &mut out),
        Command::Graph(args) => graph::run(args, &mut out),
        Command::Fmt(args) => fmt::run(args, &mut out),
        Command::Token(args) => token::run(args, &mut out),
    };
    match outcome.and_then(|outcome| out.flush().map(|()| outcome).map_err(Error::from)) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Unusable) => ExitCode::from(2),
        Err(error) => {
            error.tell();
            ExitCode::from(2)
        }
    }
}
