//! Measures Portcullis beside other policy engines.

use std::process::ExitCode;

use portcullis_peers::harness::report::Goals;
use portcullis_peers::{documents, rules, workloads};

const USAGE: &str = "usage: portcullis-peers [A] [B] [C] [S] [SIZE…]

  A      rules over roles, 10 to 100,000 of them; SIZE… are other numbers of rules
  B      a small policy of roles and attributes
  C      the workloads of policies/workloads, 5 to 50 entities of a kind; SIZE… are other numbers of them
  S      two threads that share a policy, and one that is replaced while they decide

Without letters, all of them.";

fn main() -> ExitCode {
    let mut parts = String::new();
    let mut sizes = Vec::new();
    for argument in std::env::args().skip(1) {
        match (argument.as_str(), argument.parse::<usize>()) {
            ("A" | "B" | "C" | "S", _) => parts.push_str(&argument),
            (_, Ok(size)) if size > 0 => sizes.push(size),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let mut goals = Goals::default();
    match run(&parts, &sizes, &mut goals) {
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
        Ok(()) if goals.print() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

fn run(parts: &str, sizes: &[usize], goals: &mut Goals) -> Result<(), String> {
    let part = |letter| parts.is_empty() || parts.contains(letter);
    if part('A') {
        rules::run(if sizes.is_empty() { &rules::SIZES } else { sizes }, goals)?;
    }
    if part('B') {
        documents::run(goals)?;
    }
    if part('C') {
        workloads::time::run(if sizes.is_empty() { &workloads::time::SIZES } else { sizes }, goals)?;
    }
    if part('S') {
        rules::sharing::run(goals)?;
    }
    Ok(())
}
