//! Decides requests with a store and an asynchronous host.

use std::future::ready;

use futures_util::future::join_all;
use portcullis::facts::{Account, AccountQuery, Record, TokenFact};
use portcullis::inquiry::{Answer, AnswerProblem, Question, Step};
use portcullis::keys::KeySet;
use portcullis::password::{PasswordOutcome, PasswordTask};
use portcullis::value::Known;
use portcullis::{Decision, Gate, Request};

use crate::host::{Recorded, answer, finish, is_opaque, record};
use crate::store::{Store, StoreError};

/// The most attempts to decide one request while other requests change the same family of tokens.
const MAX_ATTEMPTS: usize = 4;

/// A host that answers a decision's questions asynchronously: the twin of [`portcullis::Host`].
///
/// There is one method for each kind of [`Question`] that no [`Store`] answers. The default answer is *unknown*, which grants
/// nothing. Questions of one step are answered at the same time.
pub trait Host: Sync {
    /// The attributes that the policy's `context` declares.
    fn context(&self) -> impl Future<Output = Option<Record>> + Send {
        ready(None)
    }

    /// The attributes of a resource, such as `posts` and `42`. The id is unverified input.
    fn resource(&self, kind: &str, id: &str) -> impl Future<Output = Known<Record>> + Send {
        let _ = (kind, id);
        ready(Known::Unknown)
    }

    /// The whole body, empty if there is none. Of a longer body than `max` bytes, the first `max + 1` bytes suffice.
    fn body(&self, max: usize) -> impl Future<Output = Option<Vec<u8>>> + Send {
        let _ = max;
        ready(None)
    }

    /// A JWK set, by its name and its URL in the policy, with the `kid` of the token that it must verify.
    fn key_set(&self, name: &str, url: &str, key_id: Option<&str>) -> impl Future<Output = Option<KeySet>> + Send {
        let _ = (name, url, key_id);
        ready(None)
    }

    /// The claims of an opaque token of this kind, by `sha256:` and its digest.
    fn opaque_token(&self, kind: &str, id: &str) -> impl Future<Output = Known<Record>> + Send {
        let _ = (kind, id);
        ready(Known::Unknown)
    }

    /// The account that a client logs in to, or that a token belongs to.
    fn account(&self, query: &AccountQuery) -> impl Future<Output = Known<Account>> + Send {
        let _ = query;
        ready(Known::Unknown)
    }

    /// The match of a password with a hash. [`PasswordTask::run`] is slow on purpose, and would block an event loop: run it
    /// on a thread for blocking work.
    fn password(&self, task: &PasswordTask) -> impl Future<Output = Option<PasswordOutcome>> + Send {
        let _ = task;
        ready(None)
    }
}

/// An error of [`decide`]. The request must not be served: answer 503.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecideError {
    /// The decision's effects may not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store gave another number of outcomes than of charges.
    #[error(transparent)]
    Answer(#[from] AnswerProblem),
    /// Other requests changed the same family of tokens first, each time.
    #[error("other requests keep changing the same family of tokens")]
    Contended,
}

/// Decides one request: the store answers questions about limits and families of tokens, the host all others, and the
/// decision's families are written. Give the decision's slots back with [`finish`] when the request is answered.
///
/// The request is decided again, and charged again, a few times if another request has changed a family first. If the
/// future is dropped, what it has charged stays charged, and slots are free again after their limit's `timeout`.
///
/// # Errors
///
/// The effects may not be written, or other requests keep changing the same family. Slots are given back then.
///
/// ```
/// use std::num::NonZeroUsize;
///
/// use portcullis::facts::Record;
/// use portcullis::request::Scheme;
/// use portcullis::value::Known;
/// use portcullis::{Gate, Keys, Policy, Request, Source, Verdict};
/// use portcullis_store::{Host, Memory, decide, finish};
///
/// struct Posts;
///
/// impl Host for Posts {
///     async fn resource(&self, kind: &str, id: &str) -> Known<Record> {
///         match (kind, id) {
///             // A query of a database, in production.
///             ("posts", "42") => Known::Value(Record::from_iter([("public".to_owned(), true.into())])),
///             _ => Known::Absent,
///         }
///     }
/// }
///
/// async fn serve(gate: &Gate, store: &Memory, path: &str) -> Verdict {
///     let request = Request::new(&http::Method::GET, path, jiff::Timestamp::UNIX_EPOCH)
///         .scheme(Scheme::Https)
///         .peer([203, 0, 113, 9].into())
///         .body(b"");
///     let Ok(decision) = decide(gate, store, &Posts, &request).await else { return Verdict::Deny };
///     // Answer the request here.
///     let _ = finish(store, decision.effects()).await;
///     decision.verdict()
/// }
///
/// let text = r#"policy p
/// resource posts { actions read  public: bool }
/// limit reads { algorithm fixed_window  key client.ip  rate 2 per 1m }
/// routes / { limit reads  GET /posts/{id} public when resource.public on posts(id) }"#;
/// let gate = Policy::compile(&[Source::new("p.gate", text)])?.bind(&Keys::new())?;
/// let store = Memory::new(NonZeroUsize::new(1_000).expect("it isn't zero")); // keys
/// let verdicts = ["/posts/42", "/posts/43", "/posts/42"].map(|path| pollster::block_on(serve(&gate, &store, path)));
/// assert_eq!(verdicts, [Verdict::Allow, Verdict::Deny, Verdict::Deny]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn decide<'g>(
    gate: &'g Gate,
    store: &impl Store,
    host: &impl Host,
    request: &Request<'_>,
) -> Result<Decision<'g, 'static>, DecideError> {
    for _ in 0..MAX_ATTEMPTS {
        let decision = inquire(gate, store, host, request).await?;
        let recorded = record(store, decision.effects(), request.now).await;
        if recorded == Ok(Recorded::Done) {
            return Ok(decision);
        }
        // A slot that can't be given back is free again after its limit's `timeout`.
        let _ = finish(store, decision.effects()).await;
        if let Err(error) = recorded {
            return Err(error.into());
        }
    }
    Err(DecideError::Contended)
}

/// Decides one request without writing its effects.
async fn inquire<'g>(
    gate: &'g Gate,
    store: &impl Store,
    host: &impl Host,
    request: &Request<'_>,
) -> Result<Decision<'g, 'static>, AnswerProblem> {
    let mut inquiry = match gate.inquire(request) {
        Step::Decided(decision) => return Ok(decision.into_owned()),
        Step::Ask(inquiry) => inquiry,
    };
    loop {
        let pending = inquiry.questions().iter();
        let answers = join_all(pending.map(async |pending| {
            let found = match &pending.question {
                Question::Charge(_) => answer(store, &pending.question, request.now).await,
                Question::Token { id, .. } if !is_opaque(id) => answer(store, &pending.question, request.now).await,
                question => ask(host, question).await,
            };
            Some((pending.id, found?))
        }));
        let answers = answers.await;
        let step = inquiry.answer(answers.into_iter().flatten()).map_err(|error| error.problem().clone())?;
        inquiry = match step {
            Step::Decided(decision) => return Ok(decision),
            Step::Ask(inquiry) => inquiry,
        };
    }
}

/// The host's answer to a question that no store answers.
async fn ask(host: &impl Host, question: &Question) -> Option<Answer> {
    match question {
        Question::Context => host.context().await.map(Answer::Context),
        Question::Resource { kind, id } => host.resource(kind, id).await.supplied().map(Answer::Resource),
        Question::Body { max } => host.body(*max).await.map(Answer::Body),
        Question::KeySet { name, url, key_id } => host.key_set(name, url, key_id.as_deref()).await.map(Answer::KeySet),
        Question::Token { kind, id } => {
            let claims = host.opaque_token(kind, id).await.supplied()?;
            Some(Answer::Token(claims.map(TokenFact::Claims)))
        }
        Question::Account(query) => host.account(query).await.supplied().map(Answer::Account),
        Question::Password(task) => host.password(task).await.map(Answer::Password),
        _ => None,
    }
}
