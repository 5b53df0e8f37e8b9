//! The program's errors, and their output.

use std::io::{self, Write};
use std::path::PathBuf;

use portcullis::BindError;
use portcullis::keys::KeyProblem;

/// Why a command can't go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("can't read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("`{}` holds no policy: there is no `.gate` file in it", .0.display())]
    NoPolicy(PathBuf),
    #[error("`{}` holds several policies: {}", path.display(), listed(names))]
    SeveralPolicies { path: PathBuf, names: Vec<String> },
    #[error("`{}` holds no policy `{name}`, only {}", path.display(), listed(names))]
    NoSuchPolicy { path: PathBuf, name: String, names: Vec<String> },
    /// Its diagnostics have been printed.
    #[error("`{0}` doesn't compile")]
    Policy(String),
    #[error("{error}")]
    Bind { error: BindError, help: &'static str },
    /// A file that isn't what it should be.
    #[error("`{}`: {problem}", path.display())]
    Document { path: PathBuf, problem: String },
    #[error("{problem}")]
    Usage { problem: String, help: &'static str },
    #[error("the system has no random bytes: {0}")]
    Entropy(getrandom::Error),
    #[error("can't write the output: {0}")]
    Write(#[from] io::Error),
}

impl Error {
    pub(crate) fn document(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::Document { path: path.into(), problem: problem.into() }
    }

    /// The advice for the user.
    fn help(&self) -> Option<&'static str> {
        match self {
            Self::SeveralPolicies { .. } => Some("name one with `--policy NAME`, or give a file"),
            Self::Bind { error, help } if lacks_secrets(error) => Some(help),
            Self::Usage { help, .. } => Some(help),
            _ => None,
        }
    }

    /// Prints it on stderr.
    pub(crate) fn tell(&self) {
        match self {
            // Whoever was reading has read enough.
            Self::Write(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
            _ => tell("error", &self.to_string()),
        }
        if let Some(help) = self.help() {
            tell("help", help);
        }
    }
}

/// Prints lines on stderr. That stderr can't be written to is no reason to stop.
pub(crate) fn tell(kind: &str, message: &str) {
    let mut stderr = anstream::stderr().lock();
    for line in message.lines() {
        let _ = writeln!(stderr, "{kind}: {}", printable(line));
    }
}

/// Text from a file without what a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

fn lacks_secrets(error: &BindError) -> bool {
    error.problems().iter().any(|problem| matches!(problem, KeyProblem::Missing { .. }))
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
