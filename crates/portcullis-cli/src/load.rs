//! Policies from files: which files make one policy, and what they hold.
//!
//! A policy is one file, or all files of a folder with the same name. Within a policy, sources are called by their
//! file names alone, so that a decision doesn't depend on where the program was started.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use portcullis::{Policy, Source};

use crate::args::OnePolicy;
use crate::error::Error;
use crate::render;

/// The most that is read of one file. The library has a lower limit for policies, and says so itself.
pub(crate) const MAX_FILE: u64 = 64 << 20;

/// The files of one policy.
#[derive(Debug)]
pub(crate) struct Files {
    /// The policy's name; of a file that doesn't say one, the file's.
    pub(crate) name: String,
    /// The files, as the user would find them, in the order of `sources`.
    pub(crate) paths: Vec<PathBuf>,
    /// Their contents.
    pub(crate) sources: Vec<Source>,
}

impl Files {
    /// A policy that is one file.
    pub(crate) fn file(path: &Path) -> Result<Self, Error> {
        let file_name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let source = Source::new(file_name.clone(), read(path)?);
        let name = policy_name(source.text()).map_or_else(|| file_name.into_owned(), str::to_owned);
        Ok(Self { name, paths: vec![path.to_owned()], sources: vec![source] })
    }

    /// The policies of a folder, those in its subfolders left out.
    pub(crate) fn folder(path: &Path) -> Result<Vec<Self>, Error> {
        let mut policies: BTreeMap<String, Self> = BTreeMap::new();
        for (entry, is_folder) in entries(path)? {
            if is_folder || !is_policy(&entry) {
                continue;
            }
            let mut file = Self::file(&entry)?;
            match policies.get_mut(&file.name) {
                Some(policy) => {
                    policy.paths.append(&mut file.paths);
                    policy.sources.append(&mut file.sources);
                }
                None => {
                    policies.insert(file.name.clone(), file);
                }
            }
        }
        Ok(policies.into_values().collect())
    }

    /// Every policy under a path, each folder's by itself.
    pub(crate) fn under(path: &Path) -> Result<Vec<Self>, Error> {
        if !is_folder(path)? {
            return Ok(vec![Self::file(path)?]);
        }
        let mut policies = Vec::new();
        for folder in folders(path)? {
            policies.append(&mut Self::folder(&folder)?);
        }
        if policies.is_empty() { Err(Error::NoPolicy(path.to_owned())) } else { Ok(policies) }
    }

    /// The one policy that the command line speaks of.
    pub(crate) fn one(args: &OnePolicy) -> Result<Self, Error> {
        let path = &args.policy;
        let mut policies = if is_folder(path)? { Self::folder(path)? } else { vec![Self::file(path)?] };
        let names: Vec<_> = policies.iter().map(|policy| policy.name.clone()).collect();
        if let Some(name) = &args.name {
            policies.retain(|policy| policy.name == *name);
            return policies.pop().ok_or_else(|| match names.is_empty() {
                true => Error::NoPolicy(path.clone()),
                false => Error::NoSuchPolicy { path: path.clone(), name: name.clone(), names },
            });
        }
        match (policies.pop(), policies.is_empty()) {
            (Some(policy), true) => Ok(policy),
            (Some(_), false) => Err(Error::SeveralPolicies { path: path.clone(), names }),
            (None, _) => Err(Error::NoPolicy(path.clone())),
        }
    }

    /// Compiles the policy; its errors go to stderr. Warnings are `check`'s business.
    pub(crate) fn compile(&self) -> Result<Policy, Error> {
        Policy::compile(&self.sources).map_err(|error| {
            render::human(self, error.diagnostics());
            Error::Policy(self.name.clone())
        })
    }
}

/// True if a path is a folder; an error if it can't be found.
pub(crate) fn is_folder(path: &Path) -> Result<bool, Error> {
    let found = fs::metadata(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(found.is_dir())
}

/// A folder and all below it, hidden ones and links left out.
pub(crate) fn folders(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut due = vec![path.to_owned()];
    while let Some(folder) = due.pop() {
        let below = entries(&folder)?.into_iter().filter(|(_, is_folder)| *is_folder);
        due.extend(below.rev().map(|(path, _)| path));
        found.push(folder);
    }
    Ok(found)
}

/// The entries of a folder, by name, each with true if it is a folder itself. Hidden entries are left out.
pub(crate) fn entries(folder: &Path) -> Result<Vec<(PathBuf, bool)>, Error> {
    let fail = |source| Error::Read { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            found.push((entry.path(), entry.file_type().map_err(fail)?.is_dir()));
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn is_policy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gate")
}

/// The bytes of a file, up to [`MAX_FILE`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(fail)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(fail)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= MAX_FILE => Ok(bytes),
        _ => Err(Error::TooLarge { path: path.to_owned(), limit: MAX_FILE }),
    }
}

/// The name after `policy`, which is the first thing in a file but for comments.
fn policy_name(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix("//") {
        rest = comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    let rest = rest.strip_prefix("policy")?;
    let name = rest.trim_start();
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    let name = name.get(..end)?;
    (rest.len() > name.len() && !name.is_empty() && rest.starts_with(char::is_whitespace)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::policy_name;

    #[test]
    fn names_stand_after_comments() {
        let check = |text, name| assert_eq!(policy_name(text), name, "{text}");
        check("policy article", Some("article"));
        check("/// doc\n// more\n\n  policy  article\nrole a {}", Some("article"));
        check("policy\n  blog2 {", Some("blog2"));
        check("policyblog", None);
        check("policy", None);
        check("policy \"a\"", None);
        check("// policy a", None);
        check("", None);
    }
}
