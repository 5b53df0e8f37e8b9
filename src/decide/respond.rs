//! Responses, and the decisions that carry them.

use std::borrow::Cow;
use std::slice;

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::decide::browser::cors;
use crate::decide::decision::{Caller, CheckContext, Decision};
use crate::decide::denial::Denial;
use crate::decide::journey::Journey;
use crate::decide::limits;
use crate::eval::attributes::AttributeSet;
use crate::graph::response_headers::ResponseHeaders;
use crate::graph::{DecisionGraph, Endpoint};
use crate::model::headers::{AnswerHeaders, Header, PROBLEM};
use crate::model::reason::{Code, Reason, Reasons, Stage};
use crate::model::source::Span;
use crate::protocol::decision::{Body, Input, Problem, Verdict};
use crate::protocol::request::{Request, Scheme};
use crate::typed::{Route, TypedPolicy};

/// The response of a decision.
pub(crate) enum Response<'g> {
    /// The reason is the door's.
    Allow(&'g [Reason<'static>]),
    /// No route has the path.
    NotFound,
    /// The path is known, but not with this method (RFC 9110 §15.5.6).
    MethodNotAllowed(&'g Endpoint),
    Denied(Denial),
    /// Every reason; the first decides.
    DeniedForAll(Vec<Denial>),
    /// A denial that looks like a path that doesn't exist.
    Concealed(Vec<Denial>),
    /// A redirect to the same target over https.
    Redirect(HeaderValue),
    Preflight(Vec<Header>),
    /// The methods of a path.
    Options(&'g Endpoint),
    /// A CSRF token, and the cookie of a fresh session if the request has none.
    CsrfToken {
        token: String,
        cookie: Option<HeaderValue>,
    },
    /// Tokens, in the body and in cookies.
    Tokens {
        body: serde_json::Value,
        headers: Vec<Header>,
    },
    /// A revoked token, and the header that removes its cookie.
    Revoked(Option<Header>),
}

static NOT_FOUND: [Reason<'static>; 1] = [constant_reason(Code::NotFound, Stage::Path, "no route has this path")];
static METHOD_NOT_ALLOWED: [Reason<'static>; 1] =
    [constant_reason(Code::MethodNotAllowed, Stage::Method, "the path is known, but not with this method")];

const fn constant_reason(code: Code, stage: Stage, message: &'static str) -> Reason<'static> {
    Reason { code, stage, message: Cow::Borrowed(message), span: None }
}

/// The facts about a request that its response depends on.
pub(crate) struct ResponseContext<'g, 'r, 'q> {
    pub(crate) policy: &'g TypedPolicy,
    pub(crate) graph: &'g DecisionGraph,
    pub(crate) request: &'q Request<'r>,
    pub(crate) scheme: Scheme,
    /// The canonical target; `None` if the request's target is malformed.
    pub(crate) target: Option<Cow<'r, str>>,
    /// The route that the request or its preflight is for.
    pub(crate) route: Option<&'g Route>,
    /// The headers of every answer.
    pub(crate) answer: &'g ResponseHeaders,
}

/// The decision on a request that went through the graph.
pub(crate) fn routed<'g, 'r>(journey: Journey<'g, 'r>, response: Response<'g>) -> Decision<'g, 'r> {
    // The progress is large: it is taken apart in place.
    let Journey { policy, graph, door, request, .. } = journey;
    let answer = &graph.headers[door.headers];
    let span = Some(journey.route.span);
    let answered = answer_for(policy, response, span, answer, journey.progress.target.scheme, &request);
    let Answered { verdict, status, reasons, mut headers, body } = answered;
    if let Some(tightest) = journey.progress.tightest {
        headers.limits = limits::headers(tightest, request.now);
    }
    let mut notes = Vec::new();
    for denial in journey.progress.notes {
        notes.push(reason(denial, None));
    }
    // A bad credential that didn't decide is worth a line in the log; a missing one is not.
    if let Some(bad) = journey.progress.credential_denial
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
        caller: journey.progress.user.map(|identity| Caller { policy, identity }),
        headers,
        removed_headers: &answer.removed,
        // RFC 9110 §9.3.2: the answer to `HEAD` has the headers and no body.
        body: body.filter(|_| verdict != Verdict::Answer || *request.method != Method::HEAD),
        // Only validated input is handed on.
        input: match verdict {
            Verdict::Deny => Input { params: journey.progress.input.params, ..Input::default() },
            Verdict::Allow | Verdict::Answer => journey.progress.input,
        },
        target: Some(journey.progress.target.canonical),
        secret_query: door.secret_query,
        effects: journey.progress.effects,
        check_context: CheckContext {
            policy,
            graph,
            context: journey.progress.lookup.into_context().map(AttributeSet::Json),
            client: journey.progress.target.client,
            now: request.now,
        },
    }
}

/// The decision on a request that reached no route.
pub(crate) fn unrouted<'g, 'r>(context: ResponseContext<'g, 'r, '_>, response: Response<'g>) -> Decision<'g, 'r> {
    let ResponseContext { policy, graph, request, scheme, target, route, answer } = context;
    let span = route.map(|route| route.span);
    let Answered { verdict, status, reasons, headers, body } =
        answer_for(policy, response, span, answer, scheme, request);
    let facts = request.facts.context.as_ref();
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
        check_context: CheckContext {
            policy,
            graph,
            context: facts.map(|context| AttributeSet::Json(Cow::Borrowed(context))),
            client: None,
            now: request.now,
        },
    }
}

/// The parts of a decision that depend on the response alone.
struct Answered<'g, 'r> {
    verdict: Verdict,
    status: StatusCode,
    reasons: Reasons<'g>,
    headers: AnswerHeaders<'g, 'r>,
    body: Option<Body>,
}

fn answer_for<'g, 'r>(
    policy: &'g TypedPolicy,
    response: Response<'g>,
    span: Option<Span>,
    answer: &'g ResponseHeaders,
    scheme: Scheme,
    request: &Request<'r>,
) -> Answered<'g, 'r> {
    let one = |code, stage, message| Reasons::one(Reason { span, ..constant_reason(code, stage, message) });
    let reasons_of = |denials: Vec<Denial>| denials.into_iter().map(|denial| reason(denial, span)).collect();
    let mut made: Cow<'_, [Header]> = Cow::Borrowed(&[]);
    let mut fixed: &[Header] = &[];
    let (verdict, reasons, body) = match response {
        Response::Allow(reasons) => (Verdict::Allow, Reasons::prebuilt(reasons), None),
        Response::NotFound => {
            fixed = &PROBLEM;
            (Verdict::Deny, Reasons::prebuilt(&NOT_FOUND), Some(problem(Code::NotFound)))
        }
        Response::MethodNotAllowed(endpoint) => {
            fixed = &endpoint.other_method;
            (Verdict::Deny, Reasons::prebuilt(&METHOD_NOT_ALLOWED), Some(problem(Code::MethodNotAllowed)))
        }
        Response::Denied(mut denial) => {
            fixed = &PROBLEM;
            made = std::mem::take(&mut denial.headers);
            let problem = problem_of(&mut denial);
            (Verdict::Deny, Reasons::one(reason(denial, span)), Some(problem))
        }
        Response::DeniedForAll(mut denials) => {
            fixed = &PROBLEM;
            made = denials.iter().flat_map(|denial| denial.headers.iter().cloned()).collect();
            let problem = denials.first_mut().map_or_else(|| problem(Code::PermissionDenied), problem_of);
            (Verdict::Deny, reasons_of(denials), Some(problem))
        }
        Response::Concealed(denials) => {
            // The reasons are for the host.
            fixed = &PROBLEM;
            (Verdict::Deny, reasons_of(denials), Some(problem(Code::NotFound)))
        }
        Response::Redirect(location) => {
            made = Cow::Owned(vec![(header::LOCATION, location)]);
            let message = "the request came in the clear, and holds nothing that was to be kept secret";
            (Verdict::Answer, one(Code::HttpsRedirect, Stage::Transport, message), None)
        }
        Response::Preflight(headers) => {
            made = Cow::Owned(headers);
            (Verdict::Answer, one(Code::CorsPreflight, Stage::Cors, "the page may send what it asks for"), None)
        }
        Response::Options(endpoint) => {
            let [_, allow] = &endpoint.other_method;
            fixed = slice::from_ref(allow);
            (Verdict::Answer, one(Code::Options, Stage::Method, "the path takes the methods in `Allow`"), None)
        }
        Response::CsrfToken { token, cookie } => {
            let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            // A cache would hand one session's token to another.
            let unstored = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            let cookie = cookie.map(|cookie| (header::SET_COOKIE, cookie));
            made = [json, unstored].into_iter().chain(cookie).collect();
            let body = Body::Json(json!({ "csrfToken": token }));
            (Verdict::Answer, one(Code::CsrfIssued, Stage::Issue, "a CSRF token is issued for the session"), Some(body))
        }
        Response::Tokens { body, headers } => {
            made = Cow::Owned(headers);
            let message = "the tokens that the route issues";
            (Verdict::Answer, one(Code::TokensIssued, Stage::Issue, message), Some(Body::Json(body)))
        }
        Response::Revoked(cookie) => {
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
    let policy_headers = match scheme {
        Scheme::Https => &answer.over_https,
        Scheme::Http => &answer.over_http,
    };
    let headers = AnswerHeaders { policy: policy_headers, limits: Vec::new(), fixed, made, cors, origin };
    Answered { verdict, status, reasons, headers, body }
}

/// The reason points at the most precise place that is known, or at the route.
pub(crate) fn reason<'g>(denial: Denial, route: Option<Span>) -> Reason<'g> {
    Reason { code: denial.code, stage: denial.stage, message: denial.message, span: denial.span.or(route) }
}

/// The problem with the code's own text.
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

/// The problem of a denial, which loses its violations and its detail.
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
