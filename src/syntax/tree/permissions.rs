//! Permissions: resources, roles, scopes, rules, and the patterns that name permissions.

use crate::syntax::tree::{Attribute, Expression, PathPattern, Span, Text};

/// `resource NAME { actions …  ATTR: TYPE … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// The name.
    pub name: Text,
    /// The actions in the order written.
    pub actions: Vec<Text>,
    /// The attributes.
    pub attributes: Vec<Attribute>,
}

/// `condition NAME = EXPR`
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The name.
    pub name: Text,
    /// The condition.
    pub expression: Expression,
}

/// `permissions NAME = PERMS`
#[derive(Debug, Clone, PartialEq)]
pub struct PermissionSet {
    /// The name.
    pub name: Text,
    /// The permissions of the set.
    pub patterns: Vec<Pattern>,
}

/// One element of PERMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The span of the pattern.
    pub span: Span,
    /// The resource before the colon; `None` for `*`.
    pub resource: Option<Text>,
    /// The actions after the colon.
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
    /// no colon: a bare name is the name of a permission set
    None,
}

/// `role NAME extends … { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// The name, written with or without quotes.
    pub name: Text,
    /// The roles that it extends.
    pub extends: Vec<Text>,
    /// The grants, all of them `allow` and none of them `anyone`.
    pub grants: Vec<Rule>,
}

/// `scope "NAME" { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// The name.
    pub name: Text,
    /// The grants that pass, all of them `allow`.
    pub grants: Vec<Rule>,
}

/// `allow …`, `forbid …` or `never …`, at the top or inside a role or scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The span from the keyword to the last character.
    pub span: Span,
    /// The effect with its permissions.
    pub effect: Effect,
    /// `when EXPR`, or for `never` also `unless EXPR`.
    pub condition: Option<(Polarity, Expression)>,
    /// `because "…"`
    pub because: Option<Text>,
}

/// The effect of a rule, and the permissions it is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// `allow [anyone] PERMS [except PERMS]`
    Allow {
        /// True if `anyone` is written.
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

/// The subject of a `never`.
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

/// The keyword before a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    /// `when`
    When,
    /// `unless`
    Unless,
}
