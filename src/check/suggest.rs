//! The name that was probably meant, and messages on names that aren't declared.

use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::Text;

/// Help that names what could have been written.
pub(crate) trait Suggest {
    /// Asks for the known name that is close to what was written; without one, `otherwise` is the help.
    #[must_use]
    fn did_you_mean<'n>(
        self,
        written: &str,
        known: impl Iterator<Item = &'n str>,
        otherwise: impl Into<String>,
    ) -> Self;

    /// The same, with a list of all names where none is close.
    #[must_use]
    fn one_of<'n>(self, written: &str, known: impl Iterator<Item = &'n str>) -> Self;
}

impl Suggest for Diagnostic {
    fn did_you_mean<'n>(
        self,
        written: &str,
        known: impl Iterator<Item = &'n str>,
        otherwise: impl Into<String>,
    ) -> Self {
        match suggest(written, known) {
            Some(meant) => self.help(format!("did you mean `{meant}`?")),
            None => self.help(otherwise),
        }
    }

    fn one_of<'n>(self, written: &str, known: impl Iterator<Item = &'n str>) -> Self {
        let known: Vec<&str> = known.collect();
        let all = list(known.iter().copied()).unwrap_or_default();
        self.did_you_mean(written, known.into_iter(), format!("there are {all}"))
    }
}

/// `there is no WHAT NAME`, with the name that was probably meant.
pub(crate) fn unknown<'n>(
    code: &'static str,
    what: &str,
    name: &Text,
    known: impl Iterator<Item = &'n str>,
) -> Diagnostic {
    let known: Vec<&str> = known.collect();
    let message = match what {
        "attribute of `account`" | "attribute of `context`" => {
            let owner = what.strip_prefix("attribute of ").unwrap_or(what);
            format!("{owner} has no attribute `{}`", name.node)
        }
        _ => format!("there is no {what} `{}`", name.node),
    };
    let error = Diagnostic::error(code, name.span, message).label("not declared");
    match suggest(&name.node, known.iter().copied()) {
        Some(meant) => error.help(format!("did you mean `{meant}`?")),
        None => match list(known.into_iter()) {
            Some(names) => error.help(format!("declared are {names}")),
            None => error.help(match what {
                "attribute of `context`" => format!("declare it: `context {{ {}: TYPE }}`", name.node),
                "attribute of `account`" => format!("declare it: `account {{ {}: TYPE }}`", name.node),
                _ => format!("declare a {what} of that name"),
            }),
        },
    }
}

/// The known name that is closest to what was written, if any is close.
pub(crate) fn suggest<'n>(written: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    const LONGEST: usize = 64;
    if written.len() > LONGEST {
        return None;
    }
    let length = written.chars().count();
    // Any two short names are close.
    if length < 3 {
        return None;
    }
    let most = (length / 3).max(1);
    known
        .filter(|name| name.len().abs_diff(written.len()) <= 4 * most)
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

/// `` `a`, `b` and `c` ``, if that is short enough to read.
pub(crate) fn list<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    const MOST: usize = 12;
    let names: Vec<String> = names.take(MOST + 1).map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        [first @ .., last] if names.len() <= MOST => Some(format!("{} and {last}", first.join(", "))),
        _ => None,
    }
}
