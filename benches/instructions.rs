//! How many instructions five decisions take: figures that no neighbour on the machine changes. `scripts/instructions`
//! runs this, and installs what it needs.

use std::hint::black_box;

use gungraun::prelude::*;
use jiff::Timestamp;
use portcullis::document::RequestDocument;
use portcullis::{Decision, Gate, PermissionId, Policy, Record, Request, Ruling, Scene, User, Verdict};
use portcullis_benches::{ARTICLE, DOCUMENTS, anybody, compiled, document, documents, gate, post};

/// Everything lives as long as the process, so that no destructor is counted.
struct Check {
    policy: &'static Policy,
    permission: PermissionId,
    user: &'static User,
    context: Option<&'static Record>,
    resource: Option<&'static Record>,
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
    let user = User { id: "mia".to_owned(), roles: Some(vec!["moderator".to_owned()]), ..User::default() };
    checked(compiled("article.gate", ARTICLE), "posts:delete", user, None, None)
}

/// An editor updates a document of the department: a role, three that could forbid it, and two attributes compared.
fn by_conditions() -> Check {
    let RequestDocument { user, mut facts, .. } = document();
    let user = user.expect("the request has a user");
    let resource = facts.resources.remove("documents/7").flatten();
    checked(compiled("documents.gate", DOCUMENTS), "documents:update", user, facts.context, resource)
}

fn checked(policy: Policy, permission: &str, user: User, context: Option<Record>, resource: Option<Record>) -> Check {
    let policy = kept(policy);
    let permission = policy.permission(permission).expect("it is declared");
    let (context, resource) = (context.map(|record| kept(record) as _), resource.map(|record| kept(record) as _));
    let check = Check { policy, permission, user: kept(user), context, resource };
    assert_eq!(check.run().verdict, Verdict::Allow, "what is counted is right");
    check
}

impl Check {
    fn run(&self) -> Ruling<'static> {
        let now = Timestamp::UNIX_EPOCH;
        let scene = Scene { user: Some(self.user), context: self.context, client: None, now };
        self.policy.check(&scene, self.permission, self.resource)
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

fn decided(gate: Gate, request: impl Fn(&Gate) -> RequestDocument) -> Decide {
    let request = kept(request(&gate));
    let decide = Decide { gate: kept(gate), request: request.request(Timestamp::UNIX_EPOCH, None) };
    assert_eq!(decide.gate.decide(&decide.request).verdict, Verdict::Allow, "what is counted is right");
    decide
}

#[library_benchmark]
#[bench::by_role(setup = by_role)]
#[bench::by_conditions(setup = by_conditions)]
fn check(check: Check) -> Ruling<'static> {
    black_box(black_box(&check).run())
}

#[library_benchmark]
#[bench::public_get(setup = public_get)]
#[bench::get_with_conditions(setup = get_with_conditions)]
#[bench::six_layers(setup = six_layers)]
fn decide(decide: Decide) -> Decision<'static> {
    black_box(decide.gate.decide(black_box(&decide.request)))
}

library_benchmark_group!(name = decisions, benchmarks = [check, decide]);
main!(library_benchmark_groups = decisions);
