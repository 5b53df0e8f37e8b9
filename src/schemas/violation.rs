//! Violations of a schema: a JSON pointer, a code and a message each. Messages never contain values of the input.

use crate::protocol::decision::Violation;

/// The most violations that are listed: they take memory, and the client decides their number.
const MOST_VIOLATIONS: usize = 32;
/// The most characters of a name from the client in a pointer.
const LONGEST_NAME: usize = 64;

pub(crate) const UNKNOWN_FIELD: &str = "isn't a known field";

/// The violations of a body or a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Violations {
    pub(crate) list: Vec<Violation>,
    pub(crate) truncated: bool,
}

/// The step from a value to one of its parts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PathStep<'a> {
    /// A declared field.
    Declared(&'a str),
    /// A member whose name the client chose.
    Undeclared(&'a str),
    Element(usize),
}

impl Violations {
    pub(crate) fn one(code: &'static str, message: &str) -> Self {
        let mut violations = Self::default();
        violations.push(&[], code, message.to_owned());
        violations
    }

    pub(crate) fn unknown_field(name: &str) -> Self {
        let mut violations = Self::default();
        violations.push(&[PathStep::Undeclared(name)], "unknown_field", UNKNOWN_FIELD.to_owned());
        violations
    }

    pub(crate) fn push(&mut self, path: &[PathStep<'_>], code: &'static str, message: String) {
        if self.list.len() < MOST_VIOLATIONS {
            self.list.push(Violation { pointer: pointer(path), code, message });
        } else {
            self.truncated = true;
        }
    }

    /// The first violation, as the rest of a sentence.
    pub(crate) fn first_message(&self) -> String {
        match self.list.first() {
            Some(Violation { pointer, message, .. }) if pointer.is_empty() => format!("it {message}"),
            Some(Violation { pointer, message, .. }) => format!("`{pointer}` {message}"),
            None => "it doesn't conform".to_owned(),
        }
    }

    /// The pointers of the first violations, for logs.
    pub(crate) fn places(&self) -> String {
        const SHOWN: usize = 5;
        let mut pointers: Vec<&str> = self.list.iter().map(|violation| violation.pointer.as_str()).collect();
        pointers.dedup();
        let shown: Vec<String> = pointers.iter().take(SHOWN).map(|pointer| format!("`{pointer}`")).collect();
        let more = if pointers.len() > SHOWN { " and elsewhere" } else { "" };
        format!("{}{more}", shown.join(", "))
    }
}

/// A JSON pointer (RFC 6901 §3).
fn pointer(path: &[PathStep<'_>]) -> String {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    let mut pointer = String::new();
    for step in path {
        pointer.push('/');
        match step {
            PathStep::Declared(name) => pointer.push_str(&escaped(name)),
            PathStep::Undeclared(name) => {
                let shown: String = name.chars().take(LONGEST_NAME).collect();
                pointer.push_str(&escaped(&shown));
                if shown.len() < name.len() {
                    pointer.push('…');
                }
            }
            PathStep::Element(at) => pointer.push_str(&at.to_string()),
        }
    }
    pointer
}
