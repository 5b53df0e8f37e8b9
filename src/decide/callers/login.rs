//! Logins: the account, the password, and the caller of the tokens that are issued.

use crate::collections::table::Id;
use crate::decide::callers::authenticate::challenged_alone;
use crate::decide::callers::entropy::Entropy;
use crate::decide::callers::identity::mapped;
use crate::decide::callers::{family, token};
use crate::decide::denial::Denial;
use crate::decide::journey::{Halt, Journey};
use crate::eval::context::{Cache, ResourceRef};
use crate::eval::evaluate::evaluate;
use crate::graph::Phase;
use crate::model::reason::{Code, Stage};
use crate::model::value::Known;
use crate::password::PasswordTask;
use crate::protocol::account::AccountQuery;
use crate::protocol::decision::Effect;
use crate::typed::Token;
use crate::values::value_ref::ValueRef;

impl Journey<'_, '_> {
    /// Checks the password of a login. Without an account, it takes the same time and gives the same response.
    pub(crate) fn password(&mut self) -> Result<(), Halt> {
        let (Some((who, password)), Some(rule)) = (&self.route.login, &self.policy.password) else {
            return Err(Denial::new(Code::LoginFailed, Stage::Login, "the policy takes no passwords here").into());
        };
        let context = self.eval_context(Phase::AfterInput);
        let environment = context.on(ResourceRef::None);
        let lookup = &self.progress.lookup;
        let typed = lookup.asking_for(|| (evaluate(who, &environment), evaluate(password, &environment)))?;
        let (Known::Value(ValueRef::Text(who)), Known::Value(ValueRef::Text(password))) = typed else {
            return Err(login_failed("the request doesn't say who logs in, or with which password"));
        };
        let account = lookup.asking_for(|| lookup.account(|| AccountQuery::Login(who.clone().into_owned())))?;
        let hash = match account {
            Known::Value(account) => account.password_hash.clone(),
            Known::Absent => None,
            Known::Unknown => return Err(account_unknown("nothing is known of the account").into()),
        };
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| rule.dummy());
        let task = || PasswordTask::new(rule.clone(), password.clone().into_owned(), hash);
        let outcome = lookup.asking_for(|| lookup.password(task))?;
        let Some(outcome) = outcome.filter(|outcome| !outcome.failed) else {
            return Err(account_unknown("nobody could say whether the password holds").into());
        };
        if !is_known || !outcome.matches {
            return Err(login_failed("there is no such account, or the password is another"));
        }
        if outcome.needs_rehash {
            let login = who.into_owned();
            self.progress.effects.push(Effect::Rehash { login });
        }
        Ok(())
    }

    /// Sets the caller to that of the token which is to be issued.
    pub(crate) fn admit(&mut self, kind: Id<Token>) -> Result<(), Halt> {
        let token = &self.policy.tokens[kind];
        let Some(mapping) = self.policy.mappings.iter().find(|mapping| mapping.token == kind) else { return Ok(()) };
        let issuer = self.issuer();
        let entropy = self.request.entropy.map(Entropy::new);
        let id = entropy.and_then(|entropy| family::token_id(&entropy, &token.name));
        let payload = issuer.payload(kind, issuer.expires(kind), id.as_deref())?;
        let claims = token::issued(self.policy, token, &payload)
            .map_err(|why| Denial::new(Code::AccountIncomplete, Stage::Issue, why).at(token.span))?;
        let identity = mapped(self.policy, mapping, kind, &claims)
            .map_err(|why| Denial::new(Code::AccountIncomplete, Stage::Issue, why).at(token.span))?;
        self.progress.user = Some(identity);
        // The cache has attributes of the earlier caller.
        self.progress.cache = Cache::default();
        Ok(())
    }
}

fn login_failed(why: &'static str) -> Halt {
    Denial { stage: Stage::Login, ..challenged_alone(Code::LoginFailed, why) }.into()
}

pub(crate) fn account_unknown(why: &'static str) -> Denial {
    Denial::new(Code::AccountUnknown, Stage::Login, why)
}
