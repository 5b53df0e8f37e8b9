//! Who may do what: resources, roles, scopes, rules and the patterns they speak of.

use crate::syntax::tree::{Attribute, Expression, PathPattern, Span, Text};

/// `resource NAME { actions …  ATTR: TYPE … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its name.
    pub name: Text,
    /// Its actions, in the order written.
    pub actions: Vec<Text>,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// `condition NAME = EXPR`
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its name.
    pub name: Text,
    /// What it stands for.
    pub expression: Expression,
}

/// `permissions NAME = PERMS`
#[derive(Debug, Clone, PartialEq)]
pub struct PermissionSet {
    /// Its name.
    pub name: Text,
    /// What it stands for.
    pub patterns: Vec<Pattern>,
}

/// One element of PERMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Where it stands.
    pub span: Span,
    /// The resource before the colon; `None` for `*`.
    pub resource: Option<Text>,
    /// What stands after the colon.
    pub action: Action,
}

/// The part of a pattern after the colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `*`, and the `:*` of `posts:*`
    Every,
    /// `posts:read`
    One(Text),
    /// `posts:[read, write]`
    Several(Vec<Text>),
    /// no colon at all: a bare name is the name of a permission set
    None,
}

/// `role NAME extends … { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its name, quoted or not.
    pub name: Text,
    /// The roles it extends.
    pub extends: Vec<Text>,
    /// Its grants: all of them `allow`, none of them `anyone`.
    pub grants: Vec<Rule>,
}

/// `scope "NAME" { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Its name.
    pub name: Text,
    /// What it lets through: all of them `allow`.
    pub grants: Vec<Rule>,
}

/// `allow …`, `forbid …` or `never …`, at the top or inside a role or scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// From its keyword to its last character.
    pub span: Span,
    /// Which of the three, with what only one of them has.
    pub effect: Effect,
    /// `when EXPR`, or for `never` also `unless EXPR`.
    pub condition: Option<(Polarity, Expression)>,
    /// `because "…"`
    pub because: Option<Text>,
}

/// What a rule does, and to what.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// `allow [anyone] PERMS [except PERMS]`
    Allow {
        /// Whether `anyone` stands there.
        anyone: bool,
        /// PERMS
        patterns: Vec<Pattern>,
        /// `except PERMS`
        except: Vec<Pattern>,
    },
    /// `forbid PERMS [except PERMS]`
    Forbid {
        /// PERMS
        patterns: Vec<Pattern>,
        /// `except PERMS`
        except: Vec<Pattern>,
    },
    /// `never …`
    Never(NeverSubject),
}

/// What a `never` speaks of.
#[derive(Debug, Clone, PartialEq)]
pub enum NeverSubject {
    /// `never PERMS [except PERMS]`
    Permissions {
        /// PERMS
        patterns: Vec<Pattern>,
        /// `except PERMS`
        except: Vec<Pattern>,
    },
    /// `never METHOD PATH`
    Door(Text, PathPattern),
}

/// How a condition counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    /// `when`
    When,
    /// `unless`
    Unless,
}
