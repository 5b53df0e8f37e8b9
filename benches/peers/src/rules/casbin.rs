//! casbin: a line of policy a rule, with the matcher that its handbook teaches, and with one that fails early.

use casbin::rhai::ImmutableString;
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};

use super::{Question, Rule, rules};
use crate::engines::wait;
use crate::harness::contest::{Contest, load};

const USUAL: &str = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act";
/// The role tells most rules apart; and where callers are asked for by role, nobody has to look up their roles.
const REORDERED: &str = "r.sub == p.sub && r.obj == p.obj && r.act == p.act";

pub(super) fn enter<'q>(contest: &mut Contest<'q>, size: usize, questions: &'q [Question]) -> Result<(), String> {
    for (style, matcher) in [("casbin, matcher as usual", USUAL), ("casbin, matcher reordered", REORDERED)] {
        let (enforcer, cost) = load(|| enforcer(size, matcher));
        let enforcer = enforcer?;
        let requests: Vec<Vec<ImmutableString>> = questions.iter().map(request).collect();
        contest.enter(style, Some(cost), move |number| enforcer.enforce(requests[number].clone()).is_ok_and(|it| it));
    }
    Ok(())
}

fn enforcer(size: usize, matcher: &str) -> Result<Enforcer, String> {
    let model = format!(
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n[role_definition]\ng = _, _\n\
         [policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = {matcher}\n"
    );
    let lines = rules(size).map(|Rule { role, kind, action }| vec![role, kind, action]).collect();
    wait(async {
        let model = DefaultModel::from_str(&model).await?;
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
        enforcer.enable_auto_save(false);
        enforcer.add_policies(lines).await?;
        Ok(enforcer)
    })
    .map_err(|error: casbin::Error| format!("casbin: {error}"))
}

fn request(question: &Question) -> Vec<ImmutableString> {
    let Question { role, kind, action } = question;
    [role, kind, action].map(ImmutableString::from).to_vec()
}
