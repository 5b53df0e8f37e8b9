//! `test`: the cases beside policies.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use portcullis::decision::Effect;
use portcullis::document::DecisionDocument;
use portcullis::facts::TokenFact;
use portcullis::{Facts, Gate};
use serde_json::Value;

use crate::Outcome;
use crate::args::Test;
use crate::cases::{Case, Cases};
use crate::error::{Error, printable};
use crate::keys::Ring;
use crate::load::{self, Files};

/// The end of a cases file's name, after its policy's.
const SUFFIX: &str = ".cases.yaml";

/// The numbers of cases by result.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    unusable: bool,
}

pub(crate) fn run(args: &Test, out: &mut impl Write) -> Result<Outcome, Error> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for path in &args.paths {
        // One file may be reached by several paths.
        let found = cases_files(path)?.into_iter();
        files.extend(found.filter(|file| seen.insert(fs::canonicalize(file).unwrap_or_else(|_| file.clone()))));
    }
    let mut tally = Tally::default();
    for file in &files {
        match run_file(file, &mut tally, out) {
            Err(error @ Error::Write(_)) => return Err(error),
            // One file that can't be used doesn't keep the others from being run.
            Err(error) => {
                error.tell();
                tally.unusable = true;
            }
            Ok(()) => {}
        }
    }
    if tally.passed + tally.failed == 0 && !tally.unusable {
        let problem = "no cases found".to_owned();
        return Err(Error::Usage { problem, help: "put cases for `X.gate` into `X.cases.yaml` beside it" });
    }
    writeln!(out, "{} passed, {} failed", tally.passed, tally.failed)?;
    Ok(match tally {
        Tally { unusable: true, .. } => Outcome::Unusable,
        Tally { failed: 0, .. } => Outcome::Fine,
        _ => Outcome::Findings,
    })
}

/// The cases files that a path speaks of.
fn cases_files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if load::is_folder(path)? {
        let mut found = Vec::new();
        for folder in load::folders(path)? {
            let entries = load::entries(&folder)?.into_iter();
            found.extend(
                entries.filter(|(entry, is_folder)| !is_folder && stem(entry).is_some()).map(|(entry, _)| entry),
            );
        }
        return Ok(found);
    }
    if stem(path).is_some() {
        return Ok(vec![path.to_owned()]);
    }
    let name = path.file_stem().filter(|_| load::is_policy(path)).map(|stem| stem.to_string_lossy() + SUFFIX);
    match name.map(|name| path.with_file_name(&*name)) {
        Some(cases) if cases.is_file() => Ok(vec![cases]),
        Some(cases) => Err(Error::document(path, format!("has no cases: there is no `{}`", cases.display()))),
        None => Err(Error::document(path, format!("is neither a policy, `.gate`, nor a cases file, `{SUFFIX}`"))),
    }
}

/// The name before `.cases.yaml`.
fn stem(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_suffix(SUFFIX)
}

/// The policy that a cases file is for: the file beside it, or else the policy of that name, which may be several files.
fn policy_of(path: &Path) -> Result<Files, Error> {
    let name = stem(path).unwrap_or_default();
    let file = path.with_file_name(format!("{name}.gate"));
    if file.is_file() {
        return Files::file(&file);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let policy = Files::folder(folder)?.into_iter().find(|policy| policy.name == name);
    policy.ok_or_else(|| Error::document(path, format!("belongs to no policy: there is no `{}`", file.display())))
}

fn run_file(path: &Path, tally: &mut Tally, out: &mut impl Write) -> Result<(), Error> {
    let policy = policy_of(path)?.compile()?;
    let cases = Cases::read(path)?;
    let gate = policy.bind(cases.ring.keys()).map_err(|error| Error::Bind {
        error,
        help: "`defaults.keys` of the cases file is the key ring, or names its file",
    })?;
    let width = cases.cases.len().to_string().len();
    for case in &cases.cases {
        let (number, name, found) = match case {
            Ok(case) => {
                let found = differences(case, &cases.ring, &gate).unwrap_or_else(|problem| vec![problem]);
                (case.number, case.name.as_str(), found)
            }
            Err(case) => (case.number, case.name.as_deref().unwrap_or("(without a name)"), vec![case.problem.clone()]),
        };
        let mark = if found.is_empty() { "ok  " } else { "FAIL" };
        writeln!(out, "{mark} {}  {number:>width$}  {}", policy.name(), printable(name))?;
        for line in &found {
            writeln!(out, "       {}", printable(line))?;
        }
        match found.is_empty() {
            true => tally.passed += 1,
            false => tally.failed += 1,
        }
    }
    Ok(())
}

/// The differences between a case's last decision and the expected one, and then the decision.
fn differences(case: &Case, ring: &Ring, gate: &Gate) -> Result<Vec<String>, String> {
    let mut document = case.request(gate, ring)?;
    let mut decided = Value::Null;
    for round in 1..=case.repeat {
        let entropy = case.entropy(round);
        let effects = {
            let decision = gate.decide(&document.request(Timestamp::UNIX_EPOCH, Some(&entropy)));
            if round == case.repeat {
                let answer = DecisionDocument::new(&decision, gate.policy());
                decided = serde_json::to_value(answer).map_err(|error| error.to_string())?;
            }
            decision.into_effects()
        };
        for effect in effects {
            document.facts = record(document.facts, effect);
        }
    }
    let mut differences = case.expect.differences(&decided);
    if !differences.is_empty() {
        differences.push(summary(&decided));
    }
    Ok(differences)
}

/// Carries out an effect, as a host would.
fn record(facts: Facts, effect: Effect) -> Facts {
    match effect {
        Effect::Bucket { id, state, .. } => facts.with_bucket(id, state),
        Effect::Family { id, state, .. } => facts.with_token(id, Some(TokenFact::Family(state))),
        _ => facts,
    }
}

/// `decided: deny 403, csrf_missing in csrf at article.gate:64:1: there is no token`
fn summary(decided: &Value) -> String {
    let text = |pointer| decided.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let status = decided.get("status").cloned().unwrap_or_default();
    let place = match text("/reason/at") {
        "" => String::new(),
        at => format!(" at {at}"),
    };
    let (verdict, code, stage) = (text("/verdict"), text("/reason/code"), text("/reason/stage"));
    format!("decided: {verdict} {status}, {code} in {stage}{place}: {}", text("/reason/message"))
}
