//! The steps of a journey that can deny a request.

use serde_json::{Map, Value as Json};

use crate::collections::table::Id;
use crate::decide::browser::csrf;
use crate::decide::denial::Denial;
use crate::decide::journey::{Halt, Journey};
use crate::decide::limits;
use crate::decide::lookup::ChargeResults;
use crate::decide::schemas::{body, query};
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
                self.progress.effects.extend(charged.effects);
                // A refusal replaces the remainder of an earlier stage.
                let earlier = if charged.refused.is_some() { None } else { self.progress.tightest };
                self.progress.tightest = charged.tightest.map(|tightest| tightest.or(earlier)).or(earlier);
                self.progress.notes.extend(charged.notes);
                charged.refused.map_or(Ok(()), |denial| Err(denial.into()))
            }
            Probe::Csrf => {
                let Some(csrf) = &self.policy.csrf else {
                    return Err(Denial::new(Code::CsrfInvalid, Stage::Csrf, "the policy has no `csrf` block").into());
                };
                // A caller that the host authenticated may have used a cookie or a certificate.
                let token = self.progress.user.as_ref().and_then(|user| user.token);
                let carrier = token.map(|token| &self.policy.tokens[token].carrier);
                let check = csrf::Check {
                    csrf,
                    key: self.keys.csrf(),
                    cors: self.route.cors.map(|cors| &self.policy.cors[cors]),
                    target: &self.progress.target,
                    by_header: matches!(carrier, Some(TokenCarrier::Bearer | TokenCarrier::Header(_))),
                };
                Ok(csrf::check(&check, &self.request)?)
            }
            Probe::Query(shape) => {
                let validated = query::check(self.policy, shape, &self.progress.target, &self.checks())?;
                self.progress.input.query = Some(validated.value);
                self.progress.input.query_secrets = validated.secrets;
                Ok(())
            }
            Probe::Body(BodyRule::Raw) => Ok(body::check_size(&self.policy.transport, &self.with_known_body())?),
            Probe::Body(BodyRule::Empty) => {
                let request = self.with_known_body();
                body::check_empty(&request)?;
                // A client may send a body that it didn't announce.
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
                self.progress.input.body = Some(validated.value);
                self.progress.input.body_secrets = validated.secrets;
                Ok(())
            }
            Probe::Body(BodyRule::Token(token)) => {
                let token = &self.policy.tokens[token];
                let TokenCarrier::Body(field) = &token.carrier else { return Ok(()) };
                self.progress.body_token = body::check_token(
                    &self.policy.transport,
                    token,
                    field,
                    &self.with_body(self.policy.transport.max_body)?,
                )?;
                self.progress.input.body = Some(body::without_token());
                Ok(())
            }
            Probe::Password => self.password(),
            Probe::Redeemable(token) => self.redeemable(token),
            Probe::Revocable(token) => self.revocable(token),
            Probe::Admit(token) => self.admit(token),
        }
    }

    fn charge(&self, limits: &[Id<Limit>]) -> Result<limits::StageResult<'g>, Vec<Question>> {
        let lookup = &self.progress.lookup;
        let context = self.eval_context(Phase::AfterInput);
        let plan = lookup.asking_for(|| limits::plan(self.policy, limits, &context.on(ResourceRef::None)))?;
        let results = lookup.asking_for(|| lookup.charge(&plan.charges, self.request.now))?;
        Ok(match results {
            Some(ChargeResults { outcomes, effects }) => {
                let charged = plan.settle(&outcomes);
                limits::StageResult { effects: [effects, charged.effects].concat(), ..charged }
            }
            None => plan.unanswered(),
        })
    }

    /// The request with its body; asks for the body if the host hasn't read it.
    fn with_body(&self, most: usize) -> Result<Request<'_>, Vec<Question>> {
        self.progress.lookup.asking_for(|| self.progress.lookup.want_body(most))?;
        Ok(self.with_known_body())
    }

    /// The request with its body, if the host has read it.
    fn with_known_body(&self) -> Request<'_> {
        Request { body: self.progress.lookup.body(), ..self.request }
    }

    /// Evaluates a schema's `check`s. An unknown result counts as false.
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
