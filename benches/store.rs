//! What a charge of the embedded store costs, beside a check of governor's keyed rate limiter, and what both hold in memory.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench store`. Ids are as the engine makes them. Keys are inserted in their order and
//! visited in another one, which chance has fixed, so that the cache helps nobody at a million of them. Every charge is admitted. The
//! contenders take turns, batch by batch, and continue where they stopped; the fastest batch is what one costs where nothing else does
//! anything. With two threads, both visit all keys, in different orders, and a check's time is that of one of them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::{black_box, spin_loop};
use std::mem::swap;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::thread;
use std::time::{Instant, SystemTime};

use governor::{DefaultKeyedRateLimiter, Quota};
use portcullis::limit::{Algorithm, Charge, Leasing, Rate, Terms};
use portcullis_store::Memory;

const SIZES: [usize; 3] = [1, 10_000, 1_000_000];
const ROUNDS: usize = 150;
const BATCH: usize = 20_000;
/// Buckets are for the size measured, and for as many again.
const MOST_KEYS: NonZeroUsize = NonZeroUsize::new(2_000_000).expect("it isn't zero");
const START: i64 = 1_795_428_000_000_000;

/// A contender, and what it charges.
trait Contender: Sync {
    /// What a thread has for itself.
    type Thread: Send;

    fn name(&self) -> &'static str;
    fn thread(&self, keys: &[usize]) -> Self::Thread;
    /// Charges the key of a row once more; whether it was admitted.
    fn charge(&self, thread: &mut Self::Thread, row: usize) -> bool;
}

fn id(key: usize) -> String {
    format!("article/api/0:6:u{key:05}")
}

/// governor, with ids as here.
struct ByText(DefaultKeyedRateLimiter<String>);

impl Contender for ByText {
    type Thread = Vec<String>;

    fn name(&self) -> &'static str {
        "governor, text"
    }

    fn thread(&self, keys: &[usize]) -> Self::Thread {
        keys.iter().copied().map(id).collect()
    }

    fn charge(&self, ids: &mut Self::Thread, row: usize) -> bool {
        self.0.check_key(&ids[row]).is_ok()
    }
}

/// governor, with numbers for ids.
struct ByNumber(DefaultKeyedRateLimiter<u64>);

impl Contender for ByNumber {
    type Thread = Vec<u64>;

    fn name(&self) -> &'static str {
        "governor, numbers"
    }

    fn thread(&self, keys: &[usize]) -> Self::Thread {
        keys.iter().map(|key| *key as u64).collect()
    }

    fn charge(&self, ids: &mut Self::Thread, row: usize) -> bool {
        self.0.check_key(&ids[row]).is_ok()
    }
}

/// Ours. A host knows the time already, as it tells the decision.
struct Ours(Memory);

struct Charges {
    ids: Vec<String>,
    /// Its bucket is swapped for that of a row, and back: a decision has made it just before.
    charge: Charge,
    now: i64,
}

impl Charges {
    fn new(keys: &[usize]) -> Self {
        let rate = Rate::new(1_000_000, 1_000_000).expect("a million a second");
        let charge = Charge::new("", Terms::new(Algorithm::TokenBucket, &[rate]), NonZeroU64::MIN);
        Self { ids: keys.iter().copied().map(id).collect(), charge, now: START }
    }

    fn charge(&mut self, memory: &Memory, row: usize, now: i64) -> bool {
        swap(&mut self.charge.bucket, &mut self.ids[row]);
        let outcome = memory.charge_one(&self.charge, now, Leasing::Off);
        swap(&mut self.charge.bucket, &mut self.ids[row]);
        outcome.is_admitted()
    }
}

impl Contender for Ours {
    type Thread = Charges;

    fn name(&self) -> &'static str {
        "Memory"
    }

    fn thread(&self, keys: &[usize]) -> Self::Thread {
        Charges::new(keys)
    }

    fn charge(&self, charges: &mut Self::Thread, row: usize) -> bool {
        // Two threads at once are no more than the rate admits.
        charges.now += 2;
        charges.charge(&self.0, row, charges.now)
    }
}

/// Ours, with a look at the system's clock for each charge.
struct WithClock(Memory);

impl Contender for WithClock {
    type Thread = Charges;

    fn name(&self) -> &'static str {
        "Memory, and the clock"
    }

    fn thread(&self, keys: &[usize]) -> Self::Thread {
        Charges::new(keys)
    }

    fn charge(&self, charges: &mut Self::Thread, row: usize) -> bool {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970");
        // As late as the clock is, so many microseconds fit.
        charges.now = since.as_micros() as i64;
        black_box(charges.charge(&self.0, row, charges.now));
        true
    }
}

/// A contender that waits for its turn.
trait Waiting {
    fn name(&self) -> &'static str;
    /// The time of a charge, in nanoseconds, by this many threads.
    fn batch(&mut self) -> f64;
}

struct Prepared<C: Contender> {
    contender: C,
    threads: Vec<C::Thread>,
    size: usize,
    next: usize,
    bytes: f64,
}

impl<C: Contender> Prepared<C> {
    fn new(make: impl FnOnce() -> C, size: usize, threads: usize) -> Self {
        let keys: Vec<usize> = (0..size).collect();
        let before = LIVE.load(Ordering::Relaxed);
        let contender = make();
        let mut inserting = contender.thread(&keys);
        let ids = LIVE.load(Ordering::Relaxed);
        for row in 0..size {
            contender.charge(&mut inserting, row);
        }
        let _ = ids;
        drop(inserting);
        let bytes = (LIVE.load(Ordering::Relaxed) - before) as f64 / size as f64;
        let threads = (0..threads).map(|thread| contender.thread(&shuffled(&keys, thread as u64 + 1))).collect();
        Self { contender, threads, size, next: 0, bytes }
    }
}

impl<C: Contender> Waiting for Prepared<C> {
    fn name(&self) -> &'static str {
        self.contender.name()
    }

    fn batch(&mut self) -> f64 {
        let Self { contender, threads, size, next, .. } = self;
        let ready = AtomicUsize::new(threads.len());
        let begin = *next;
        let run = |thread: &mut C::Thread| {
            ready.fetch_sub(1, Ordering::AcqRel);
            while ready.load(Ordering::Acquire) > 0 {
                spin_loop();
            }
            let start = Instant::now();
            let mut row = begin;
            for _ in 0..BATCH {
                // What is timed is right.
                assert!(contender.charge(thread, black_box(row)));
                row += 1;
                if row == *size {
                    row = 0;
                }
            }
            start.elapsed().as_nanos() as f64 / BATCH as f64
        };
        let run = &run;
        let times: Vec<f64> = match threads.as_mut_slice() {
            [only] => vec![run(only)],
            threads => thread::scope(|scope| {
                let running: Vec<_> = threads.iter_mut().map(|thread| scope.spawn(move || run(thread))).collect();
                running.into_iter().map(|running| running.join().expect("it doesn't panic")).collect()
            }),
        };
        *next = (begin + BATCH) % *size;
        times.iter().sum::<f64>() / times.len() as f64
    }
}

/// The same in an order of chance (xorshift64*, Fisher and Yates).
fn shuffled(keys: &[usize], seed: u64) -> Vec<usize> {
    let mut keys = keys.to_vec();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for end in (1..keys.len()).rev() {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let chance = state.wrapping_mul(0x2545_F491_4F6C_DD1D);
        keys.swap(end, (chance % (end as u64 + 1)) as usize);
    }
    keys
}

fn main() {
    // A token a nanosecond, so that all are admitted.
    let quota = Quota::per_second(NonZeroU32::new(1_000_000_000).expect("it isn't zero"));
    println!("{:>7} {:>9} {:24} {:>7} {:>7} {:>6} {:>9}", "threads", "keys", "ns", "min", "median", "ratio", "bytes/key");
    for threads in [1, 2] {
        for size in SIZES {
            let mut contenders: [(Box<dyn Waiting>, f64); 4] = [
                boxed(Prepared::new(|| ByText(DefaultKeyedRateLimiter::keyed(quota)), size, threads)),
                boxed(Prepared::new(|| ByNumber(DefaultKeyedRateLimiter::keyed(quota)), size, threads)),
                boxed(Prepared::new(|| Ours(Memory::new(MOST_KEYS)), size, threads)),
                boxed(Prepared::new(|| WithClock(Memory::new(MOST_KEYS)), size, threads)),
            ];
            let mut times = [const { Vec::new() }; 4];
            for _ in 0..ROUNDS {
                for ((contender, _), times) in contenders.iter_mut().zip(&mut times) {
                    times.push(contender.batch());
                }
            }
            times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
            let theirs = times[0][ROUNDS / 2];
            for ((contender, bytes), times) in contenders.iter().zip(&times) {
                let (min, median) = (times[0], times[ROUNDS / 2]);
                let (name, ratio) = (contender.name(), median / theirs);
                println!("{threads:>7} {size:>9} {name:24} {min:>7.1} {median:>7.1} {ratio:>6.2} {bytes:>9.1}");
            }
        }
    }
}

fn boxed<C: Contender + 'static>(prepared: Prepared<C>) -> (Box<dyn Waiting>, f64) {
    let bytes = prepared.bytes;
    (Box::new(prepared), bytes)
}

/// The system's allocator, which knows how many bytes are in use.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_add(size as isize - layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
