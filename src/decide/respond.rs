//! The end of a journey: what was gathered becomes a decision.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::check::typed::{HeaderSet, PathSegment, Route, TypedPolicy};
use crate::model::decision::{Body, Caller, Decision, Input, Problem, Verdict};
use crate::model::reason::{Code, Reason, Stage};
use crate::model::request::{Request, Scheme};
use crate::model::value::Known;
use crate::shape::Shape;

use super::authenticate::Identity;
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
    /// Which methods a path takes, in an `Allow` header.
    Options((HeaderName, HeaderValue)),
    /// A CSRF token, and the cookie of a fresh session where none came.
    CsrfToken {
        token: String,
        cookie: Option<HeaderValue>,
    },
}

/// A decision on a request that no route took.
pub(super) fn unrouted<'g>(
    policy: &'g TypedPolicy,
    request: &Request<'_>,
    target: Option<&Target>,
    outcome: Outcome,
) -> Decision<'g> {
    let scheme = target.map_or(request.scheme, |target| target.scheme);
    let headers = &policy.headers[policy.default_headers];
    let mut decision = decision(outcome, None, over(headers, scheme));
    decision.target = target.map(|target| target.canonical.clone());
    decision
}

/// A decision on a request that went through the graph.
pub(super) fn routed<'g>(journey: Journey<'g, '_>, outcome: Outcome) -> Decision<'g> {
    let policy = journey.policy;
    let headers = over(&policy.headers[journey.route.headers], journey.target.scheme);
    let mut decision = decision(outcome, Some(journey.route), headers);
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
    decision.user = journey.user.map(|user| caller(policy, user));
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

fn decision<'g>(
    outcome: Outcome,
    route: Option<&'g Route>,
    policy_headers: &'g [(HeaderName, HeaderValue)],
) -> Decision<'g> {
    let one = |code: Code, stage, message| {
        vec![Reason { code, stage, message: Cow::Borrowed(message), span: route.map(|route| route.span) }]
    };
    let mut own_headers = Vec::new();
    let (verdict, reasons, body) = match outcome {
        Outcome::Allow => (Verdict::Allow, one(Code::Allowed, Stage::Allow, "every stage let the request pass"), None),
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
        policy_headers,
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
    let violations = denial.and_then(|denial| denial.violations.clone()).unwrap_or_default();
    Problem {
        kind: format!("urn:problem-type:portcullis:{}", code.as_str()),
        title: code.status().canonical_reason().unwrap_or_default(),
        status: code.status(),
        detail: denial.and_then(|denial| denial.detail.clone()).map_or(Cow::Borrowed(code.detail()), Cow::Owned),
        code: code.as_str(),
        errors: violations.list,
        truncated: violations.truncated,
    }
}

fn caller(policy: &TypedPolicy, user: Identity) -> Caller<'_> {
    let attributes = policy
        .attributes
        .iter()
        .zip(user.attributes)
        .filter_map(|(attribute, value)| match value {
            Known::Value(value) => Some((attribute.name.as_str(), value)),
            Known::Absent | Known::Unknown => None,
        })
        .collect();
    Caller {
        id: user.id,
        roles: user.role_names,
        tier: user.tier,
        attributes,
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
    let (Some(declared), Some(key)) = (&journey.policy.csrf, journey.keys.csrf()) else {
        return Outcome::Deny(vec![Denial::new(Code::CsrfInvalid, Stage::Issue, "the policy has no CSRF key")]);
    };
    let Some(entropy) = journey.request.entropy.map(Entropy::new) else { return no_entropy() };
    let came = match csrf::session(declared, journey.request.headers) {
        Ok(came) => came,
        Err(denial) => return Outcome::Deny(vec![denial]),
    };
    let (session, cookie) = match came {
        Some(session) => (session, None),
        None => {
            let Some((session, cookie)) = csrf::fresh_session(declared, &entropy) else { return no_entropy() };
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
