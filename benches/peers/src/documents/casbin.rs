//! casbin: one matcher over what the request brings.

use casbin::rhai::Dynamic;
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter};

use super::Question;
use crate::engines::wait;
use crate::harness::contest::{Contest, load};

const MODEL: &str = include_str!("../../policies/documents.conf");

pub(super) fn enter<'q>(contest: &mut Contest<'q>, questions: &'q [Question]) -> Result<(), String> {
    let (enforcer, load) =
        load(|| wait(async { Enforcer::new(DefaultModel::from_str(MODEL).await?, MemoryAdapter::default()).await }));
    let enforcer = enforcer.map_err(|error| format!("casbin: {error}"))?;
    let requests: Vec<Vec<Dynamic>> = questions.iter().map(request).collect();
    contest.enter("casbin, one matcher", Some(load), move |number| {
        enforcer.enforce(requests[number].clone()).is_ok_and(|allowed| allowed)
    });
    Ok(())
}

/// In the order of the model's `[request_definition]`.
fn request(question: &Question) -> Vec<Dynamic> {
    let text = |text: &str| Dynamic::from(text.to_owned());
    // Its integers are of 32 bits.
    let number = |number: i64| Dynamic::from(number as i32);
    vec![
        text(question.role),
        text(&question.user),
        text(question.department),
        text(question.action),
        text(&question.owner),
        text(question.document_department),
        text(question.status),
        text(question.classification),
        Dynamic::from(question.mfa),
        number(question.hour),
        number(question.risk),
    ]
}
