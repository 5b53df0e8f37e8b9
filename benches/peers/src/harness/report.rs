//! Tables, and what must be reached.

use std::time::Duration;

use super::contest::{Outcome, Row};

/// The goals, and whether they are reached.
#[derive(Debug, Default)]
pub struct Goals {
    lines: Vec<(String, bool)>,
}

impl Goals {
    /// A figure that may be as large as its bound, and isn't there where a part didn't run.
    pub fn at_most(&mut self, what: &str, figure: Option<f64>, bound: f64) {
        if let Some(figure) = figure {
            self.lines.push((format!("{what}: {} (at most {})", number(figure), number(bound)), figure <= bound));
        }
    }

    /// A figure that must be as large as its bound.
    pub fn at_least(&mut self, what: &str, figure: Option<f64>, bound: f64) {
        if let Some(figure) = figure {
            self.lines.push((format!("{what}: {} (at least {})", number(figure), number(bound)), figure >= bound));
        }
    }

    /// Prints every line, and says whether all are reached.
    pub fn print(&self) -> bool {
        println!("\nWhat must be reached");
        for (line, reached) in &self.lines {
            println!("  {}  {line}", if *reached { "PASS" } else { "MISS" });
        }
        self.lines.iter().all(|(_, reached)| *reached)
    }
}

/// Prints a contest as a table.
pub fn print(outcome: &Outcome) {
    let (requests, allowed) = outcome.requests;
    println!("\n{} ({requests} requests, {allowed} of them allowed)", outcome.title);
    println!(
        "{:<38} {:>10} {:>10} {:>10} {:>9} {:>7} {:>9} {:>9} {:>9} {:>7}",
        "ns a decision", "min", "median", "p99", "ratio", "allocs", "load", "live", "peak", "asked"
    );
    let us = outcome.rows.first().and_then(|row| outcome.median(&row.engine)).unwrap_or(f64::NAN);
    for row in &outcome.rows {
        println!("{}", line(row, us));
    }
}

fn line(row: &Row, us: f64) -> String {
    let figures = match &row.outcome {
        Ok(figures) => figures,
        Err(reason) => return format!("{:<38} {reason}", row.engine),
    };
    let timing = &figures.timing;
    let (time, live, peak) = match &row.load {
        Some(load) => (duration(load.time), bytes(load.memory.live), bytes(load.memory.peak)),
        None => ("-".to_owned(), "-".to_owned(), "-".to_owned()),
    };
    format!(
        "{:<38} {:>10} {:>10} {:>10} {:>9} {:>7.1} {time:>9} {live:>9} {peak:>9} {:>7}",
        row.engine,
        number(timing.minimum()),
        number(timing.median()),
        number(timing.p99()),
        number(timing.median() / us),
        figures.allocations,
        figures.requests,
    )
}

/// Three digits that count, and thousands apart.
pub fn number(value: f64) -> String {
    match value {
        value if value.abs() < 9.995 => format!("{value:.2}"),
        value if value.abs() < 99.95 => format!("{value:.1}"),
        value => {
            let digits = format!("{value:.0}");
            let mut apart = String::new();
            for (n, digit) in digits.chars().enumerate() {
                if n > 0 && (digits.len() - n) % 3 == 0 {
                    apart.push(',');
                }
                apart.push(digit);
            }
            apart
        }
    }
}

/// A duration in the unit that fits.
pub fn duration(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 1e-3 => format!("{:.1} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

/// Bytes in the unit that fits.
pub fn bytes(bytes: isize) -> String {
    match bytes as f64 {
        count if count.abs() < 1024.0 => format!("{count:.0} B"),
        count if count.abs() < 1024.0 * 1024.0 => format!("{:.1} KiB", count / 1024.0),
        count => format!("{:.1} MiB", count / 1024.0 / 1024.0),
    }
}
