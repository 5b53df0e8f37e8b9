//! How something is decided: by one diagram, or, where that would grow out of proportion, by several one after the other.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::collections::bit_set::BitSet;
use crate::collections::id_set::IdSet;
use crate::collections::table::{Id, Table};
use crate::graph::diagram::{Diagram, Diagrams, Outcome};
use crate::graph::logic::variable::{Question, Remembered, Variables};
use crate::graph::logic::walk::Walks;
use crate::typed::{Role, Scope};

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

/// Who answers what diagrams ask.
pub(crate) trait Answers {
    /// Whether there is a caller.
    fn has_user(&self) -> bool;
    /// Whether the caller has scopes, which cap the roles.
    fn is_capped(&self) -> bool;
    /// Whether the caller has one of these roles.
    fn has_role(&self, roles: IdSet<Role>) -> bool;
    /// Whether the caller has one of these scopes.
    fn has_scope(&self, scopes: IdSet<Scope>) -> bool;
    /// The class of an attribute, where it was found out before.
    fn known(&self, of: Remembered, row: u32) -> Option<Outcome>;
    /// Anything: with the class, or with 0 for *no*, 1 for *yes*, 2 for *unknown*, and 3 for what the input will decide.
    fn answer(&self, question: Question<'_>) -> Outcome;
}

/// What was found out on the way.
type Known = HashMap<Id<Several>, bool, FixedState>;

/// Everything that plans refer to.
#[derive(Debug)]
pub(crate) struct Logic {
    pub(crate) diagrams: Diagrams,
    pub(crate) variables: Variables,
    pub(crate) several: Table<Several>,
    walks: Walks,
    /// Those that are part of several, by row: what each says is worth remembering.
    shared: BitSet,
}

impl Logic {
    pub(crate) fn new(mut diagrams: Diagrams, variables: Variables, several: Table<Several>) -> Self {
        diagrams.finish();
        let walks = Walks::of(&diagrams, &variables);
        let (mut once, mut shared) = (BitSet::default(), BitSet::default());
        for part in several.iter().flat_map(|several| &several.parts) {
            if let Plan::Several(id) = part {
                if once.contains(id.row()) {
                    shared.insert(id.row());
                }
                once.insert(id.row());
            }
        }
        Self { diagrams, variables, several, walks, shared }
    }

    /// How many diagrams decide together, each as often as it is followed; so many that nobody counts on is a maximum.
    pub(crate) fn diagrams_of(&self, several: Id<Several>) -> usize {
        const MOST: usize = 1_000_000;
        let mut open = vec![several];
        let mut found = 0;
        while let Some(next) = open.pop() {
            for part in &self.several[next].parts {
                match part {
                    Plan::Several(inner) => open.push(*inner),
                    Plan::Held(_) | Plan::Diagram(_) => found += 1,
                }
            }
            if found >= MOST {
                break;
            }
        }
        found
    }

    /// Whether a plan says *yes*: the number of questions is bounded by the depth of its diagrams.
    pub(crate) fn holds(&self, plan: Plan, answers: &impl Answers) -> bool {
        self.holds_once(plan, answers, &mut HashMap::default())
    }

    /// Recursion is as deep as conditions nest, which the checker bounds. What is part of several is asked once: there may
    /// be more ways to it than anybody has time.
    fn holds_once(&self, plan: Plan, answers: &impl Answers, known: &mut Known) -> bool {
        match plan {
            Plan::Held(roles) => !answers.is_capped() && answers.has_role(roles),
            Plan::Diagram(diagram) => self.walks.holds(diagram, &self.variables, answers),
            Plan::Several(several) => {
                if let Some(known) = known.get(&several) {
                    return *known;
                }
                let Several { all, parts } = &self.several[several];
                let holds = match all {
                    true => parts.iter().all(|part| self.holds_once(*part, answers, known)),
                    false => parts.iter().any(|part| self.holds_once(*part, answers, known)),
                };
                if self.shared.contains(several.row()) {
                    known.insert(several, holds);
                }
                holds
            }
        }
    }
}
