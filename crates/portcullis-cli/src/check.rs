//! `check`: everything that the compiler has to say about policies.

use std::io::Write;

use portcullis::Policy;
use portcullis::diagnostic::{Diagnostic, Severity};

use crate::Outcome;
use crate::args::{Check, CheckFormat};
use crate::error::Error;
use crate::load::Files;
use crate::render::{self, Finding};

pub(crate) fn run(args: &Check, out: &mut impl Write) -> Result<Outcome, Error> {
    let mut outcome = Outcome::Fine;
    let mut findings = Vec::new();
    for path in &args.paths {
        // One path that can't be read doesn't keep the others from being checked.
        let policies = Files::under(path).unwrap_or_else(|error| {
            error.tell();
            outcome = Outcome::Unusable;
            Vec::new()
        });
        for files in &policies {
            let compiled = Policy::compile(&files.sources);
            let diagnostics = match &compiled {
                Ok(policy) => policy.warnings(),
                Err(error) => error.diagnostics(),
            };
            if compiled.is_err() {
                outcome = Outcome::Unusable;
            }
            match args.format {
                CheckFormat::Human => {
                    render::human(files, diagnostics);
                    writeln!(out, "{}: {}", files.name, summary(diagnostics))?;
                }
                CheckFormat::Json => findings.extend(diagnostics.iter().map(|found| Finding::new(files, found))),
            }
        }
    }
    if let CheckFormat::Json = args.format {
        serde_json::to_writer_pretty(&mut *out, &findings).map_err(std::io::Error::from)?;
        writeln!(out)?;
    }
    Ok(outcome)
}

/// `2 errors, 1 warning`
fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let errors = match count(Severity::Error) {
        0 => "no errors".to_owned(),
        1 => "1 error".to_owned(),
        many => format!("{many} errors"),
    };
    match count(Severity::Warning) {
        0 => errors,
        1 => format!("{errors}, 1 warning"),
        many => format!("{errors}, {many} warnings"),
    }
}
