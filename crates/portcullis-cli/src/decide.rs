//! `decide`: request documents through one policy.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use jiff::Timestamp;
use portcullis::document::{DecisionDocument, RequestDocument};
use portcullis::{Code, Decision, Gate, Verdict};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::args::{Decide, DecideFormat};
use crate::error::{Error, tell};
use crate::keys::Ring;
use crate::load::{Files, MAX_FILE};
use crate::{documents, yaml};

const KEYS_HELP: &str =
    "give a key ring with `--keys FILE`: a map of each secret's name to one of `text`, `base64`, `hex`, `jwk`, `env`";

/// What some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(crate) fn run(args: &Decide, out: &mut impl Write) -> Result<Outcome, Error> {
    let many = args.request.extension().is_some_and(|extension| extension == "jsonl");
    if many && args.format == DecideFormat::Yaml {
        let problem = "the decisions of a `.jsonl` file are JSON, one a line".to_owned();
        return Err(Error::Usage { problem, help: "leave out `--format`" });
    }
    let policy = Files::one(&args.policy)?.compile()?;
    let ring = args.keys.as_deref().map(Ring::read).transpose()?;
    let gate = policy
        .bind(&ring.as_ref().map(Ring::keys).unwrap_or_default())
        .map_err(|error| Error::Bind { error, help: KEYS_HELP })?;
    let mut supplied = Supplied::default();
    if many {
        return every_line(&gate, &args.request, &mut supplied, out);
    }
    let document =
        document(documents::read(&args.request)?).map_err(|problem| Error::document(&args.request, problem))?;
    supplied.decide(&gate, &document, |decision| {
        let answer = DecisionDocument::new(decision, gate.policy());
        match args.format {
            DecideFormat::Json => {
                serde_json::to_writer_pretty(&mut *out, &answer).map_err(std::io::Error::from)?;
                writeln!(out)?;
            }
            DecideFormat::Yaml => {
                let text = yaml::to_string(&answer).map_err(std::io::Error::other)?;
                writeln!(out, "{}", text.trim_end_matches('\n'))?;
            }
        }
        Ok(outcome(decision))
    })
}

/// Decides line by line, so that a log may be as long as it likes. A bad line is told, and the others are decided all
/// the same.
fn every_line(gate: &Gate, path: &Path, supplied: &mut Supplied, out: &mut impl Write) -> Result<Outcome, Error> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    let mut lines = BufReader::new(File::open(path).map_err(fail)?);
    let mut worst = Outcome::Fine;
    for number in 1_u64.. {
        let mut line = Zeroizing::new(Vec::new());
        if lines.by_ref().take(MAX_FILE).read_until(b'\n', &mut line).map_err(fail)? == 0 {
            break;
        }
        if u64::try_from(line.len()).is_ok_and(|length| length == MAX_FILE) && !line.ends_with(b"\n") {
            return Err(Error::document(path, format!("line {number} is longer than {MAX_FILE} bytes")));
        }
        let bytes = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| number == 1).unwrap_or(&line);
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let parsed = std::str::from_utf8(bytes)
            .map_err(|_| "isn't UTF-8".to_owned())
            // Without the end of the line, or what is missing at it would be missing on the next.
            .and_then(|text| documents::parse_json(text.trim_end()).map_err(|problem| problem.in_one_line()))
            .and_then(document);
        let outcome = match parsed {
            Ok(document) => supplied.decide(gate, &document, |decision| {
                let answer = DecisionDocument::new(decision, gate.policy());
                serde_json::to_writer(&mut *out, &answer).map_err(std::io::Error::from)?;
                writeln!(out)?;
                Ok(outcome(decision))
            })?,
            Err(problem) => {
                Error::document(path, format!("line {number}: {problem}")).tell();
                Outcome::Unusable
            }
        };
        worst = worst.max(outcome);
    }
    Ok(worst)
}

fn document(value: Value) -> Result<RequestDocument, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn outcome(decision: &Decision<'_>) -> Outcome {
    match decision.verdict {
        Verdict::Allow | Verdict::Answer => Outcome::Fine,
        Verdict::Deny => Outcome::Findings,
    }
}

/// What the program supplied where documents had none; each is told once.
#[derive(Debug, Default)]
struct Supplied {
    time: bool,
    entropy: bool,
}

impl Supplied {
    fn decide<T>(
        &mut self,
        gate: &Gate,
        document: &RequestDocument,
        then: impl FnOnce(&Decision<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let now = Timestamp::now();
        if document.now.is_none() && !std::mem::replace(&mut self.time, true) {
            tell("note", &format!("no `now` in the request: using the system's time, {now}"));
        }
        let mut entropy = Zeroizing::new([0; 32]);
        if document.entropy.is_none() {
            getrandom::fill(entropy.as_mut_slice()).map_err(Error::Entropy)?;
        }
        let request = document.request(now, Some(&entropy));
        let decision = gate.decide(&request);
        // Most decisions issue nothing; whether bytes were drawn for them makes no difference.
        let issued = decision.reasons.first().is_some_and(|reason| reason.code == Code::CsrfIssued);
        if issued && document.entropy.is_none() && !std::mem::replace(&mut self.entropy, true) {
            tell("note", "no `entropy` in the request: what is issued comes from the system's random bytes");
        }
        then(&decision)
    }
}
