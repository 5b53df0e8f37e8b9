//! `token`: tokens made, verified and hashed while developing. No message repeats one.

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use portcullis::password::PasswordError;
use portcullis::token::{FamilyState, TokenError, TokenInfo, opaque_token_id};
use portcullis::value::Known;
use portcullis::{Facts, Gate, Policy, document};
use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::args::{OnePolicy, Token, TokenCommand, TokenFormat, TokenHash, TokenIssue, TokenVerify};
use crate::decide::KEYS_HELP;
use crate::error::{Error, tell};
use crate::keys::Ring;
use crate::load::Files;
use crate::{Outcome, documents, family, sign};

pub(crate) fn run(args: &Token, out: &mut impl Write) -> Result<Outcome, Error> {
    match &args.command {
        TokenCommand::Issue(args) => issue(args, out),
        TokenCommand::Verify(args) => verify(args, out),
        TokenCommand::Hash(args) => hash(args, out),
    }
}

/// A token that was made, for programs.
#[derive(Serialize)]
struct Issued {
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<Family>,
}

/// An entry of `facts.tokens`.
#[derive(Serialize)]
struct Family {
    id: String,
    state: FamilyState,
}

fn issue(args: &TokenIssue, out: &mut impl Write) -> Result<Outcome, Error> {
    let (gate, ring) = gate(&args.policy, &args.kind, args.keys.as_deref())?;
    let declared = declared(gate.policy(), &args.kind)?;
    let now = args.now.unwrap_or_else(Timestamp::now);
    let issued = match (&args.account, &args.claims) {
        (Some(account), _) => for_account(&gate, &declared, account, now)?,
        (None, Some(claims)) => of_claims(&declared, &ring, claims, now)?,
        (None, None) => return Err(usage("there is nobody to make a token for", "say whom with `--account FILE`")),
    };
    match args.format {
        TokenFormat::Text => writeln!(out, "{}", issued.token)?,
        TokenFormat::Json => print(&issued, out)?,
    }
    Ok(Outcome::Fine)
}

fn for_account(gate: &Gate, declared: &TokenInfo<'_>, path: &Path, now: Timestamp) -> Result<Issued, Error> {
    let fail = |problem: String| Error::document(path, problem);
    let account = match documents::read(path)? {
        map @ Value::Object(_) => document::facts(json!({ "account": map })),
        _ => return Err(fail("an account is a map of what the policy's `account` declares".to_owned())),
    };
    let facts = account.map_err(|error| fail(error.to_string()))?;
    let Known::Value(account) = facts.account() else { return Err(fail("holds no account".to_owned())) };
    let entropy = random::<32>()?;
    let issued = gate.issue(declared.id, account, now, &entropy).map_err(|error| match error {
        TokenError::Incomplete(problem) => {
            usage(&problem, "the account must have what the token says, and the key ring a key that signs it")
        }
        other => usage(&other.to_string(), "others' tokens are made by others, and opaque ones by the host"),
    })?;
    let family = issued.family.map(|(id, state)| Family { id, state });
    Ok(Issued { token: issued.text, expires: Some(issued.expires), family })
}

/// A token that says what it is told to, also what no route would issue.
fn of_claims(declared: &TokenInfo<'_>, ring: &Ring, claims: &str, now: Timestamp) -> Result<Issued, Error> {
    if declared.algorithms.is_empty() {
        let problem = format!("a token `{}` is opaque: it claims nothing itself", declared.name);
        return Err(usage(
            &problem,
            "make it of random bytes, and name it in `facts.tokens` with `token hash --opaque`",
        ));
    }
    if declared.key_set.is_some() {
        let problem = format!("others sign tokens `{}`, with keys of their own", declared.name);
        return Err(usage(&problem, "in cases, `token.key` names a key pair that stands in for theirs"));
    }
    let claims = match documents::parse_json(claims) {
        Ok(Value::Object(claims)) => claims,
        Ok(_) => return Err(claims_problem("aren't a map")),
        Err(problem) => return Err(claims_problem(&problem.in_one_line())),
    };
    let id = new_id(declared.is_single_use)?;
    let signed = sign::Token::of(declared.name, claims)
        .sign(declared, ring, now, Some(&id))
        .map_err(|problem| usage(&problem, "supply a key that signs on the key ring"))?;
    let family = signed.id().and_then(family::of).filter(|_| declared.is_single_use);
    let family = family.map(|id| Family { id: id.to_owned(), state: family::begin(&signed.text, declared, now) });
    Ok(Issued { expires: end(&signed.claims), family, token: signed.text })
}

fn claims_problem(problem: &str) -> Error {
    let help = "write them as JSON, such as `--claims '{\"sub\": \"u1\"}'`";
    usage(&format!("`--claims` {problem}"), help)
}

/// `jti`: random, and for a `single_use` token its family, a dot, and its own name.
fn new_id(is_single_use: bool) -> Result<String, Error> {
    let name = || random::<16>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes.as_slice()));
    if is_single_use { Ok(format!("{}.{}", name()?, name()?)) } else { name() }
}

fn end(claims: &Map<String, Value>) -> Option<Timestamp> {
    Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}

fn verify(args: &TokenVerify, out: &mut impl Write) -> Result<Outcome, Error> {
    let (gate, _) = gate(&args.policy, &args.kind, args.keys.as_deref())?;
    let declared = declared(gate.policy(), &args.kind)?;
    let facts = match &args.facts {
        Some(path) => {
            document::facts(documents::read(path)?).map_err(|error| Error::document(path, error.to_string()))?
        }
        None => Facts::default(),
    };
    let text = match args.token.as_str() {
        "-" => line("token")?,
        token => Zeroizing::new(token.to_owned()),
    };
    let now = args.now.unwrap_or_else(Timestamp::now);
    match gate.verify(declared.id, text.trim(), &facts, now) {
        Ok(claims) => {
            print(&claims, out)?;
            Ok(Outcome::Fine)
        }
        Err(problem) => {
            tell("error", &problem.to_string());
            if args.facts.is_none() && (declared.key_set.is_some() || declared.algorithms.is_empty()) {
                tell("help", "others' keys, and what is known of opaque tokens, come with `--facts FILE`");
            }
            Ok(Outcome::Findings)
        }
    }
}

fn hash(args: &TokenHash, out: &mut impl Write) -> Result<Outcome, Error> {
    let policy = Files::one(&args.policy)?.compile()?;
    let hashed = match args.opaque {
        true => opaque_token_id(&line("token")?),
        false => {
            let password = line("password")?;
            policy.hash_password(&password, &*random::<16>()?).map_err(|error| {
                let at = if error == PasswordError::NoRule { &args.policy.policy } else { Path::new("-") };
                Error::document(at, error.to_string())
            })?
        }
    };
    writeln!(out, "{hashed}")?;
    Ok(Outcome::Fine)
}

/// The gate of a policy that declares a kind of token, with a key ring.
fn gate(policy: &OnePolicy, kind: &str, keys: Option<&Path>) -> Result<(Gate, Ring), Error> {
    let policy = Files::one(policy)?.compile()?;
    declared(&policy, kind)?;
    let ring = keys.map(Ring::read).transpose()?.unwrap_or_default();
    let gate = policy.bind(ring.keys()).map_err(|error| Error::Bind { error, help: KEYS_HELP })?;
    Ok((gate, ring))
}

/// The declaration of a kind of token. What is none may be a token in the wrong place, and isn't repeated.
fn declared<'p>(policy: &'p Policy, kind: &str) -> Result<TokenInfo<'p>, Error> {
    policy.tokens().find(|declared| declared.name == kind).ok_or_else(|| {
        let known: Vec<_> = policy.tokens().map(|declared| format!("`{}`", declared.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        usage(&format!("the policy declares no such token: it has {known}"), "name the token's kind after the policy")
    })
}

/// The one line on stdin, without its end.
fn line(what: &str) -> Result<Zeroizing<String>, Error> {
    let bytes = Zeroizing::new(documents::stdin()?);
    let text = std::str::from_utf8(&bytes).map_err(|_| usage(&format!("the {what} isn't UTF-8"), ONE_LINE))?;
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    match line {
        "" => Err(usage(&format!("there is no {what} on stdin"), ONE_LINE)),
        several if several.contains('\n') => Err(usage("stdin has more than one line", ONE_LINE)),
        line => Ok(Zeroizing::new(line.to_owned())),
    }
}

const ONE_LINE: &str = "put it on stdin as one line of UTF-8";

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(Error::Entropy)?;
    Ok(bytes)
}

fn print(value: &impl Serialize, out: &mut impl Write) -> Result<(), Error> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

fn usage(problem: &str, help: &'static str) -> Error {
    Error::Usage { problem: problem.to_owned(), help }
}
