//! The command line.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

/// Check, decide, test, draw and format Portcullis policies, and make tokens for them.
///
/// Exits with 0 if all is fine or the request is allowed, 1 if it is denied, a test failed, a file isn't formatted or a
/// token doesn't hold, 2 if the command line, a policy or another file can't be used.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version)]
pub(crate) struct Cli {
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell every error and warning of policies
    Check(Check),
    /// Decide requests, as JSON or YAML
    Decide(Decide),
    /// Run the cases files beside policies
    Test(Test),
    /// Print the decision graph of a policy
    Graph(Graph),
    /// Write policies in their canonical format
    Fmt(Fmt),
    /// Make, verify and hash tokens and passwords, while developing
    Token(Token),
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Policy files, or folders with any below them
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Format of the findings
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CheckFormat,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum CheckFormat {
    /// On stderr, with the source
    #[default]
    Human,
    /// On stdout, a list of objects
    Json,
}

/// The one policy that a command works on.
#[derive(Debug, Args)]
pub(crate) struct OnePolicy {
    /// A policy file, or a folder that holds one policy
    pub(crate) policy: PathBuf,
    /// Name of one of the folder's policies
    #[arg(long = "policy", value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    #[command(flatten)]
    pub(crate) policy: OnePolicy,
    /// A request document in YAML or JSON, a `.jsonl` file with one a line, or `-` for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) request: PathBuf,
    /// The key ring with the secrets that the policy names
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Format of the decision; many are always printed as JSON, one a line
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: DecideFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecideFormat {
    #[default]
    Json,
    Yaml,
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Cases files, policies with cases beside them, or folders with any below them
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) policy: OnePolicy,
    /// Format of the graph
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: GraphFormat,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum GraphFormat {
    /// One line a node
    #[default]
    Text,
    /// For Graphviz
    Dot,
}

#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// Policy files, folders with any below them, or `-` to format stdin to stdout
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Write nothing, and exit with 1 if a file would change
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    /// The command.
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token as a route that issues it would
    Issue(TokenIssue),
    /// Verify a token, and print what it claims
    Verify(TokenVerify),
    /// Read a password from stdin, and print its hash as the policy's `password` asks for it
    Hash(TokenHash),
}

#[derive(Debug, Args)]
#[group(id = "says", required = true, multiple = false, args = ["account", "claims"])]
pub(crate) struct TokenIssue {
    #[command(flatten)]
    pub(crate) policy: OnePolicy,
    /// The token, as the policy names it
    pub(crate) kind: String,
    /// The key ring with the secrets that the policy names
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Account that it is for: a map as `facts.account` in a request document, or `-` for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) account: Option<PathBuf>,
    /// Claims, as JSON, beside those that the policy pins or in their place; `null` leaves a claim out
    #[arg(long, value_name = "JSON")]
    pub(crate) claims: Option<String>,
    /// When it is made, as in RFC 3339; now where that isn't said
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,
    /// Format of the token
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TokenFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenFormat {
    /// The token alone
    #[default]
    Text,
    /// With its end, and the state of its family where it is `single_use`
    Json,
}

#[derive(Args)]
pub(crate) struct TokenVerify {
    #[command(flatten)]
    pub(crate) policy: OnePolicy,
    /// The token's kind, as the policy names it
    pub(crate) kind: String,
    /// The token; it is read from stdin where it isn't given, so that no shell remembers it
    #[arg(default_value = "-", hide_default_value = true)]
    pub(crate) token: String,
    /// The key ring with the secrets that the policy names
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// A map as `facts` in a request document, with `keys` for others' tokens and `tokens` for opaque ones
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// When it must hold, as in RFC 3339; now where that isn't said
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,
}

impl fmt::Debug for TokenVerify {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenVerify").field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[derive(Debug, Args)]
pub(crate) struct TokenHash {
    #[command(flatten)]
    pub(crate) policy: OnePolicy,
    /// Read an opaque token instead, such as an API key, and print the name that it goes by in `facts.tokens`
    #[arg(long)]
    pub(crate) opaque: bool,
}
