//! `fmt`: policies in their canonical format.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use portcullis::{Source, syntax};

use crate::Outcome;
use crate::args::Fmt;
use crate::error::{Error, printable};
use crate::load::{Files, MAX_FILE};
use crate::render;

/// The name of stdin.
const STDIN: &str = "<stdin>";

pub(crate) fn run(args: &Fmt, out: &mut impl Write) -> Result<Outcome, Error> {
    let mut outcome = Outcome::Fine;
    for path in &args.paths {
        // One path that can't be used doesn't keep the others from being formatted.
        let files = if path == Path::new("-") { stdin() } else { Files::under(path) };
        let files = files.unwrap_or_else(|error| {
            error.tell();
            outcome = Outcome::Unusable;
            Vec::new()
        });
        for file in files.into_iter().flat_map(each) {
            let found = one(&file, args.check, path == Path::new("-"), out).or_else(|error| match error {
                Error::Document { .. } => {
                    error.tell();
                    Ok(Outcome::Unusable)
                }
                error => Err(error),
            })?;
            outcome = outcome.max(found);
        }
    }
    Ok(outcome)
}

/// Formats one file, which stands in `file` alone.
fn one(file: &Files, check: bool, is_stdin: bool, out: &mut impl Write) -> Result<Outcome, Error> {
    let (Some(path), Some(source)) = (file.paths.first(), file.sources.first()) else { return Ok(Outcome::Fine) };
    let formatted = match syntax::format(source) {
        Ok(formatted) => formatted,
        Err(diagnostics) => {
            render::human(file, &diagnostics);
            return Ok(Outcome::Unusable);
        }
    };
    let changed = formatted != source.text();
    if is_stdin && !check {
        out.write_all(formatted.as_bytes())?;
    } else if changed && check {
        hint(path, source.text(), &formatted, out)?;
        return Ok(Outcome::Findings);
    } else if changed {
        replace(path, &formatted).map_err(|problem| Error::document(path, format!("can't be written: {problem}")))?;
        writeln!(out, "{}", printable(&path.to_string_lossy()))?;
    }
    Ok(Outcome::Fine)
}

/// Says that a file would change, and shows the first line that does.
fn hint(path: &Path, before: &str, after: &str, out: &mut impl Write) -> Result<(), Error> {
    // Other than `lines`, this sees carriage returns and a line break that is missing at the end.
    let mut old = before.split('\n');
    let mut new = after.split('\n');
    let mut line = 1;
    let (old, new) = loop {
        match (old.next(), new.next()) {
            (old, new) if old == new && old.is_some() => line += 1,
            difference => break difference,
        }
    };
    writeln!(out, "{}:{line}: isn't formatted", printable(&path.to_string_lossy()))?;
    for (sign, text) in [('-', old), ('+', new)] {
        if let Some(text) = text {
            writeln!(out, "{}", format!("  {sign} {}", printable(text)).trim_end())?;
        }
    }
    Ok(())
}

/// Puts `text` in the place of a file, all of it or nothing: it is written beside the file, and takes its name.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = fs::canonicalize(path)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_new(&beside, text, &fs::metadata(&path)?).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // Nothing more can be done about what is left over.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, text: &str, like: &fs::Metadata) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(like.permissions())?;
    file.sync_all()
}

fn stdin() -> Result<Vec<Files>, Error> {
    let path = PathBuf::from(STDIN);
    let fail = |source| Error::Read { path: PathBuf::from(STDIN), source };
    let mut bytes = Vec::new();
    io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(fail)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE) {
        return Err(Error::TooLarge { path, limit: MAX_FILE });
    }
    Ok(vec![Files { name: STDIN.to_owned(), paths: vec![path], sources: vec![Source::new(STDIN, bytes)] }])
}

/// The files of a policy, one by one.
fn each(files: Files) -> impl Iterator<Item = Files> {
    let name = files.name;
    files.paths.into_iter().zip(files.sources).map(move |(path, source)| Files {
        name: name.clone(),
        paths: vec![path],
        sources: vec![source],
    })
}
