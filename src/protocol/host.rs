//! A host that answers a decision's questions at once.

use crate::keys::KeySet;
use crate::limit::{Charge, Outcome};
use crate::model::value::Known;
use crate::password::{PasswordOutcome, PasswordTask};
use crate::protocol::account::{Account, AccountQuery, TokenFact};
use crate::protocol::facts::Record;
use crate::protocol::question::{Answer, Question};

/// A host that answers a decision's questions while [`Gate::decide_with`](crate::Gate::decide_with) runs.
///
/// There is one method for each kind of [`Question`]. The default answer is *unknown*, which grants nothing;
/// [`Policy::requires`](crate::Policy::requires) lists what a policy can ask for.
pub trait Host {
    /// The attributes that the policy's `context` declares.
    fn context(&mut self) -> Option<Record> {
        None
    }

    /// The attributes of a resource, such as `posts` and `42`. The id is unverified input.
    fn resource(&mut self, kind: &str, id: &str) -> Known<Record> {
        let _ = (kind, id);
        Known::Unknown
    }

    /// The outcome of each charge of a stage, in their order: see [`limit::charge_all`](crate::limit::charge_all). With
    /// another number of outcomes than of charges, the outcomes are unknown.
    fn charge(&mut self, charges: &[Charge]) -> Option<Vec<Outcome>> {
        let _ = charges;
        None
    }

    /// The whole body, empty if there is none. Of a longer body than `max` bytes, the first `max + 1` bytes suffice.
    fn body(&mut self, max: usize) -> Option<Vec<u8>> {
        let _ = max;
        None
    }

    /// A JWK set, by its name and its URL in the policy, with the `kid` of the token that it must verify.
    fn key_set(&mut self, name: &str, url: &str, key_id: Option<&str>) -> Option<KeySet> {
        let _ = (name, url, key_id);
        None
    }

    /// The fact about a token of this kind: see [`Question::Token`].
    fn token(&mut self, kind: &str, id: &str) -> Known<TokenFact> {
        let _ = (kind, id);
        Known::Unknown
    }

    /// The account that a client logs in to, or that a token belongs to.
    fn account(&mut self, query: &AccountQuery) -> Known<Account> {
        let _ = query;
        Known::Unknown
    }

    /// The match of a password with a hash. By default the calling thread computes it, which takes as long as the policy's
    /// `password` block asks for.
    fn password(&mut self, task: &PasswordTask) -> Option<PasswordOutcome> {
        Some(task.run())
    }
}

/// The host's answer to a question; `None` if it is unknown.
pub(crate) fn answer(host: &mut (impl Host + ?Sized), question: &Question) -> Option<Answer> {
    match question {
        Question::Context => host.context().map(Answer::Context),
        Question::Resource { kind, id } => host.resource(kind, id).supplied().map(Answer::Resource),
        Question::Charge(charges) => host.charge(charges).map(Answer::Charge),
        Question::Body { max } => host.body(*max).map(Answer::Body),
        Question::KeySet { name, url, key_id } => host.key_set(name, url, key_id.as_deref()).map(Answer::KeySet),
        Question::Token { kind, id } => host.token(kind, id).supplied().map(Answer::Token),
        Question::Account(query) => host.account(query).supplied().map(Answer::Account),
        Question::Password(task) => host.password(task).map(Answer::Password),
    }
}
