//! `decide`: request documents through one policy.

use std::cell::OnceCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use jiff::Timestamp;
use portcullis::document::{DecisionDocument, Document, RequestDocument, RulingDocument};
use portcullis::reason::Code;
use portcullis::{Decision, Gate, Policy, Verdict};
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::args::{Decide, DecideFormat};
use crate::error::{Error, tell};
use crate::keys::Ring;
use crate::load::{Files, MAX_FILE};
use crate::{documents, yaml};

pub(crate) const KEYS_HELP: &str = "give a key ring with `--keys FILE`: a map of each secret's name to one of `text`, \
                                    `base64`, `hex`, `pem`, `jwk`, `env`";

/// The mark that some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(crate) fn run(args: &Decide, out: &mut impl Write) -> Result<Outcome, Error> {
    let many = args.request.extension().is_some_and(|extension| extension == "jsonl");
    if many && args.format == DecideFormat::Yaml {
        let problem = "the decisions of a `.jsonl` file are JSON, one a line".to_owned();
        return Err(Error::Usage { problem, help: "leave out `--format`" });
    }
    let policy = Files::one(&args.policy)?.compile()?;
    let ring = args.keys.as_deref().map(Ring::read).transpose()?.unwrap_or_default();
    let asked = Asked { policy, ring, gate: OnceCell::new() };
    let mut supplied = Supplied::default();
    if many {
        return every_line(&asked, &args.request, &mut supplied, out);
    }
    let document =
        document(documents::read(&args.request)?).map_err(|problem| Error::document(&args.request, problem))?;
    let print = match args.format {
        DecideFormat::Json => Print::Json,
        DecideFormat::Yaml => Print::Yaml,
    };
    asked.answer(&document, &mut supplied, print, out)?.map_err(|problem| Error::document(&args.request, problem))
}

/// A policy, and its gate once a request needs one: whoever asks for a permission alone needs no keys.
struct Asked {
    policy: Policy,
    ring: Ring,
    gate: OnceCell<Gate>,
}

/// The format of answers.
#[derive(Clone, Copy)]
enum Print {
    Json,
    JsonLine,
    Yaml,
}

impl Print {
    fn write(self, answer: &impl Serialize, out: &mut impl Write) -> Result<(), Error> {
        match self {
            Self::Json => serde_json::to_writer_pretty(&mut *out, answer).map_err(std::io::Error::from)?,
            Self::JsonLine => serde_json::to_writer(&mut *out, answer).map_err(std::io::Error::from)?,
            Self::Yaml => {
                let text = yaml::to_string(answer).map_err(std::io::Error::other)?;
                write!(out, "{}", text.trim_end_matches('\n'))?;
            }
        }
        Ok(writeln!(out)?)
    }
}

impl Asked {
    fn gate(&self) -> Result<&Gate, Error> {
        if let Some(gate) = self.gate.get() {
            return Ok(gate);
        }
        let gate = self.policy.bind(self.ring.keys()).map_err(|error| Error::Bind { error, help: KEYS_HELP })?;
        Ok(self.gate.get_or_init(|| gate))
    }

    /// Answers one document. The inner error is what is wrong with the document.
    fn answer(
        &self,
        document: &Document,
        supplied: &mut Supplied,
        print: Print,
        out: &mut impl Write,
    ) -> Result<Result<Outcome, String>, Error> {
        match document {
            Document::Request(request) => {
                let gate = self.gate()?;
                supplied.decide(gate, request, |decision| {
                    print.write(&DecisionDocument::new(decision, gate.policy()), out)?;
                    Ok(Ok(outcome(decision.verdict())))
                })
            }
            Document::Check(check) => {
                let Some(permission) = self.policy.permission(&check.permission) else {
                    return Ok(Err(self.no_permission(&check.permission)));
                };
                let scene = check.scene(&self.policy, supplied.now(check.now));
                let resource = check.resource();
                let ruling = self.policy.check(&scene, permission, resource.as_ref());
                let reasons = self.policy.explain(&scene, permission, resource.as_ref());
                print.write(&RulingDocument::new(ruling, &reasons, &self.policy), out)?;
                Ok(Ok(outcome(ruling.verdict())))
            }
        }
    }

    fn no_permission(&self, name: &str) -> String {
        const SHOWN: usize = 12;
        let known: Vec<&str> = self.policy.permissions().collect();
        let shown = known.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let more = if known.len() > SHOWN { ", …" } else { "" };
        // What isn't a name may be a slip that put something secret there.
        let wrong = if name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c)) {
            format!("no permission `{name}`")
        } else {
            "no such permission".to_owned()
        };
        format!("the policy has {wrong}: it has {shown}{more}")
    }
}

/// Decides line by line, so that a log may be as long as it likes. A bad line is told, and the others are decided all
/// the same.
fn every_line(asked: &Asked, path: &Path, supplied: &mut Supplied, out: &mut impl Write) -> Result<Outcome, Error> {
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
        let answered = match parsed {
            Ok(document) => asked.answer(&document, supplied, Print::JsonLine, out)?,
            Err(problem) => Err(problem),
        };
        let outcome = answered.unwrap_or_else(|problem| {
            Error::document(path, format!("line {number}: {problem}")).tell();
            Outcome::Unusable
        });
        worst = worst.max(outcome);
    }
    Ok(worst)
}

fn document(value: Value) -> Result<Document, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Allow | Verdict::Answer => Outcome::Fine,
        Verdict::Deny => Outcome::Findings,
    }
}

/// The parts that the program has supplied for documents without them. Each is reported once.
#[derive(Debug, Default)]
struct Supplied {
    time: bool,
    entropy: bool,
}

impl Supplied {
    /// The time that a document says, or the system's.
    fn now(&mut self, said: Option<Timestamp>) -> Timestamp {
        let now = said.unwrap_or_else(Timestamp::now);
        if said.is_none() && !std::mem::replace(&mut self.time, true) {
            tell("note", &format!("no `now` in the request: using the system's time, {now}"));
        }
        now
    }

    fn decide<T>(
        &mut self,
        gate: &Gate,
        document: &RequestDocument,
        then: impl FnOnce(&Decision<'_, '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let now = self.now(document.now);
        let mut entropy = Zeroizing::new([0; 32]);
        if document.entropy.is_none() {
            getrandom::fill(entropy.as_mut_slice()).map_err(Error::Entropy)?;
        }
        let request = document.request(now, Some(&entropy));
        let decision = gate.decide(&request);
        // Most decisions issue nothing; whether bytes were drawn for them makes no difference.
        let issues = |code| matches!(code, Code::CsrfIssued | Code::TokensIssued);
        let issued = decision.reasons().first().is_some_and(|reason| issues(reason.code));
        if issued && document.entropy.is_none() && !std::mem::replace(&mut self.entropy, true) {
            tell("note", "no `entropy` in the request: what is issued comes from the system's random bytes");
        }
        then(&decision)
    }
}
