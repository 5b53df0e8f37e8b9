//! The state of typing: the results of the phases before, and the memory of expressions that were typed so far.

use crate::check::callers::caller::CallerAttributes;
use crate::check::checker::Checker;
use crate::check::expressions::conditions::Conditions;
use crate::check::expressions::narrowing::Narrowings;
use crate::check::permissions::attribute::Attributes;
use crate::check::routes::table::RouteTable;
use crate::check::schemas::regex::Regexes;
use crate::check::schemas::shapes::Shapes;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::typed::Role;

/// The most steps that the expressions of a policy are checked in: a condition is checked for each kind of place that it
/// is used in.
const MOST_STEPS: usize = 5_000_000;

pub(crate) struct Typer<'c, 't> {
    pub(crate) checker: &'c Checker<'t>,
    pub(crate) shapes: &'c Shapes,
    pub(crate) attributes: &'c Attributes,
    /// The roles in the order written.
    pub(crate) roles: Vec<Id<Role>>,
    /// Empty until the mappings are typed.
    pub(crate) caller: &'c CallerAttributes,
    /// Empty until the routes are known.
    pub(crate) routes: &'c RouteTable,
    pub(crate) conditions: Conditions,
    pub(crate) narrowings: Narrowings<'c, 't>,
    pub(crate) regexes: Regexes,
    /// The places where the conditions are used that are being checked, the outermost first.
    pub(crate) uses: Vec<Span>,
    pub(crate) budget: Budget,
}

/// The steps that typing may take.
#[derive(Default)]
pub(crate) struct Budget {
    steps: usize,
    exhausted: bool,
}

impl Budget {
    pub(crate) fn spend(&mut self, steps: usize) {
        self.steps += steps;
    }
}

impl<'c, 't> Typer<'c, 't> {
    pub(crate) fn new(
        checker: &'c Checker<'t>,
        shapes: &'c Shapes,
        attributes: &'c Attributes,
        regexes: Regexes,
        roles: Vec<Id<Role>>,
        caller: &'c CallerAttributes,
        routes: &'c RouteTable,
    ) -> Self {
        Self {
            checker,
            shapes,
            attributes,
            roles,
            caller,
            routes,
            conditions: Conditions::declared(checker),
            narrowings: Narrowings::of_conditions(checker),
            regexes,
            uses: Vec::new(),
            budget: Budget::default(),
        }
    }

    /// Takes a step. Returns false once there are none left: then the policy doesn't compile.
    pub(crate) fn step(&mut self, span: Span) -> bool {
        self.budget.spend(1);
        if self.budget.steps < MOST_STEPS {
            return true;
        }
        if !std::mem::replace(&mut self.budget.exhausted, true) {
            self.report(
                Diagnostic::error("too_complex", span, "the policy's conditions are used in too many different places")
                    .help("write large conditions for one resource each, or split the policy"),
            );
        }
        false
    }

    pub(crate) fn report(&self, finding: Diagnostic) {
        self.checker.report(finding);
    }

    /// Reports a finding unless the same was said of the same place: a condition is checked wherever it is used.
    pub(crate) fn report_once(&self, finding: Diagnostic) {
        self.checker.findings.push_once(finding, |finding| match self.uses.first() {
            Some(place) => finding.also(*place, "for what is used here"),
            None => finding,
        });
    }

    /// True for an attribute whose own declaration is in error, so that reading it isn't reported, too.
    pub(crate) fn is_broken(&self, attribute: &str) -> bool {
        self.attributes.broken.contains(attribute) || self.caller.broken.contains(attribute)
    }
}
