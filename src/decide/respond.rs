//! The end of a journey: what was gathered becomes a decision.

use std::borrow::Cow;
use std::net::IpAddr;
use std::slice;

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::decide::browser::{cors, csrf};
use crate::decide::callers::entropy::Entropy;
use crate::decide::callers::issuer::no_entropy;
use crate::decide::decision::{Asked, Caller, Decision};
use crate::decide::journey::{Journey, Progress};
use crate::decide::{Denial, limits};
use crate::eval::attributes::AttributeSet;
use crate::graph::{Answer, DecisionGraph, Endpoint};
use crate::model::headers::{AnswerHeaders, Header, PROBLEM};
use crate::model::reason::{Code, Reason, Reasons, Stage};
use crate::model::source::Span;
use crate::protocol::decision::{Body, Input, Problem, Verdict};
use crate::protocol::facts::Record;
use crate::protocol::request::{Request, Scheme};
use crate::typed::{Route, TypedPolicy};

/// How a journey ended.
pub(crate) enum Outcome<'g> {
    /// With the reason that stands with the door.
    Allow(&'g [Reason<'static>]),
    /// No route has the path.
    NotFound,
    /// The path is known, but not with this method (RFC 9110 §15.5.6).
    OtherMethod(&'g Endpoint),
    Denied(Denial),
    /// At least one reason; the first decides.
    Deny(Vec<Denial>),
    /// The same, and whoever asked isn't to learn that there is something.
    Conceal(Vec<Denial>),
    /// To the same target over https.
    Redirect(HeaderValue),
    /// What a page of another origin may ask for.
    Preflight(Vec<Header>),
    /// Which methods a path takes.
    Options(&'g Endpoint),
    /// A CSRF token, and the cookie of a fresh session where none came.
    CsrfToken {
        token: String,
        cookie: Option<HeaderValue>,
    },
    /// Tokens, in the body and in cookies.
    Tokens {
        body: serde_json::Value,
        headers: Vec<Header>,
    },
    /// A token is out of use, and out of its cookie where it had one.
    Revoked(Option<Header>),
}

static NOT_FOUND: [Reason<'static>; 1] = [said(Code::NotFound, Stage::Path, "no route has this path")];
static OTHER_METHOD: [Reason<'static>; 1] =
    [said(Code::MethodNotAllowed, Stage::Method, "the path is known, but not with this method")];

const fn said(code: Code, stage: Stage, message: &'static str) -> Reason<'static> {
    Reason { code, stage, message: Cow::Borrowed(message), span: None }
}

/// A request that doesn't get into the graph, and how far it came.
pub(crate) struct Arrival<'g, 'r, 'q> {
    pub(crate) graph: &'g DecisionGraph,
    pub(crate) request: &'q Request<'r>,
    pub(crate) scheme: Scheme,
    pub(crate) target: Option<Cow<'r, str>>,
    /// The route that a preflight asks about.
    pub(crate) route: Option<&'g Route>,
    /// What goes out with every answer.
    pub(crate) answer: &'g Answer,
}

/// A decision on a request that no route took.
pub(crate) fn unrouted<'g, 'r>(
    policy: &'g TypedPolicy,
    arrival: Arrival<'g, 'r, '_>,
    outcome: Outcome<'g>,
) -> Decision<'g, 'r> {
    let Arrival { graph, request, scheme, target, route, answer } = arrival;
    let span = route.map(|route| route.span);
    let Ended { verdict, status, reasons, headers, body } = ended(policy, outcome, span, (answer, scheme), request);
    Decision {
        verdict,
        status,
        reasons,
        notes: Vec::new(),
        caller: None,
        headers,
        removed_headers: &answer.removed,
        body,
        input: Input::default(),
        target,
        secret_query: false,
        effects: Vec::new(),
        asked: asked(policy, graph, request, None, request.facts.context.as_ref().map(Cow::Borrowed)),
    }
}

/// What further questions are asked of.
fn asked<'g, 'r>(
    policy: &'g TypedPolicy,
    graph: &'g DecisionGraph,
    request: &Request<'r>,
    client: Option<IpAddr>,
    context: Option<Cow<'r, Record>>,
) -> Asked<'g, 'r> {
    Asked { policy, graph, context: context.map(AttributeSet::Json), client, now: request.now }
}

/// The decision on a request that went through the graph.
pub(crate) fn routed<'g, 'r>(journey: Journey<'g, 'r>, outcome: Outcome<'g>) -> Decision<'g, 'r> {
    let Journey { policy, graph, door, route, request, progress, .. } = journey;
    let Progress { target, user, credential_denial, notes: denials, tightest, effects, input, lookup, .. } = progress;
    let answer = &graph.answers[door.answer];
    let ended = ended(policy, outcome, Some(route.span), (answer, target.scheme), &request);
    let Ended { verdict, status, reasons, mut headers, body } = ended;
    if let Some(tightest) = tightest {
        headers.limits = limits::headers(tightest, request.now);
    }
    let mut notes = Vec::new();
    for denial in denials {
        notes.push(reason(denial, None));
    }
    // A bad credential that didn't decide is worth a line in the log; a missing one is not.
    if let Some(bad) = credential_denial
        && bad.code != Code::CredentialMissing
        && reasons.first().is_none_or(|reason| reason.code != bad.code)
    {
        notes.push(reason(bad, None));
    }
    Decision {
        verdict,
        status,
        reasons,
        notes,
        caller: user.map(|identity| Caller { policy, identity }),
        headers,
        removed_headers: &answer.removed,
        // RFC 9110 §9.3.2: the answer to `HEAD` has the headers and no body.
        body: body.filter(|_| verdict != Verdict::Answer || *request.method != Method::HEAD),
        // Only validated input is handed on.
        input: match verdict {
            Verdict::Deny => Input { params: input.params, ..Input::default() },
            Verdict::Allow | Verdict::Answer => input,
        },
        secret_query: door.secret_query,
        effects,
        asked: asked(policy, graph, &request, target.client, lookup.into_context()),
        target: Some(target.canonical),
    }
}

fn over(answer: &Answer, scheme: Scheme) -> &[Header] {
    match scheme {
        Scheme::Https => &answer.over_https,
        Scheme::Http => &answer.over_http,
    }
}

/// What an outcome makes of the answer.
struct Ended<'g, 'r> {
    verdict: Verdict,
    status: StatusCode,
    reasons: Reasons<'g>,
    headers: AnswerHeaders<'g, 'r>,
    body: Option<Body>,
}

fn ended<'g, 'r>(
    policy: &'g TypedPolicy,
    outcome: Outcome<'g>,
    span: Option<Span>,
    (answer, scheme): (&'g Answer, Scheme),
    request: &Request<'r>,
) -> Ended<'g, 'r> {
    let one = |code, stage, message| Reasons::one(Reason { span, ..said(code, stage, message) });
    let mut made: Cow<'_, [Header]> = Cow::Borrowed(&[]);
    let mut fixed: &[Header] = &[];
    let (verdict, reasons, body) = match outcome {
        Outcome::Allow(reasons) => (Verdict::Allow, Reasons::prebuilt(reasons), None),
        Outcome::NotFound => {
            fixed = &PROBLEM;
            (Verdict::Deny, Reasons::prebuilt(&NOT_FOUND), Some(problem(Code::NotFound)))
        }
        Outcome::OtherMethod(endpoint) => {
            fixed = &endpoint.other_method;
            (Verdict::Deny, Reasons::prebuilt(&OTHER_METHOD), Some(problem(Code::MethodNotAllowed)))
        }
        Outcome::Denied(mut denial) => {
            fixed = &PROBLEM;
            made = std::mem::take(&mut denial.headers);
            let problem = problem_of(&mut denial);
            (Verdict::Deny, Reasons::one(reason(denial, span)), Some(problem))
        }
        Outcome::Deny(mut denials) => {
            fixed = &PROBLEM;
            made = denials.iter().flat_map(|denial| denial.headers.iter().cloned()).collect();
            let problem = denials.first_mut().map_or_else(|| problem(Code::PermissionDenied), problem_of);
            let reasons = denials.into_iter().map(|denial| reason(denial, span)).collect();
            (Verdict::Deny, reasons, Some(problem))
        }
        Outcome::Conceal(denials) => {
            // The reasons are for the host; who asked sees what they would see of a path that doesn't exist.
            fixed = &PROBLEM;
            let reasons = denials.into_iter().map(|denial| reason(denial, span)).collect();
            (Verdict::Deny, reasons, Some(problem(Code::NotFound)))
        }
        Outcome::Redirect(location) => {
            made = Cow::Owned(vec![(header::LOCATION, location)]);
            let message = "the request came in the clear, and holds nothing that was to be kept secret";
            (Verdict::Answer, one(Code::HttpsRedirect, Stage::Transport, message), None)
        }
        Outcome::Preflight(headers) => {
            made = Cow::Owned(headers);
            (Verdict::Answer, one(Code::CorsPreflight, Stage::Cors, "the page may send what it asks for"), None)
        }
        Outcome::Options(endpoint) => {
            let [_, allow] = &endpoint.other_method;
            fixed = slice::from_ref(allow);
            (Verdict::Answer, one(Code::Options, Stage::Method, "the path takes the methods in `Allow`"), None)
        }
        Outcome::CsrfToken { token, cookie } => {
            let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            // A cache would hand one session's token to another.
            let unstored = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            let cookie = cookie.map(|cookie| (header::SET_COOKIE, cookie));
            made = [json, unstored].into_iter().chain(cookie).collect();
            let body = Body::Json(json!({ "csrfToken": token }));
            (Verdict::Answer, one(Code::CsrfIssued, Stage::Issue, "a CSRF token is issued for the session"), Some(body))
        }
        Outcome::Tokens { body, headers } => {
            made = Cow::Owned(headers);
            let message = "the tokens that the route issues";
            (Verdict::Answer, one(Code::TokensIssued, Stage::Issue, message), Some(Body::Json(body)))
        }
        Outcome::Revoked(cookie) => {
            made = cookie.into_iter().collect();
            let message = "no token of the family holds any more";
            (Verdict::Answer, one(Code::TokenRevoked, Stage::Login, message), None)
        }
    };
    let status = match &body {
        Some(Body::Problem(problem)) => problem.status,
        Some(Body::Json(_)) | None => reasons.first().map_or(StatusCode::FORBIDDEN, |reason| reason.code.status()),
    };
    let (cors, origin) = match &answer.cors {
        Some(answer) => cors::headers(&policy.cors[answer.block], answer, request),
        None => (&[][..], None),
    };
    let headers = AnswerHeaders { policy: over(answer, scheme), limits: Vec::new(), fixed, made, cors, origin };
    Ended { verdict, status, reasons, headers, body }
}

/// A reason points at the most precise place that is known, or at the route.
fn reason<'g>(denial: Denial, route: Option<Span>) -> Reason<'g> {
    Reason { code: denial.code, stage: denial.stage, message: denial.message, span: denial.span.or(route) }
}

/// A problem in its code's own words.
fn problem(code: Code) -> Body {
    Body::Problem(Problem {
        kind: code.problem_type(),
        title: code.status().canonical_reason().unwrap_or_default(),
        status: code.status(),
        detail: Cow::Borrowed(code.detail()),
        code: code.as_str(),
        errors: Vec::new(),
        truncated: false,
    })
}

/// The problem of what denied, which then has no words of its own any more.
fn problem_of(denial: &mut Denial) -> Body {
    let mut body = problem(denial.code.public_code());
    if let Body::Problem(problem) = &mut body {
        if let Some(violations) = denial.violations.take() {
            (problem.errors, problem.truncated) = (violations.list, violations.truncated);
        }
        if let Some(detail) = denial.detail.take() {
            problem.detail = Cow::Owned(detail.into_string());
        }
    }
    body
}

/// A token for the session that came, or for a fresh one.
pub(crate) fn csrf_token(journey: &Journey<'_, '_>) -> Outcome<'static> {
    let declared = journey.policy.csrf.as_ref();
    let layer = declared.and_then(|csrf| csrf.token.as_ref());
    let (Some(declared), Some(layer), Some(key)) = (declared, layer, journey.keys.csrf()) else {
        return Outcome::Denied(Denial::new(Code::CsrfInvalid, Stage::Issue, "the policy has no CSRF key"));
    };
    let no_entropy = || Outcome::Denied(no_entropy());
    let Some(entropy) = journey.request.entropy.map(Entropy::new) else { return no_entropy() };
    let came = match csrf::session(declared, layer, journey.request.headers) {
        Ok(came) => came,
        Err(denial) => return Outcome::Denied(denial),
    };
    let (session, cookie) = match came {
        Some(session) => (session, None),
        None => {
            let Some((session, cookie)) = csrf::fresh_session(layer, &entropy) else { return no_entropy() };
            (Cow::Owned(session), Some(cookie))
        }
    };
    match csrf::issue(key, &session, journey.request.now, &entropy) {
        Some(token) => Outcome::CsrfToken { token, cookie },
        None => no_entropy(),
    }
}
