//! Cedar and Portcullis answer alike whatever can be asked in the workloads' worlds.

use portcullis_peers::workloads::cedar::Cedar;
use portcullis_peers::workloads::gate::Gate;
use portcullis_peers::workloads::graph::Uid;
use portcullis_peers::workloads::{ALL, Workload};

/// Entities of a kind, and how many worlds of them: more of the small ones, which have fewer questions.
const WORLDS: [(usize, u64); 5] = [(1, 20), (5, 20), (10, 10), (20, 4), (50, 2)];
const LEAST_QUESTIONS: usize = 10_000;
/// Percent of the answers that are the rarer one, at least.
const LEAST_SHARE: f64 = 5.0;

/// The number of questions for each action, and of allowed ones.
type Tally = Vec<(&'static str, usize, usize)>;

fn agree(workload: &Workload) -> Tally {
    let mut tally: Tally = Vec::new();
    for (n, seeds) in WORLDS {
        for seed in 0..seeds {
            let world = (workload.world)(n, seed);
            let (cedar, gate) = (Cedar::new(workload, &world), Gate::new(workload, &world));
            let questions = world.every_question();
            let (requests, asked) = (cedar.requests(&world, &questions), gate.asked(&world, &questions));
            let prepared = gate.prepared(&world);
            tally.resize(world.actions.len(), ("", 0, 0));
            for ((question, request), asked) in questions.iter().zip(&requests).zip(&asked) {
                let right = cedar.allows_without_errors(request);
                let (user, action) = (&world.users[question.user].id, world.actions[question.action].cedar);
                let thing = &world.things[question.thing].0;
                assert_eq!(
                    (gate.allows(asked), gate.allows_prepared(&prepared, question)),
                    (right, right),
                    "{}, n = {n}, seed {seed}: {user} {action} {thing:?}",
                    workload.name
                );
                let (name, questions, allowed) = &mut tally[question.action];
                *name = action;
                *questions += 1;
                *allowed += usize::from(right);
            }
        }
    }
    tally
}

fn agree_well(workload: &Workload) -> (usize, usize) {
    let tally = agree(workload);
    let questions: usize = tally.iter().map(|(_, questions, _)| questions).sum();
    let allowed: usize = tally.iter().map(|(_, _, allowed)| allowed).sum();
    let share = 100.0 * allowed as f64 / questions as f64;
    println!("{}: {questions} questions, {share:.1} % of them allowed", workload.name);
    for (action, questions, allowed) in &tally {
        println!("  {action}: {allowed} of {questions}");
        let everybodys = ["CreateList", "GetLists"].contains(action);
        assert!(*allowed > 0 && (everybodys || allowed < questions), "both answers are given to {action}");
    }
    assert!(questions >= LEAST_QUESTIONS, "{questions} questions are enough");
    assert!((LEAST_SHARE..=100.0 - LEAST_SHARE).contains(&share), "{share} % tell both answers apart");
    (questions, allowed)
}

#[test]
fn cedar_and_portcullis_agree_on_gdrive_in_both_ways() {
    let [faithful, mended, ..] = &ALL;
    let (questions, by_owners) = agree_well(faithful);
    let (as_many, allowed) = agree_well(mended);
    assert_eq!(questions, as_many);
    assert!(allowed > by_owners, "views that exist let more be read");
}

#[test]
fn cedar_and_portcullis_agree_on_github() {
    agree_well(&ALL[2]);
}

#[test]
fn cedar_and_portcullis_agree_on_tinytodo() {
    agree_well(&ALL[3]);
}

#[test]
fn nothing_bears_a_users_view_as_published_and_much_does_as_mended() {
    let [faithful, mended, ..] = &ALL;
    let seen = |workload: &Workload| {
        let world = (workload.world)(50, 1);
        let bears = |thing: &Uid, view: &Uid| {
            let entity = world.graph.get(thing).expect("things are in the graph");
            world.graph.above(entity, &["View"]).contains(&view.id.as_str())
        };
        let views: Vec<Uid> = world.graph.of("User").map(|user| user.link("view").clone()).collect();
        assert!(views.iter().all(|view| world.graph.get(view).is_some()), "a user's own view exists");
        world
            .things
            .iter()
            .flat_map(|(thing, _)| views.iter().map(move |view| (thing, view)))
            .filter(|(thing, view)| bears(thing, view))
            .count()
    };
    assert_eq!(seen(faithful), 0);
    assert!(seen(mended) > 500, "a tenth of what could be seen");
}

#[test]
fn a_world_is_made_of_its_seed_alone() {
    for workload in &ALL {
        let world = |seed| (workload.world)(10, seed).graph.json();
        assert_eq!(world(1), world(1));
        assert_ne!(world(1), world(2));
    }
}
