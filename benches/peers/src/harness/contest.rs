//! Several engines, the same questions: their answers are compared first, and timed only if all are right.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::memory::{Usage, counted};
use super::timing::Timing;

/// An engine that scans 100,000 rules answers few questions in this time; it is compared and timed on those.
const COMPARING: Duration = Duration::from_secs(4);
const ROUNDS: usize = 5;
/// Enough decisions to tell what one of them allocates.
const COUNTED: usize = 2_000;

/// The cost of loading an engine.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The time from text (or rules in memory, where an engine takes them so) to ready.
    pub time: Duration,
    /// The heap.
    pub memory: Usage,
}

/// Makes an engine ready, and tells what it took.
pub fn load<E>(make: impl FnOnce() -> E) -> (E, Load) {
    let ((engine, time), memory) = counted(|| {
        let start = Instant::now();
        let engine = make();
        (engine, start.elapsed())
    });
    (engine, Load { time, memory })
}

/// Several engines that answer the same requests.
pub struct Contest<'e> {
    title: String,
    answers: Vec<bool>,
    entries: Vec<(String, Entry<'e>)>,
}

enum Entry<'e> {
    Engine(Option<Load>, Box<dyn Contender + 'e>),
    Refused(String),
}

trait Contender {
    fn decide(&mut self, request: usize) -> bool;
    fn time(&mut self, requests: usize, timing: &mut Timing);
}

/// The loop over requests is compiled for each engine by itself: a virtual call costs as much as a fast decision.
impl<D: FnMut(usize) -> bool> Contender for D {
    fn decide(&mut self, request: usize) -> bool {
        self(request)
    }

    fn time(&mut self, requests: usize, timing: &mut Timing) {
        timing.round(requests, self);
    }
}

/// The result of an engine.
#[derive(Debug)]
pub struct Row {
    /// The engine, and how it is used.
    pub engine: String,
    /// The cost of loading it, if it has one of its own.
    pub load: Option<Load>,
    /// The figures, or why there are none.
    pub outcome: Result<Figures, String>,
}

/// An engine's figures.
#[derive(Debug)]
pub struct Figures {
    /// Nanoseconds a decision.
    pub timing: Timing,
    /// Allocations a decision.
    pub allocations: f64,
    /// The number of requests that were compared and timed.
    pub requests: usize,
}

/// The rows of a contest, in the order entered.
#[derive(Debug)]
pub struct Outcome {
    /// The requests.
    pub title: String,
    /// The number of requests, and of allowed ones.
    pub requests: (usize, usize),
    /// A row an engine.
    pub rows: Vec<Row>,
}

impl Outcome {
    /// The median of an engine, in nanoseconds; `None` where it refused.
    pub fn median(&self, engine: &str) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.engine == engine)?;
        row.outcome.as_ref().ok().map(|figures| figures.timing.median())
    }

    /// The fastest of the engines whose names begin so, by median, with its name.
    pub fn best(&self, prefixes: &[&str]) -> Option<(&str, f64)> {
        let named = |row: &&Row| prefixes.iter().any(|prefix| row.engine.starts_with(prefix));
        let medians = self.rows.iter().filter(named).filter_map(|row| {
            let figures = row.outcome.as_ref().ok()?;
            Some((row.engine.as_str(), figures.timing.median()))
        });
        medians.min_by(|(_, one), (_, other)| one.total_cmp(other))
    }
}

impl<'e> Contest<'e> {
    /// A contest over requests that are known by their number, with the answers that are right. The first engine to enter is
    /// the one that others are set in relation to.
    pub fn new(title: impl Into<String>, answers: Vec<bool>) -> Self {
        Self { title: title.into(), answers, entries: Vec::new() }
    }

    /// An engine that answers requests.
    pub fn enter(&mut self, engine: &str, load: Option<Load>, decide: impl FnMut(usize) -> bool + 'e) {
        self.entries.push((engine.to_owned(), Entry::Engine(load, Box::new(decide))));
    }

    /// An engine that doesn't take part, and why.
    pub fn refuse(&mut self, engine: &str, reason: impl Into<String>) {
        self.entries.push((engine.to_owned(), Entry::Refused(reason.into())));
    }

    /// Compares all answers, and only then times and counts.
    ///
    /// # Errors
    ///
    /// An engine that answers otherwise.
    pub fn run(mut self) -> Result<Outcome, String> {
        let mut compared = Vec::new();
        for (name, entry) in &mut self.entries {
            compared.push(match entry {
                Entry::Engine(_, engine) => compare(engine.as_mut(), &self.answers)
                    .map_err(|error| format!("{}: {name}: {error}", self.title))?,
                Entry::Refused(_) => 0,
            });
        }
        let mut timings = vec![Timing::default(); self.entries.len()];
        for _ in 0..ROUNDS {
            for (((_, entry), timing), requests) in self.entries.iter_mut().zip(&mut timings).zip(&compared) {
                if let Entry::Engine(_, engine) = entry {
                    engine.time(*requests, timing);
                }
            }
        }
        let entries = self.entries.into_iter().zip(timings).zip(compared);
        let rows = entries.map(|(((engine, entry), timing), requests)| match entry {
            Entry::Refused(reason) => Row { engine, load: None, outcome: Err(reason) },
            Entry::Engine(load, mut contender) => {
                let counted = allocations(contender.as_mut(), requests.min(COUNTED));
                Row { engine, load, outcome: Ok(Figures { timing, allocations: counted, requests }) }
            }
        });
        let allowed = self.answers.iter().filter(|answer| **answer).count();
        Ok(Outcome { title: self.title, requests: (self.answers.len(), allowed), rows: rows.collect() })
    }
}

/// The number of requests that were compared.
fn compare(engine: &mut dyn Contender, answers: &[bool]) -> Result<usize, String> {
    let start = Instant::now();
    for (request, answer) in answers.iter().enumerate() {
        if engine.decide(request) != *answer {
            return Err(format!("request {request} should be {answer}"));
        }
        if start.elapsed() > COMPARING && request >= 20 {
            return Ok(request + 1);
        }
    }
    Ok(answers.len())
}

fn allocations(engine: &mut dyn Contender, requests: usize) -> f64 {
    let ((), usage) = counted(|| {
        for request in 0..requests {
            black_box(engine.decide(black_box(request)));
        }
    });
    usage.allocations as f64 / requests as f64
}
