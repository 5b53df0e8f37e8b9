//! The cost of a charge of the embedded store, beside a check of governor's keyed rate limiter, and how many bytes both hold a key.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench store`. Ids are as the engine makes them. Keys are inserted in their order,
//! and visited in another one, which chance has fixed: at a million of them the cache helps nobody. Every charge is admitted. The
//! contenders take turns, batch by batch, each going on where it stopped; the fastest batch is what a charge costs where nothing else
//! does anything. Of two threads, both visit all keys, in different orders; told is how long one charge takes one of them.

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
/// The number of untimed charges before each batch: the others had the cache.
const WARMING: usize = 10_000;
/// The most keys, as for a host with a million callers.
const MOST_KEYS: NonZeroUsize = NonZeroUsize::new(2_000_000).expect("it isn't zero");
/// Microseconds since 1970.
const START: i64 = 1_795_428_000_000_000;

/// A contender.
trait Contender: Sync {
    const NAME: &'static str;
    /// The state of a thread: at least its keys.
    type Thread: Send;

    fn new() -> Self;
    fn thread(&self, keys: &[usize]) -> Self::Thread;
    /// Charges the key in a row; whether it is admitted.
    fn charge(&self, thread: &mut Self::Thread, row: usize, now: i64) -> bool;
}

fn id(key: &usize) -> String {
    format!("article/api/0:6:u{key:05}")
}

/// A cell a nanosecond, so that all are admitted.
fn quota() -> Quota {
    Quota::per_second(NonZeroU32::new(1_000_000_000).expect("it isn't zero"))
}

/// governor with our ids. It asks its clock, which reads the processor's counter.
struct ByText(DefaultKeyedRateLimiter<String>);

impl Contender for ByText {
    const NAME: &'static str = "governor, text";
    type Thread = Vec<String>;

    fn new() -> Self {
        Self(DefaultKeyedRateLimiter::keyed(quota()))
    }

    fn thread(&self, keys: &[usize]) -> Self::Thread {
        keys.iter().map(id).collect()
    }

    fn charge(&self, ids: &mut Self::Thread, row: usize, _now: i64) -> bool {
        self.0.check_key(&ids[row]).is_ok()
    }
}

/// governor with numbers for ids.
struct ByNumber(DefaultKeyedRateLimiter<u64>);

impl Contender for ByNumber {
    const NAME: &'static str = "governor, numbers";
    type Thread = Vec<u64>;

    fn new() -> Self {
        Self(DefaultKeyedRateLimiter::keyed(quota()))
    }

    fn thread(&self, keys: &[usize]) -> Self::Thread {
        keys.iter().map(|key| *key as u64).collect()
    }

    fn charge(&self, ids: &mut Self::Thread, row: usize, _now: i64) -> bool {
        self.0.check_key(&ids[row]).is_ok()
    }
}

/// Ours, at a time that the host has told the decision already.
struct Ours(Memory);

struct Charges {
    ids: Vec<String>,
    /// It takes an id, and gives it back: a decision has made both just before.
    charge: Charge,
}

impl Contender for Ours {
    const NAME: &'static str = "Memory";
    type Thread = Charges;

    fn new() -> Self {
        Self(Memory::new(MOST_KEYS))
    }

    fn thread(&self, keys: &[usize]) -> Self::Thread {
        let rate = Rate::new(1_000_000, 1_000_000).expect("a million a second");
        let terms = Terms::new(Algorithm::TokenBucket, &[rate]);
        Charges { ids: keys.iter().map(id).collect(), charge: Charge::new("", terms, NonZeroU64::MIN) }
    }

    fn charge(&self, Charges { ids, charge }: &mut Self::Thread, row: usize, now: i64) -> bool {
        swap(&mut charge.bucket, &mut ids[row]);
        let outcome = self.0.charge_one(charge, now, Leasing::Off);
        swap(&mut charge.bucket, &mut ids[row]);
        outcome.is_admitted()
    }
}

/// Ours, after a look at the system's clock for each charge.
struct WithClock(Ours);

impl Contender for WithClock {
    const NAME: &'static str = "Memory, and a clock";
    type Thread = Charges;

    fn new() -> Self {
        Self(Ours::new())
    }

    fn thread(&self, keys: &[usize]) -> Self::Thread {
        self.0.thread(keys)
    }

    fn charge(&self, charges: &mut Self::Thread, row: usize, now: i64) -> bool {
        black_box(SystemTime::now());
        self.0.charge(charges, row, now)
    }
}

/// A contender that has its keys, and waits for its turn.
struct Prepared<C: Contender> {
    contender: C,
    threads: Vec<C::Thread>,
    size: usize,
    /// The number of charges of each thread.
    done: usize,
    bytes: f64,
}

impl<C: Contender> Prepared<C> {
    fn new(size: usize, threads: usize) -> Self {
        let keys: Vec<usize> = (0..size).collect();
        let before = LIVE.load(Ordering::Relaxed);
        let contender = C::new();
        let mut inserting = contender.thread(&keys);
        for row in 0..size {
            assert!(contender.charge(&mut inserting, row, START));
        }
        drop(inserting);
        let bytes = (LIVE.load(Ordering::Relaxed) - before) as f64 / size as f64;
        let threads = (1..=threads).map(|seed| contender.thread(&shuffled(&keys, seed as u64))).collect();
        Self { contender, threads, size, done: 0, bytes }
    }
}

/// Any of them.
trait Waiting {
    fn name(&self) -> &'static str;
    fn bytes(&self) -> f64;
    /// The duration of a charge in nanoseconds.
    fn batch(&mut self) -> f64;
}

impl<C: Contender> Waiting for Prepared<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn bytes(&self) -> f64 {
        self.bytes
    }

    fn batch(&mut self) -> f64 {
        let Self { contender, threads, size, done, .. } = self;
        // A little slower than tokens are spent, as a full bucket needs no memory, and none of them is ever empty.
        let now = START + (threads.len() * *done * 9 / (10 * *size)) as i64;
        let ready = AtomicUsize::new(0);
        let number = threads.len();
        let run = |thread: &mut C::Thread| {
            ready.fetch_add(1, Ordering::AcqRel);
            while ready.load(Ordering::Acquire) < number {
                spin_loop();
            }
            let mut row = *done % *size;
            let mut charge = |times: usize| {
                for _ in 0..times {
                    // What is timed is right.
                    assert!(contender.charge(thread, row, black_box(now)));
                    row += 1;
                    if row == *size {
                        row = 0;
                    }
                }
            };
            charge(WARMING);
            let start = Instant::now();
            charge(BATCH);
            start.elapsed().as_nanos() as f64 / BATCH as f64
        };
        let run = &run;
        let times: Vec<f64> = match threads.as_mut_slice() {
            [only] => vec![run(only)],
            several => thread::scope(|scope| {
                let running: Vec<_> = several.iter_mut().map(|thread| scope.spawn(move || run(thread))).collect();
                running.into_iter().map(|running| running.join().expect("it doesn't panic")).collect()
            }),
        };
        *done += WARMING + BATCH;
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
    println!("threads      keys                            min   median    ratio  bytes a key");
    for threads in [1, 2] {
        for size in SIZES {
            let mut contenders: [Box<dyn Waiting>; 4] = [
                Box::new(Prepared::<ByText>::new(size, threads)),
                Box::new(Prepared::<ByNumber>::new(size, threads)),
                Box::new(Prepared::<Ours>::new(size, threads)),
                Box::new(Prepared::<WithClock>::new(size, threads)),
            ];
            let mut times = [const { Vec::new() }; 4];
            for _ in 0..ROUNDS {
                for (contender, times) in contenders.iter_mut().zip(&mut times) {
                    times.push(contender.batch());
                }
            }
            times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
            for (contender, sorted) in contenders.iter().zip(&times) {
                let (min, median, ratio) = (sorted[0], sorted[ROUNDS / 2], sorted[0] / times[0][0]);
                let (name, bytes) = (contender.name(), contender.bytes());
                println!("{threads:>7} {size:>9} {name:22} {min:>8.1} {median:>8.1} {ratio:>8.2} {bytes:>12.1}");
            }
        }
    }
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
