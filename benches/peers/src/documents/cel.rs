//! cel: one expression, and an expression an action, which the host picks; variables are resolved without a map.

use std::sync::Arc;

use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::{Context, VariableResolver};
use cel::{Env, Program, Value};

use super::{ACTIONS, CEL, Question};
use crate::harness::contest::{Contest, load};

/// In the order of `ACTIONS`.
const EXPRESSIONS: [&str; 5] = [
    r#"risk < 90 && (role == "admin" || status == "published" && classification == "public"
       || role != "viewer" && owner == user || role == "editor" && document_department == department)"#,
    r#"risk < 90 && role != "viewer" && status != "archived""#,
    r#"risk < 90 && status != "archived" && (mfa || classification != "secret")
       && (role == "admin" || role != "viewer" && owner == user
           || role == "editor" && document_department == department)"#,
    r#"risk < 90 && status != "archived" && (mfa || classification != "secret")
       && (role == "admin" || role == "editor" && mfa && document_department == department)"#,
    r#"risk < 90 && status != "archived" && hour >= 6 && hour < 22 && (mfa || classification != "secret")
       && (role == "admin" || role != "viewer" && status == "draft" && owner == user)"#,
];

pub(super) fn enter<'q>(contest: &mut Contest<'q>, questions: &'q [Question]) -> Result<(), String> {
    let (programs, cost) = load(|| EXPRESSIONS.map(Program::compile).into_iter().collect::<Result<Vec<_>, _>>());
    let programs = programs.map_err(told)?;
    let picked = questions.iter().map(|question| ACTIONS.iter().position(|action| *action == question.action));
    let picked: Vec<usize> = picked.collect::<Option<_>>().ok_or("cel: an action without an expression")?;
    let contexts = contexts(questions);
    contest.enter(CEL, Some(cost), move |number| allows(&programs[picked[number]], &contexts[number]));

    let whole = ACTIONS.iter().zip(EXPRESSIONS).map(|(action, text)| format!("action == \"{action}\" && ({text})"));
    let whole = whole.collect::<Vec<_>>().join(" || ");
    let (program, cost) = load(|| Program::compile(&whole));
    let (program, contexts) = (program.map_err(told)?, self::contexts(questions));
    contest.enter("cel, one expression", Some(cost), move |number| allows(&program, &contexts[number]));
    Ok(())
}

fn allows(program: &Program, context: &Context<'_, '_>) -> bool {
    let value = Value::resolve_val(program.expression(), context);
    value.is_ok_and(|value| value.downcast_ref::<CelBool>().is_some_and(|allowed| *allowed.inner()))
}

fn contexts(questions: &[Question]) -> Vec<Context<'static, 'static>> {
    // What the contexts borrow lives as long as the process, as they do.
    let variables: &'static [Variables] = questions.iter().map(variables).collect::<Vec<_>>().leak();
    let env = Arc::new(Env::stdlib());
    let contexts = variables.iter().map(|variables| {
        let mut context = Context::with_env(Arc::clone(&env));
        context.set_variable_resolver(variables);
        context
    });
    contexts.collect()
}

fn told(error: impl std::fmt::Display) -> String {
    format!("cel: {error}")
}

struct Variables {
    action: CelString<'static>,
    role: CelString<'static>,
    user: CelString<'static>,
    department: CelString<'static>,
    owner: CelString<'static>,
    document_department: CelString<'static>,
    status: CelString<'static>,
    classification: CelString<'static>,
    mfa: CelBool,
    hour: CelInt,
    risk: CelInt,
}

fn variables(question: &Question) -> Variables {
    Variables {
        action: question.action.into(),
        role: question.role.into(),
        user: question.user.clone().into(),
        department: question.department.into(),
        owner: question.owner.clone().into(),
        document_department: question.document_department.into(),
        status: question.status.into(),
        classification: question.classification.into(),
        mfa: question.mfa.into(),
        hour: question.hour.into(),
        risk: question.risk.into(),
    }
}

impl VariableResolver for Variables {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let value: &dyn Val = match name {
            "action" => &self.action,
            "role" => &self.role,
            "user" => &self.user,
            "department" => &self.department,
            "owner" => &self.owner,
            "document_department" => &self.document_department,
            "status" => &self.status,
            "classification" => &self.classification,
            "mfa" => &self.mfa,
            "hour" => &self.hour,
            "risk" => &self.risk,
            _ => return None,
        };
        Some(CowVal::Borrowed(value))
    }
}
