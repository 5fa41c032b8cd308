//! Work that costs time inside a handler, each piece timed by itself: the shortest of several
//! repetitions, in nanoseconds.

use std::convert::Infallible;
use std::hint::black_box;
use std::thread;
use std::time::Instant;

use pilotlight::Raw;
use regex::Regex;
use serde_json::Value;
use serde_json::json;
use sha2::Digest as _;
use sha2::Sha256;

const REPETITIONS: usize = 15;

/// A name, and the shortest time in ns.
pub type Timing = (String, f64);

fn shortest(mut work: impl FnMut()) -> f64 {
    let once = |work: &mut dyn FnMut()| {
        let begun = Instant::now();
        work();
        begun.elapsed().as_nanos() as f64
    };
    (0..REPETITIONS).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}

/// Numbers that are the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize
    }
}

fn document() -> String {
    let mut chance = Chance(1);
    let entry = |number| {
        json!({
            "id": number,
            "name": format!("name number {}", chance.next()),
            "price": chance.next() as f64 / 1000.0,
            "tags": ["one", "two", "three"],
            "nested": {"on": true, "off": null, "text": "with \"quotes\" and \u{e4}"},
        })
    };
    Value::Array((0..6500).map(entry).collect()).to_string()
}

/// Allocates and frees blocks of mixed sizes, some of which live longer than others.
fn allocate() {
    let mut chance = Chance(2);
    let mut kept: Vec<Vec<u8>> = (0..1000).map(|_| Vec::new()).collect();
    for _ in 0..100_000 {
        let size = match chance.next() % 16 {
            0 => chance.next() % 16_384,
            1..4 => chance.next() % 1024,
            _ => chance.next() % 128,
        };
        let mut block = Vec::with_capacity(size + 1);
        block.push(1);
        let place = chance.next() % kept.len();
        kept[place] = block;
    }
    black_box(&kept);
}

/// The longest block that is copied, and room to shift it.
const BLOCK: usize = (1 << 20) + 64;

/// Blocks that begin where a page does, at the same distances from each other everywhere: how fast
/// they are copied depends on where they lie in their pages, and both in the caches, which is the
/// allocators' chance.
fn pages<const COUNT: usize>(room: &mut Vec<u8>, bytes: [u8; COUNT]) -> [&mut [u8]; COUNT] {
    let step = BLOCK.next_multiple_of(4096) + 4096;
    room.resize((COUNT + 1) * step, 0);
    let begin = room.as_ptr().align_offset(4096);
    let mut blocks = room[begin..].chunks_exact_mut(step);
    bytes.map(|byte| {
        let block = &mut blocks.next().expect("there is room for each")[..BLOCK];
        block.fill(byte);
        block
    })
}

fn blocks(timings: &mut Vec<Timing>) {
    const TOTAL: usize = 8 << 20;
    let mut room = Vec::new();
    let [source, target, same] = pages(&mut room, [7, 1, 7]);
    for size in [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1 << 20] {
        let rounds = TOTAL / size;
        let each = |time: f64| time / rounds as f64;
        timings.push((
            format!("copy {size}"),
            each(shortest(|| {
                for round in 0..rounds {
                    let from = &source[round % 8..][..black_box(size)];
                    target[round % 16..][..size].copy_from_slice(black_box(from));
                }
                black_box(&target);
            })),
        ));
        timings.push((
            format!("move {size}"),
            each(shortest(|| {
                for _ in 0..rounds {
                    target.copy_within(1..=black_box(size), 9);
                }
                black_box(&target);
            })),
        ));
        timings.push((
            format!("fill {size}"),
            each(shortest(|| {
                for round in 0..rounds {
                    target[round % 16..][..black_box(size)].fill(black_box(3));
                }
                black_box(&target);
            })),
        ));
        timings.push((
            format!("compare {size}"),
            each(shortest(|| {
                for round in 0..rounds {
                    let (a, b) =
                        (&source[round % 8..][..black_box(size)], &same[round % 4..][..size]);
                    assert!(black_box(a == b));
                }
            })),
        ));
    }
}

/// Times everything.
pub fn time() -> Vec<Timing> {
    let mut timings = Vec::new();
    let text = document();
    let add = |timings: &mut Vec<Timing>, name: &str, work: &mut dyn FnMut()| {
        timings.push((name.to_owned(), shortest(work)));
    };
    add(&mut timings, "JSON, 1 MB", &mut || {
        let value: Value = serde_json::from_str(black_box(&text)).expect("JSON");
        black_box(value.to_string());
    });
    let words = Regex::new(r#""id":(\d+5),"name":"([a-z ]+)(\d+)""#).expect("a pattern");
    add(&mut timings, "regex, 1 MB", &mut || {
        let count = words.captures_iter(black_box(&text)).take(1000).count();
        assert!(black_box(count) > 500);
    });
    add(&mut timings, "allocate, 1 thread", &mut allocate);
    add(&mut timings, "allocate, 2 threads", &mut || {
        let threads = [thread::spawn(allocate), thread::spawn(allocate)];
        threads.into_iter().for_each(|thread| thread.join().expect("joined"));
    });
    let bytes = vec![5u8; 16 << 20];
    add(&mut timings, "SHA-256, 16 MB", &mut || {
        black_box(Sha256::digest(black_box(&bytes)));
    });
    let mut chance = Chance(3);
    let numbers: Vec<u64> = (0..1_000_000).map(|_| chance.next() as u64).collect();
    add(&mut timings, "sort 1 M integers", &mut || {
        let mut copy = numbers.clone();
        copy.sort();
        black_box(&copy);
    });
    blocks(&mut timings);
    timings
}

fn speed(_event: Raw<&[u8]>) -> Result<Raw<String>, Infallible> {
    Ok(Raw(serde_json::to_string(&time()).expect("JSON")))
}

pilotlight::handler!(speed);
