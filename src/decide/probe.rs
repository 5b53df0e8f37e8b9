//! The steps of a journey that can fail, and then say why.

use serde_json::{Map, Value as Json};

use crate::collections::table::Id;
use crate::decide::browser::csrf;
use crate::decide::journey::{Halt, Journey};
use crate::decide::lookup::Reckoned;
use crate::decide::schemas::{body, query};
use crate::decide::{Denial, limits};
use crate::eval::context::{Cache, EvalContext, ResourceRef};
use crate::eval::evaluate::truth;
use crate::graph::{Phase, Probe};
use crate::model::reason::{Code, Stage};
use crate::model::truth::Truths;
use crate::protocol::question::Question;
use crate::protocol::request::Request;
use crate::typed::schemas::Check;
use crate::typed::{BodyRule, Limit, TokenCarrier};

impl<'g> Journey<'g, '_> {
    pub(crate) fn probe(&mut self, probe: Probe) -> Result<(), Halt> {
        match probe {
            Probe::Charge(set) => {
                let charged = self.charge(&self.graph.limit_sets[set])?;
                self.effects.extend(charged.effects);
                // A refusal is told of, whatever an earlier stage had left.
                let earlier = if charged.refused.is_some() { None } else { self.tightest };
                self.tightest = charged.tightest.map(|tightest| tightest.or(earlier)).or(earlier);
                self.notes.extend(charged.notes);
                charged.refused.map_or(Ok(()), |denial| Err(denial.into()))
            }
            Probe::Csrf => {
                let Some(csrf) = &self.policy.csrf else {
                    return Err(Denial::new(Code::CsrfInvalid, Stage::Csrf, "the policy has no `csrf` block").into());
                };
                // A caller whom the host vouches for may have come by a cookie or a certificate.
                let token = self.user.as_ref().and_then(|user| user.token);
                let carrier = token.map(|token| &self.policy.tokens[token].carrier);
                let check = csrf::Check {
                    csrf,
                    key: self.keys.csrf(),
                    cors: self.route.cors.map(|cors| &self.policy.cors[cors]),
                    target: &self.target,
                    by_header: matches!(carrier, Some(TokenCarrier::Bearer | TokenCarrier::Header(_))),
                };
                Ok(csrf::check(&check, &self.request)?)
            }
            Probe::Query(shape) => {
                let validated = query::check(self.policy, shape, &self.target, &self.checks())?;
                self.input.query = Some(validated.value);
                self.input.query_secrets = validated.secrets;
                Ok(())
            }
            Probe::Body(BodyRule::Raw) => Ok(body::check_size(&self.policy.transport, &self.so_far())?),
            Probe::Body(BodyRule::Empty) => {
                let request = self.so_far();
                body::check_empty(&request)?;
                // Whoever has announced none may send one all the same.
                if request.body.is_none() {
                    body::check_empty(&self.with_body(0)?)?;
                }
                Ok(())
            }
            Probe::Body(BodyRule::Shape(shape)) => {
                let validated = body::check_shape(
                    self.policy,
                    shape,
                    &self.with_body(self.policy.transport.max_body)?,
                    &self.checks(),
                )?;
                self.input.body = Some(validated.value);
                self.input.body_secrets = validated.secrets;
                Ok(())
            }
            Probe::Body(BodyRule::Token(token)) => {
                let token = &self.policy.tokens[token];
                let TokenCarrier::Body(field) = &token.carrier else { return Ok(()) };
                self.carried = body::check_token(
                    &self.policy.transport,
                    token,
                    field,
                    &self.with_body(self.policy.transport.max_body)?,
                )?;
                self.input.body = Some(body::without_token());
                Ok(())
            }
            Probe::Password => self.password(),
            Probe::Redeemable(token) => self.redeemable(token),
            Probe::Revocable(token) => self.revocable(token),
            Probe::Admit(token) => self.admit(token),
        }
    }

    fn charge(&self, limits: &[Id<Limit>]) -> Result<limits::Charged<'g>, Vec<Question>> {
        self.lookup.start();
        let context = self.eval_context(Phase::AfterInput);
        let plan = limits::plan(self.policy, limits, &context.on(ResourceRef::None));
        self.lookup.wanted()?;
        let reckoned = self.lookup.charge(&plan.charges, self.request.now);
        self.lookup.wanted()?;
        Ok(match reckoned {
            Some(Reckoned { outcomes, effects }) => {
                let charged = plan.settle(&outcomes);
                limits::Charged { effects: [effects, charged.effects].concat(), ..charged }
            }
            None => plan.unanswered(),
        })
    }

    /// The request with its body, which the host may not have read yet.
    fn with_body(&self, most: usize) -> Result<Request<'_>, Vec<Question>> {
        self.lookup.start();
        self.lookup.want_body(most);
        self.lookup.wanted()?;
        Ok(self.so_far())
    }

    /// The request with the body, where that was read already.
    fn so_far(&self) -> Request<'_> {
        Request { body: self.lookup.body(), ..self.request }
    }

    /// Which of a schema's `check`s hold: where that is unknown, one doesn't.
    fn checks(&self) -> impl Fn(&[&Check], &Map<String, Json>) -> Vec<bool> {
        let (policy, now) = (self.policy, Some(self.request.now));
        move |checks, fields| {
            let cache = Cache::default();
            let holds = |check: &&Check| {
                let siblings = Some((check.reads.as_slice(), fields));
                let context = EvalContext { now, siblings, cache: Some(&cache), ..EvalContext::empty(policy) };
                truth(&check.expr, &context.on(ResourceRef::None)) == Truths::TRUE
            };
            checks.iter().map(holds).collect()
        }
    }
}
