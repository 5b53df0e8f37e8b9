//! The numbers of instructions of decisions and of their baselines, which no other load on the machine changes. `scripts/instructions`
//! runs this, and installs what it needs.

use std::hint::black_box;

use gungraun::prelude::*;
use jiff::Timestamp;
use portcullis::document::RequestDocument;
use portcullis::facts::Record;
use portcullis::permission::{PermissionId, Resource, Ruling, Scene};
use portcullis::value::Known;
use portcullis::{Decision, Gate, Policy, Request, User, Verdict};
use portcullis_benches::access::{self, Claims, Theirs};
use portcullis_benches::{ARTICLE, DOCUMENTS, anybody, compiled, document, documents, gate, post};

/// Everything lives as long as the process, so that no destructor is counted.
struct Check {
    policy: &'static Policy,
    permission: PermissionId,
    scene: Scene<'static>,
    resource: Option<Resource<'static>>,
}

struct Decide {
    gate: &'static Gate,
    request: Request<'static>,
}

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// A moderator deletes a post: the role alone decides.
fn by_role() -> Check {
    let user = User::new("mia").with_role("moderator");
    checked(compiled("article.gate", ARTICLE), "posts:delete", user, None, None)
}

/// An editor updates a document of the department: a role, three that could forbid it, and two attributes compared.
fn by_conditions() -> Check {
    let RequestDocument { user, facts, .. } = document();
    let user = user.expect("the request has a user");
    let Known::Value(resource) = facts.resource("documents", "7") else { panic!("the request has the document") };
    checked(compiled("documents.gate", DOCUMENTS), "documents:update", user, facts.context(), Some(resource))
}

fn checked(policy: Policy, permission: &str, user: User, context: Option<&Record>, resource: Option<&Record>) -> Check {
    let policy = kept(policy);
    let (kind, _) = permission.split_once(':').expect("a permission is a resource's");
    let resource = resource.map(|record| policy.resource(kind, record).expect("it is declared"));
    let permission = policy.permission(permission).expect("it is declared");
    let scene = policy.scene(Timestamp::UNIX_EPOCH).user(&user).context(context).prepare();
    let check = Check { policy, permission, scene: scene.into_owned(), resource };
    assert_eq!(check.run().verdict(), Verdict::Allow, "what is counted is right");
    check
}

impl Check {
    fn run(&self) -> Ruling {
        self.policy.check(&self.scene, self.permission, self.resource.as_ref())
    }
}

/// Anybody asks for the health.
fn public_get() -> Decide {
    decided(gate(), |_| anybody("/api/health"))
}

/// An editor whom the host vouches for reads a document.
fn get_with_conditions() -> Decide {
    decided(documents(), |_| document())
}

/// A token, a role, a limit, a CSRF token, a body and the headers.
fn six_layers() -> Decide {
    decided(gate(), post)
}

/// An access token of six claims makes the caller.
fn with_token() -> Decide {
    decided(access::gate(), |_| access::with_token())
}

/// The same caller without it.
fn vouched_for() -> Decide {
    decided(access::gate(), |_| access::vouched_for())
}

fn decided(gate: Gate, request: impl Fn(&Gate) -> RequestDocument) -> Decide {
    let request = kept(request(&gate));
    let decide = Decide { gate: kept(gate), request: request.request(Timestamp::UNIX_EPOCH, None) };
    assert_eq!(decide.gate.decide(&decide.request).verdict(), Verdict::Allow, "what is counted is right");
    decide
}

#[library_benchmark]
#[bench::by_role(setup = by_role)]
#[bench::by_conditions(setup = by_conditions)]
fn check(check: Check) -> (Ruling, Check) {
    let ruling = black_box(black_box(&check).run());
    // Its end isn't counted.
    (ruling, check)
}

#[library_benchmark]
#[bench::public_get(setup = public_get)]
#[bench::get_with_conditions(setup = get_with_conditions)]
#[bench::six_layers(setup = six_layers)]
#[bench::with_token(setup = with_token)]
#[bench::vouched_for(setup = vouched_for)]
fn decide(decide: Decide) -> Decision<'static, 'static> {
    black_box(decide.gate.decide(black_box(&decide.request)))
}

#[library_benchmark]
#[bench::of_six_claims(args = (access::key(), access::token()))]
fn floor(key: aws_lc_rs::hmac::Key, token: String) -> Option<Claims> {
    black_box(access::floor(black_box(&key), black_box(&token)))
}

#[library_benchmark]
#[bench::of_six_claims(args = (Theirs::new(), access::token()))]
fn jsonwebtoken(theirs: Theirs, token: String) -> Option<Claims> {
    black_box(theirs.decode(black_box(&token)))
}

library_benchmark_group!(name = decisions, benchmarks = [check, decide, floor, jsonwebtoken]);
main!(library_benchmark_groups = decisions);
