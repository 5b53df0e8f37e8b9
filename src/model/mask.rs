//! The secret parts of a value.

use serde_json::Value as Json;

/// The replacement of a secret.
pub(crate) const SECRET: &str = "[secret]";

/// The secret parts of one value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mask {
    /// All of it is.
    pub(crate) whole: bool,
    pub(crate) parts: Vec<(Part, Mask)>,
}

/// A member of an object, or an element of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Member(String),
    Element(usize),
}

impl Mask {
    pub(crate) fn is_empty(&self) -> bool {
        !self.whole && self.parts.is_empty()
    }

    /// Puts `[secret]` in the place of every secret.
    pub(crate) fn apply(&self, value: &mut Json) {
        if self.whole {
            *value = Json::from(SECRET);
            return;
        }
        for (part, mask) in &self.parts {
            let below = match part {
                Part::Member(name) => value.get_mut(name),
                Part::Element(at) => value.get_mut(at),
            };
            if let Some(below) = below {
                mask.apply(below);
            }
        }
    }
}
