//! How something is decided: by one diagram, or, where that would grow out of proportion, by several one after the other.

use crate::check::typed::Role;
use crate::graph::diagram::{Diagram, Diagrams};
use crate::model::id_set::IdSet;
use crate::model::table::{Id, Table};

use super::variable::{Question, Variables};

/// What decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Plan {
    /// A caller who isn't capped by scopes and has one of these roles.
    Held(IdSet<Role>),
    Diagram(Diagram),
    Several(Id<Several>),
}

impl Plan {
    pub(crate) const NO: Self = Self::Diagram(Diagram::NO);
    pub(crate) const YES: Self = Self::Diagram(Diagram::YES);
}

/// Plans that decide together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Several {
    /// Whether all must hold, or one.
    pub(crate) all: bool,
    pub(crate) parts: Box<[Plan]>,
}

/// Who answers what a diagram asks: with the class, or with 0 for *no*, 1 for *yes*, 2 for *unknown*, and 3 for what the
/// input will decide.
pub(crate) trait Answers {
    fn answer(&self, question: Question<'_>) -> u32;
}

/// Everything that plans refer to.
#[derive(Debug)]
pub(crate) struct Logic {
    pub(crate) diagrams: Diagrams,
    pub(crate) variables: Variables,
    pub(crate) several: Table<Several>,
}

impl Logic {
    /// Whether a plan says *yes*: the number of questions is bounded by the depth of its diagrams.
    pub(crate) fn holds(&self, plan: Plan, answers: &impl Answers) -> bool {
        match plan {
            Plan::Held(roles) => answers.answer(Question::Capped) == 0 && answers.answer(Question::Roles(roles)) == 1,
            Plan::Diagram(diagram) => self.walk(diagram, answers),
            Plan::Several(several) => {
                let Several { all, parts } = &self.several[several];
                match all {
                    true => parts.iter().all(|part| self.holds(*part, answers)),
                    false => parts.iter().any(|part| self.holds(*part, answers)),
                }
            }
        }
    }

    fn walk(&self, diagram: Diagram, answers: &impl Answers) -> bool {
        let mut at = diagram;
        while let Some(variable) = self.diagrams.variable(at) {
            let outcome = self.variables.question(variable).map_or(0, |question| answers.answer(question));
            at = self.diagrams.follow(at, outcome);
        }
        at == Diagram::YES
    }
}
