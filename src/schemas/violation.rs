//! What is wrong with input: where, as a JSON pointer, and what, in words that never hold a value.

use crate::protocol::decision::Violation;

/// The most violations that are told: what is told costs memory, and the input's sender sets the number.
const MOST_VIOLATIONS: usize = 32;
/// A name may come from the sender; in a violation, so much of it.
const LONGEST_NAME: usize = 64;

pub(crate) const UNKNOWN_FIELD: &str = "isn't a known field";

/// What is wrong with a body or a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Violations {
    pub(crate) list: Vec<Violation>,
    pub(crate) truncated: bool,
}

/// One step from a value to a part of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    /// A declared field.
    Field(&'a str),
    /// A member whose name the sender chose.
    Foreign(&'a str),
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
        violations.push(&[Step::Foreign(name)], "unknown_field", UNKNOWN_FIELD.to_owned());
        violations
    }

    pub(crate) fn push(&mut self, path: &[Step<'_>], code: &'static str, message: String) {
        if self.list.len() < MOST_VIOLATIONS {
            self.list.push(Violation { pointer: pointer(path), code, message });
        } else {
            self.truncated = true;
        }
    }

    /// What is wrong first, as the rest of a sentence.
    pub(crate) fn first_message(&self) -> String {
        match self.list.first() {
            Some(Violation { pointer, message, .. }) if pointer.is_empty() => format!("it {message}"),
            Some(Violation { pointer, message, .. }) => format!("`{pointer}` {message}"),
            None => "it doesn't conform".to_owned(),
        }
    }

    /// The pointers of the first few, for logs.
    pub(crate) fn places(&self) -> String {
        const SHOWN: usize = 5;
        let mut pointers: Vec<&str> = self.list.iter().map(|violation| violation.pointer.as_str()).collect();
        pointers.dedup();
        let shown: Vec<String> = pointers.iter().take(SHOWN).map(|pointer| format!("`{pointer}`")).collect();
        let more = if pointers.len() > SHOWN { " and elsewhere" } else { "" };
        format!("{}{more}", shown.join(", "))
    }
}

/// RFC 6901 §3
fn pointer(path: &[Step<'_>]) -> String {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    let mut pointer = String::new();
    for step in path {
        pointer.push('/');
        match step {
            Step::Field(name) => pointer.push_str(&escaped(name)),
            Step::Foreign(name) => {
                let shown: String = name.chars().take(LONGEST_NAME).collect();
                pointer.push_str(&escaped(&shown));
                if shown.len() < name.len() {
                    pointer.push('…');
                }
            }
            Step::Element(at) => pointer.push_str(&at.to_string()),
        }
    }
    pointer
}
