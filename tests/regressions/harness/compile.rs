//! What holds of any text that is compiled as a policy.

use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use portcullis::syntax::tree::{DeclarationKind, Segment};
use portcullis::{Facts, KeyProblem, Keys, Policy, Request, Scheme, Source, User, Verdict, syntax};

use crate::spans;

/// How many of a policy's doors are knocked at.
const DOORS: usize = 8;

/// Panics where it doesn't hold.
pub(crate) fn check(bytes: &[u8]) {
    let sources = [Source::new("fuzz.gate", bytes)];
    let policy = match Policy::compile(&sources) {
        Ok(policy) => policy,
        Err(problems) => {
            assert!(!problems.is_empty(), "it wasn't compiled, and nothing is said about it");
            for problem in &problems {
                spans::can_be_shown(&sources, problem);
            }
            return;
        }
    };
    assert!(!policy.graph().text().is_empty());
    assert!(!policy.graph().dot().is_empty());
    let again = Policy::compile(&sources).map(|policy| policy.graph().text());
    assert_eq!(again.ok(), Some(policy.graph().text()), "the same text gave another graph");

    let gate = match policy.bind(&ring(&policy)) {
        Ok(gate) => gate,
        Err(error) => panic!("a full ring doesn't do: {error}"),
    };
    for (method, target) in doors(&sources) {
        for user in [None, Some(somebody(&policy))] {
            let facts = Facts::default();
            let headers =
                HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            let decision = gate.decide(&Request {
                method: &method,
                target: &target,
                scheme: Scheme::Https,
                host: Some("api.example.com"),
                headers: &headers,
                peer: Some([203, 0, 113, 9].into()),
                body: Some(b"{}"),
                now: Timestamp::UNIX_EPOCH,
                entropy: Some(&[7; 32]),
                user: user.as_ref(),
                facts: &facts,
            });
            assert!(!decision.reasons.is_empty());
            assert_eq!(decision.verdict == Verdict::Deny, decision.status.as_u16() >= 400);
            for span in decision.reasons.iter().chain(&decision.notes).filter_map(|reason| reason.span) {
                spans::stands_in(&sources, span);
            }
        }
    }
}

/// A secret for each name that the policy turns out to need, each of 64 bytes, none like another.
fn ring(policy: &Policy) -> Keys {
    let Err(error) = policy.bind(&Keys::new()) else { return Keys::new() };
    error.problems.iter().zip(0_u32..).fold(Keys::new(), |keys, (problem, number)| match problem {
        KeyProblem::Missing { name } => keys.with_secret(name, format!("secret {number:>057}")),
        other => panic!("an empty ring has {other:?}"),
    })
}

/// Somebody with every role that could be written in so few letters, and with one that nobody has.
fn somebody(policy: &Policy) -> User {
    let text = policy.sources().first().map(Source::text).unwrap_or_default();
    let roles = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    User { id: "u1".to_owned(), roles: Some(roles.take(256).map(ToOwned::to_owned).collect()), ..User::default() }
}

/// The first few doors of a policy as requests to them, and a door that isn't there.
fn doors(sources: &[Source]) -> Vec<(Method, String)> {
    let mut doors = vec![(Method::GET, "/".to_owned()), (Method::OPTIONS, "/nowhere/at/all".to_owned())];
    let files = (0..).zip(sources).filter_map(|(file, source)| syntax::parse(file, source).ok());
    for declaration in files.flat_map(|file| file.declarations) {
        let DeclarationKind::Routes(routes) = declaration.kind else { continue };
        for route in routes.routes.iter().take(DOORS) {
            let Ok(method) = Method::from_bytes(route.method.node.as_bytes()) else { continue };
            let mut target = String::new();
            for segment in routes.prefix.segments.iter().chain(&route.path.segments) {
                target.push('/');
                target.push_str(match segment {
                    Segment::Literal(text) => &text.node,
                    Segment::Parameter { .. } => "42",
                    Segment::Rest(_) => "a/b/c",
                });
            }
            doors.push((method, if target.is_empty() { "/".to_owned() } else { target }));
        }
    }
    doors.truncate(DOORS);
    doors
}
