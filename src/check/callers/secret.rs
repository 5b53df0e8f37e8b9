//! Secrets, each for one purpose.

use crate::check::checker::{Checker, Report};
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::Text;
use crate::typed::{Purpose, Secret};

/// The secrets of a policy, and their uses so far.
pub(crate) struct Secrets {
    pub(crate) table: Table<Secret>,
}

impl Secrets {
    pub(crate) fn declared(checker: &Checker<'_>) -> Self {
        let names = checker.names.secrets.names();
        Self { table: names.map(|name| Secret { name: name.to_owned(), used: None }).collect() }
    }

    /// Returns the secret of that name, which then serves this purpose alone: a value that is made with a key for one
    /// purpose must not pass for another.
    pub(crate) fn take(&mut self, name: &Text, purpose: Purpose, checker: &Checker<'_>) -> Option<Id<Secret>> {
        let (row, ()) = checker.names.secrets.find(name, &checker.findings)?;
        let id = self.table.id(row)?;
        match self.table[id].used {
            Some((_, first)) => {
                let (earlier, later) = checker.findings.in_order(first, name.span);
                Diagnostic::error("secret_reused", later, format!("the secret `{}` serves two purposes", name.node))
                    .also(earlier, "used here, too")
                    .report_with(checker, "declare a secret for each purpose");
            }
            None => self.table.row_mut(id).used = Some((purpose, name.span)),
        }
        Some(id)
    }
}
