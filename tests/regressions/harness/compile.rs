//! Checks of any text that is compiled as a policy.

use http::Method;
use jiff::Timestamp;
use portcullis::keys::KeyProblem;
use portcullis::syntax::tree::{DeclarationKind, Segment};
use portcullis::{Keys, Policy, Source, User, Verdict, syntax};

use super::exchange::{self, Call, code, verdict};
use super::spans;

/// The number of a policy's routes that are requested.
const DOORS: usize = 8;

/// Panics if a check fails.
pub(crate) fn check(bytes: &[u8]) {
    let sources = [Source::new("fuzz.gate", bytes)];
    let policy = match Policy::compile(&sources) {
        Ok(policy) => policy,
        Err(error) => {
            assert!(!error.diagnostics().is_empty(), "it wasn't compiled, and nothing is said about it");
            assert!(!error.to_string().is_empty());
            for problem in error.diagnostics() {
                spans::can_be_shown(&sources, problem);
            }
            return;
        }
    };
    assert!(!policy.graph_text().is_empty());
    assert!(!policy.graph_dot().is_empty());
    let again = Policy::compile(&sources).map(|policy| policy.graph_text());
    assert_eq!(again.ok(), Some(policy.graph_text()), "the same text gave another graph");

    let gate = match policy.bind(&ring(&policy)) {
        Ok(gate) => gate,
        Err(error) => panic!("a full ring doesn't do: {error}"),
    };
    for (method, target) in doors(&sources) {
        for user in [None, Some(somebody(&policy))] {
            let call = Call { method: method.clone(), target: target.clone(), user, ..Call::new("GET /") };
            let call = Call { host: Some("api.example.com".to_owned()), now: Timestamp::UNIX_EPOCH, ..call };
            let call = call.body("application/json", "{}");
            let decision = gate.decide(&call.request());
            assert_eq!(verdict(&decision) == Verdict::Deny, code(&decision).0 >= 400);
            for span in exchange::spans(&decision) {
                spans::stands_in(&sources, span);
            }
        }
    }
}

/// A key ring with all secrets of the policy: 64 bytes each, all different.
fn ring(policy: &Policy) -> Keys {
    let Err(error) = policy.bind(&Keys::new()) else { return Keys::new() };
    error.problems().iter().zip(0_u32..).fold(Keys::new(), |keys, (problem, number)| match problem {
        KeyProblem::Missing { name } => keys.with_secret(name, format!("secret {number:>057}")),
        other => panic!("an empty ring has {other:?}"),
    })
}

/// A user with every word of the policy as a role.
fn somebody(policy: &Policy) -> User {
    let text = policy.sources().first().map(Source::text).unwrap_or_default();
    let roles = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    User { id: "u1".to_owned(), roles: Some(roles.take(256).map(ToOwned::to_owned).collect()), ..User::default() }
}

/// Requests to the first routes of a policy, and to a path without a route.
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
