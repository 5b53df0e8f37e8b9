//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Check, decide, test, draw and format Portcullis policies.
///
/// Exits with 0 if all is fine or the request is allowed, 1 if it is denied, a test failed or a file isn't formatted, 2
/// if the command line, a policy or another file can't be used.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version)]
pub(crate) struct Cli {
    /// What to do.
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
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Policy files, or folders with any below them
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// How to print what was found
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
    /// Which of the folder's policies, by name
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
    /// How to print the decision; many are always printed as JSON, one a line
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
    /// How to print the graph
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
