//! The time that compiling takes as policies grow, and the heap that a policy needs: a table a kind of policy,
//! and the slope of time over size on double logarithmic paper, which is 1 where ten times the rules take ten times as
//! long. The text of a policy is the host's own `Source`, which the policy shares, and so isn't counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portcullis::{Policy, Source};
use portcullis_benches::{ARTICLE, BLOG};

const RUNS: usize = 7;
/// A file holds 1 MiB; larger policies are several files.
const FILE: usize = 1_000_000;

/// Bytes that are allocated, as they were asked for.
static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_add(size, Ordering::Relaxed);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    println!("{:<40} {:>12} {:>12} {:>12}", "policy", "median", "a rule", "live, a rule");
    for (name, text) in [("article.gate", ARTICLE), ("blog.gate", BLOG)] {
        let median = median(&[Source::new(name, text)], true);
        println!("{name:<40} {:>9.2} ms", milliseconds(median));
    }
    table("rules, a tenth as many routes", generated);
    table("roles of one permission each", roles);
    let median = median(&[Source::new("errors.gate", errors(2_000))], false);
    println!("{:<40} {:>9.1} ms", "2000 errors, told up to the cap", milliseconds(median));
}

fn table(kind: &str, policy: fn(u32) -> Vec<Source>) {
    let mut points = Vec::new();
    for rules in [1_000_u32, 3_000, 10_000, 30_000, 100_000] {
        let sources = policy(rules);
        let median = median(&sources, true);
        let each = median.as_nanos() / u128::from(rules);
        let before = LIVE.load(Ordering::Relaxed);
        let compiled = Policy::compile(&sources).expect("it compiled before");
        let live = LIVE.load(Ordering::Relaxed).saturating_sub(before) / rules as usize;
        drop(compiled);
        let name = format!("{rules} {kind}");
        println!("{name:<40} {:>9.1} ms {each:>9} ns {live:>10} B", milliseconds(median));
        points.push((f64::from(rules).ln(), median.as_secs_f64().ln()));
    }
    println!("slope {:.2}", slope(&points));
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn median(sources: &[Source], sound: bool) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let compiled = Policy::compile(sources);
            let time = start.elapsed();
            assert_eq!(compiled.is_ok(), sound, "{:?}", compiled.err().and_then(|error| error.into_diagnostics().into_iter().next()));
            time
        })
        .collect();
    times.sort();
    times[RUNS / 2]
}

/// The slope of the straight line that is nearest to the points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}

/// Rules over a tenth as many permissions, each with a route: grants of roles and of conditions, and rules that
/// forbid.
fn generated(rules: u32) -> Vec<Source> {
    let mut files = Vec::new();
    let mut text = String::from(
        "policy generated\nsecret KEY\n\
         token access { algorithm HS256  key KEY  claims { sub: string  role: string } }\n\
         user from access { id = claims.sub  roles = [claims.role] }\n\
         context { risk: int  mfa: bool }\n\
         condition own = resource.owner == user.id\n\
         allow *:read when own\n",
    );
    for n in 0..rules / 10 {
        let start = text.len();
        let _ = writeln!(text, "resource t{n} {{ actions read, write  owner: string  level: int }}");
        for k in 0..3 {
            let _ = writeln!(text, "role r{n}_{k} {{ allow t{n}:write when own and resource.level < {k} }}");
        }
        for k in 0..4 {
            let _ = writeln!(text, "allow t{n}:read when user.id == \"u{k}\" or context.mfa and resource.level == {k}");
        }
        let _ = writeln!(text, "role reader{n} {{ allow t{n}:read }}");
        let _ = writeln!(text, "forbid t{n}:write when context.risk >= {n}");
        let _ = writeln!(text, "forbid t{n}:* when resource.level > 1_000 because \"Too high\"");
        let _ = writeln!(text, "routes /t{n} {{ GET /{{id}} requires t{n}:read  on t{n}(id) }}");
        if text.len() + (text.len() - start) > FILE {
            files.push(std::mem::replace(&mut text, String::from("policy generated\n")));
        }
    }
    files.push(text);
    files.into_iter().enumerate().map(|(n, text)| Source::new(format!("generated{n}.gate"), text)).collect()
}

/// Roles, each with one of as many permissions, fifty a resource.
fn roles(rules: u32) -> Vec<Source> {
    let mut files = Vec::new();
    let mut text = String::from("policy roles\n");
    let end = |text: &mut String, files: &mut Vec<Source>| {
        let text = std::mem::replace(text, String::from("policy roles\n"));
        files.push(Source::new(format!("roles{}.gate", files.len()), text));
    };
    for n in 0..rules.div_ceil(50) {
        let actions: Vec<String> = (0..50).map(|action| format!("a_{action}")).collect();
        let _ = writeln!(text, "resource t_{n} {{ actions {} }}", actions.join(", "));
        for rule in (n * 50..rules).take(50) {
            let _ = writeln!(text, "role r_{rule} {{ allow t_{n}:a_{} }}", rule % 50);
        }
        if text.len() > FILE {
            end(&mut text, &mut files);
        }
    }
    end(&mut text, &mut files);
    files
}

/// Rules that each read something that isn't there.
fn errors(rules: u32) -> String {
    let mut text = String::from("policy wrong\nresource posts { actions read  author: string }\n");
    for n in 0..rules {
        let _ = writeln!(text, "allow anyone posts:read when resource.autor{n} == \"x\" and resource.author > {n}");
    }
    text
}
