//! The end of a journey: what was gathered becomes a decision.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::check::typed::{Cors, HeaderSet, PathSegment, Route, TypedPolicy};
use crate::model::decision::{Body, Caller, Decision, Input, Problem, Verdict};
use crate::model::reason::{Code, Reason, Stage};
use crate::model::request::{Request, Scheme};
use crate::model::table::Id;
use crate::shape::Shape;

use super::authenticate::Identity;
use super::cors;
use super::csrf;
use super::entropy::Entropy;
use super::limit;
use super::transport::Target;
use super::{Denial, Journey};

/// How a journey ended.
pub(super) enum Outcome {
    Allow,
    /// At least one reason; the first decides.
    Deny(Vec<Denial>),
    /// The same, and whoever asked isn't to learn that there is something.
    Conceal(Vec<Denial>),
    /// To the same target over https.
    Redirect(HeaderValue),
    /// What a page of another origin may ask for.
    Preflight(Vec<(HeaderName, HeaderValue)>),
    /// Which methods a path takes, in an `Allow` header.
    Options((HeaderName, HeaderValue)),
    /// A CSRF token, and the cookie of a fresh session where none came.
    CsrfToken {
        token: String,
        cookie: Option<HeaderValue>,
    },
}

/// A request that doesn't get into the graph, and how far it came.
pub(super) struct Arrival<'d, 'g> {
    pub(super) request: &'d Request<'d>,
    pub(super) scheme: Scheme,
    pub(super) target: Option<&'d Target>,
    /// The route that a preflight asks about.
    pub(super) route: Option<&'g Route>,
    /// What holds of CORS: as that route says, or the policy.
    pub(super) cors: Option<Id<Cors>>,
}

/// A decision on a request that no route took.
pub(super) fn unrouted<'g>(policy: &'g TypedPolicy, arrival: &Arrival<'_, 'g>, outcome: Outcome) -> Decision<'g> {
    let Arrival { request, scheme, target, route, cors } = *arrival;
    let headers = &policy.headers[route.map_or(policy.default_headers, |route| route.headers)];
    let mut decision = decision(outcome, route, headers, scheme);
    add_cors(&mut decision, policy, cors, request);
    decision.target = target.map(|target| target.canonical.clone());
    decision
}

/// What CORS adds to every answer. An answer that differs by several headers says so in one line.
fn add_cors(decision: &mut Decision<'_>, policy: &TypedPolicy, block: Option<Id<Cors>>, request: &Request<'_>) {
    let Some(block) = block.map(|block| &policy.cors[block]) else { return };
    for (name, value) in cors::headers(block, request) {
        let by_hand = decision.policy_headers.iter().find(|(own, _)| *own == header::VARY && name == header::VARY);
        let value = match by_hand.and_then(|(_, by_hand)| by_hand.to_str().ok()) {
            Some(by_hand) => varying(by_hand, value),
            None => value,
        };
        decision.own_headers.push((name, value));
    }
}

/// `Vary` as the policy writes it, and `Origin`.
fn varying(by_hand: &str, origin: HeaderValue) -> HeaderValue {
    let covers = |name: &str| name == "*" || name.eq_ignore_ascii_case("origin");
    let all =
        if by_hand.split(',').map(str::trim).any(covers) { by_hand.to_owned() } else { format!("{by_hand}, Origin") };
    HeaderValue::from_str(&all).unwrap_or(origin)
}

/// A decision on a request that went through the graph.
pub(super) fn routed<'g>(journey: Journey<'g, '_>, outcome: Outcome) -> Decision<'g> {
    let policy = journey.policy;
    let headers = &policy.headers[journey.route.headers];
    let mut decision = decision(outcome, Some(journey.route), headers, journey.target.scheme);
    add_cors(&mut decision, policy, journey.route.cors, journey.request);
    if let Some(tightest) = journey.tightest {
        let own = std::mem::take(&mut decision.own_headers);
        decision.own_headers = limit::headers(tightest, journey.request.now);
        decision.own_headers.extend(own);
    }
    decision.effects = journey.effects;
    if decision.verdict == Verdict::Answer && *journey.request.method == Method::HEAD {
        // RFC 9110 §9.3.2: the headers of the answer, without its body.
        decision.body = None;
    }
    decision.user = journey.user.as_ref().map(|user| caller(policy, user));
    decision.target = Some(journey.target.canonical);
    decision.secret_query = journey.route.query.is_some_and(|query| has_secrets(&policy.shapes[query]));
    // A credential that didn't hold, and yet didn't decide, is worth a line in the log; none at all is not.
    let bad = journey.credential.filter(|denial| denial.code != Code::CredentialMissing);
    let noted = bad.filter(|denial| decision.reasons.first().is_none_or(|reason| reason.code != denial.code));
    decision.notes = journey.notes.into_iter().chain(noted).map(|denial| reason(denial, None)).collect();
    // What wasn't validated isn't handed on.
    let verdict = decision.verdict;
    decision.input = if verdict == Verdict::Deny {
        Input { params: journey.input.params, ..Input::default() }
    } else {
        journey.input
    };
    decision
}

/// Of a query's schema, whose fields hold no others.
fn has_secrets(shape: &Shape) -> bool {
    shape.fields.iter().any(|field| field.secret)
}

fn over(headers: &HeaderSet, scheme: Scheme) -> &[(HeaderName, HeaderValue)] {
    match scheme {
        Scheme::Https => &headers.over_https,
        Scheme::Http => &headers.over_http,
    }
}

fn decision<'g>(outcome: Outcome, route: Option<&'g Route>, headers: &'g HeaderSet, scheme: Scheme) -> Decision<'g> {
    let one = |code: Code, stage, message| {
        vec![Reason { code, stage, message: Cow::Borrowed(message), span: route.map(|route| route.span) }]
    };
    let mut own_headers = Vec::new();
    let (verdict, reasons, body) = match outcome {
        Outcome::Allow => (Verdict::Allow, one(Code::Allowed, Stage::Allow, "every stage let the request pass"), None),
        Outcome::Redirect(location) => {
            own_headers.push((header::LOCATION, location));
            let message = "the request came in the clear, and holds nothing that was to be kept secret";
            (Verdict::Answer, one(Code::HttpsRedirect, Stage::Transport, message), None)
        }
        Outcome::Preflight(headers) => {
            own_headers.extend(headers);
            (Verdict::Answer, one(Code::CorsPreflight, Stage::Cors, "the page may send what it asks for"), None)
        }
        Outcome::Options(allow) => {
            own_headers.push(allow);
            (Verdict::Answer, one(Code::Options, Stage::Method, "the path takes the methods in `Allow`"), None)
        }
        Outcome::CsrfToken { token, cookie } => {
            own_headers.push((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
            // A cache would hand one session's token to another.
            own_headers.push((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
            own_headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
            let body = Body::Json(json!({ "csrfToken": token }));
            (Verdict::Answer, one(Code::CsrfIssued, Stage::Issue, "a CSRF token is issued for the session"), Some(body))
        }
        Outcome::Deny(denials) => {
            let problem = problem(denials.first());
            own_headers.push((header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
            own_headers.extend(denials.iter().flat_map(|denial| denial.headers.clone()));
            let reasons = denials.into_iter().map(|denial| reason(denial, route)).collect();
            (Verdict::Deny, reasons, Some(Body::Problem(problem)))
        }
        Outcome::Conceal(denials) => {
            // The reasons are for the host; who asked sees what they would see of a path that doesn't exist.
            let problem = problem(Some(&Denial::new(Code::NotFound, Stage::Path, "")));
            own_headers.push((header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
            let reasons = denials.into_iter().map(|denial| reason(denial, route)).collect();
            (Verdict::Deny, reasons, Some(Body::Problem(problem)))
        }
    };
    let status = match &body {
        Some(Body::Problem(problem)) => problem.status,
        Some(Body::Json(_)) | None => {
            reasons.first().map_or(StatusCode::FORBIDDEN, |reason: &Reason<'_>| reason.code.status())
        }
    };
    Decision {
        verdict,
        status,
        reasons,
        notes: Vec::new(),
        user: None,
        policy_headers: over(headers, scheme),
        removed_headers: &headers.removed,
        own_headers,
        body,
        input: Input::default(),
        target: None,
        secret_query: false,
        effects: Vec::new(),
    }
}

/// A reason points at the most precise place that is known, or at the route.
fn reason<'g>(denial: Denial, route: Option<&Route>) -> Reason<'g> {
    let span = denial.span.or(route.map(|route| route.span));
    Reason { code: denial.code, stage: denial.stage, message: denial.message, span }
}

fn problem(denial: Option<&Denial>) -> Problem {
    let code = denial.map_or(Code::PermissionDenied, |denial| denial.code);
    let violations = denial.and_then(|denial| denial.violations.as_deref().cloned()).unwrap_or_default();
    Problem {
        kind: format!("urn:problem-type:portcullis:{}", code.as_str()),
        title: code.status().canonical_reason().unwrap_or_default(),
        status: code.status(),
        detail: denial
            .and_then(|denial| denial.detail.clone())
            .map_or(Cow::Borrowed(code.detail()), |detail| Cow::Owned(detail.into_string())),
        code: code.as_str(),
        errors: violations.list,
        truncated: violations.truncated,
    }
}

fn caller<'g>(policy: &'g TypedPolicy, user: &Identity<'_>) -> Caller<'g> {
    Caller {
        id: user.id.to_string(),
        roles: user.role_names.to_vec(),
        tier: user.tier.as_deref().map(ToOwned::to_owned),
        attributes: user.values(policy),
        token: user.token.map(|token| policy.tokens[token].name.as_str()),
    }
}

/// The values of a route's path parameters.
pub(super) fn params<'g>(route: &'g Route, segments: &[String]) -> Vec<(&'g str, String)> {
    let mut params = Vec::new();
    for (at, segment) in route.path.iter().enumerate() {
        match segment {
            PathSegment::Literal(_) => {}
            PathSegment::Parameter { name, .. } => {
                params.extend(segments.get(at).map(|value| (name.as_str(), value.clone())));
            }
            PathSegment::Rest(name) => {
                params.push((name.as_str(), segments.get(at..).unwrap_or_default().join("/")));
            }
        }
    }
    params
}

/// A token for the session that came, or for a fresh one.
pub(super) fn csrf_token(journey: &Journey<'_, '_>) -> Outcome {
    let declared = journey.policy.csrf.as_ref();
    let layer = declared.and_then(|csrf| csrf.token.as_ref());
    let (Some(declared), Some(layer), Some(key)) = (declared, layer, journey.keys.csrf()) else {
        return Outcome::Deny(vec![Denial::new(Code::CsrfInvalid, Stage::Issue, "the policy has no CSRF key")]);
    };
    let Some(entropy) = journey.request.entropy.map(Entropy::new) else { return no_entropy() };
    let came = match csrf::session(declared, layer, journey.request.headers) {
        Ok(came) => came,
        Err(denial) => return Outcome::Deny(vec![denial]),
    };
    let (session, cookie) = match came {
        Some(session) => (session, None),
        None => {
            let Some((session, cookie)) = csrf::fresh_session(layer, &entropy) else { return no_entropy() };
            (session, Some(cookie))
        }
    };
    match csrf::issue(key, &session, journey.request.now, &entropy) {
        Some(token) => Outcome::CsrfToken { token, cookie },
        None => no_entropy(),
    }
}

fn no_entropy() -> Outcome {
    let message = "a token should be issued, and the host supplied no entropy";
    Outcome::Deny(vec![Denial::new(Code::EntropyMissing, Stage::Issue, message)])
}
