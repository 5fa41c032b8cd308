//! The store, with threads that read, and threads that fetch in place of the module.

extern crate std;

use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering;
use std::thread;

use pilotlight_host::sys::clock;

use super::declaration::Declaration;
use super::fetched::Fetched;
use super::store::Absent;
use super::store::Store;

fn spawn_nothing() -> bool {
    true
}

fn store(declarations: &[&'static str], spawn: fn() -> bool) -> &'static Store {
    let store = vec![Store::empty()].leak();
    store[0].set_spawn(Box::new(spawn));
    for text in declarations {
        store[0].add(Declaration::parse(text.as_bytes()).expect(text)).expect("added");
    }
    &store[0]
}

fn fetched(bytes: Vec<u8>) -> Fetched {
    Fetched { bytes, ..Fetched::default() }
}

/// Fetches once, as the module does.
fn fetch(store: &Store, bytes: &[u8], ttl_ms: u64) {
    let (index, _) = store.next();
    store.publish(index, fetched(bytes.to_vec()), false);
    let now = clock::now_ms();
    store.finish(index, now + ttl_ms, now);
}

#[test]
fn a_value_is_fresh_as_soon_as_it_is_there() {
    let store = store(&["a=env:A"], spawn_nothing);
    store.end_start();
    assert!(store.read(b"a", 0).is_err());
    let (index, _) = store.next();
    let fetched_ms = clock::now_ms();
    store.publish(index, Fetched { fetched_ms, ..fetched(b"1".to_vec()) }, false);
    assert!(!store.read(b"a", 0).expect("there").is_stale);
    store.finish(index, fetched_ms, fetched_ms);
    assert!(store.read(b"a", 0).expect("there").is_stale, "its TTL is zero");
}

#[test]
fn a_hundred_thousand_reads_during_a_hundred_changes_are_whole_and_never_go_back() {
    const CHANGES: u64 = 100;
    const READS: usize = 100_000;
    let store = store(&["a=env:A"], spawn_nothing);
    store.end_start();
    let ended = AtomicU32::new(0);
    let changed = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut seen = 0;
                let mut reads = 0;
                // Read at least READS times, and until the last change.
                while reads < READS || !changed.load(Ordering::Acquire) {
                    reads += 1;
                    let Ok(snapshot) = store.read(b"a", 0) else {
                        assert_eq!(seen, 0, "a value has disappeared");
                        continue;
                    };
                    let generation = snapshot.value.generation;
                    assert!(generation >= seen, "{generation} after {seen}");
                    seen = generation;
                    // A value consists of its generation, repeated, and each is longer.
                    let length = usize::try_from(generation).expect("small") * 100;
                    assert_eq!(snapshot.value.bytes.len(), length);
                    let expected = u8::try_from(generation).expect("small");
                    assert!(snapshot.value.bytes.iter().all(|&byte| byte == expected));
                }
                assert_eq!(store.read(b"a", 0).expect("there").value.generation, CHANGES);
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        scope.spawn(|| {
            for change in 1..=CHANGES {
                // The value is due again at once.
                let (index, _) = store.next();
                let byte = u8::try_from(change).expect("small");
                let length = usize::try_from(change).expect("small") * 100;
                assert!(store.publish(index, fetched(vec![byte; length]), false));
                store.finish(index, 0, clock::now_ms());
            }
            changed.store(true, Ordering::Release);
        });
    });
    assert_eq!(ended.load(Ordering::Relaxed), 4);
}

#[test]
fn a_value_that_a_reader_holds_does_not_change() {
    let store = store(&["a=env:A?ttl=1ms"], spawn_nothing);
    store.end_start();
    assert_eq!(store.read(b"a", 0).expect_err("nothing"), Absent::NotYet);
    fetch(store, b"first", 0);
    let held = store.read(b"a", 0).expect("there").value;
    fetch(store, b"second", 0);
    assert_eq!(held.bytes, b"first");
    assert_eq!(store.read(b"a", 0).expect("there").value.bytes, b"second");
}

#[test]
fn a_value_is_requested_once_and_again_when_it_is_due() {
    static SPAWNED: AtomicU32 = AtomicU32::new(0);
    fn spawn() -> bool {
        SPAWNED.fetch_add(1, Ordering::Relaxed);
        true
    }
    let store = store(&["a=env:A", "b=env:B"], spawn);
    assert_eq!(store.read(b"a", 0).expect_err("nothing"), Absent::NotYet);
    assert_eq!(SPAWNED.load(Ordering::Relaxed), 0, "nothing is fetched at the start");
    store.end_start();
    for _ in 0..3 {
        assert_eq!(store.read(b"a", 0).expect_err("nothing"), Absent::NotYet);
    }
    assert_eq!(store.read(b"c", 0).expect_err("nothing"), Absent::Unknown);
    fetch(store, b"1", 60_000);
    assert!(!store.read(b"a", 0).expect("there").is_stale);
    // `b` has never been read, so the start of an invocation does not request it either.
    store.begin_invocation();
    let before = clock::now_ms();
    store.end_invocation();
    assert!(clock::now_ms() - before < 400, "nothing is being fetched");
    assert_eq!(SPAWNED.load(Ordering::Relaxed), 1);
    // The same bytes are not a new generation.
    assert_eq!(store.read(b"b", 0).expect_err("nothing"), Absent::NotYet);
    fetch(store, b"same", 0);
    let _ = store.read(b"b", 0);
    fetch(store, b"same", 60_000);
    assert_eq!(store.read(b"b", 0).expect("there").value.generation, 1);
}

#[test]
fn a_failed_fetch_leaves_a_stale_value() {
    let store = store(&["a=env:A"], spawn_nothing);
    store.end_start();
    let _ = store.read(b"a", 0);
    fetch(store, b"1", 0);
    assert!(store.read(b"a", 0).expect("there").is_stale, "its interval has passed");
    let (index, _) = store.next();
    store.finish(index, clock::now_ms() + 60_000, 0);
    let snapshot = store.read(b"a", 0).expect("there");
    assert!(snapshot.is_stale && snapshot.value.bytes == b"1");
}

#[test]
fn a_clock_that_went_back_has_the_value_fetched_again() {
    let store = store(&["a=env:A"], spawn_nothing);
    store.end_start();
    let _ = store.read(b"a", 0);
    // Confirmed a day in the future, as seen after the clock went back.
    let (index, _) = store.next();
    let tomorrow = clock::now_ms() + 86_400_000;
    store.publish(index, fetched(b"1".to_vec()), false);
    store.finish(index, tomorrow + 1000, tomorrow);
    assert!(store.read(b"a", 0).expect("there").is_stale);
    fetch(store, b"2", 1000);
    assert_eq!(store.read(b"a", 0).expect("there").value.bytes, b"2");
}

#[test]
fn only_the_first_read_of_a_required_value_waits() {
    let store = store(&["a=env:A?required&wait=1s"], spawn_nothing);
    let started = clock::now_ms();
    assert_eq!(store.read(b"a", 0).expect_err("nothing"), Absent::NotYet);
    assert!(clock::now_ms() - started < 900, "no read waits before the first invocation");
    store.end_start();
    assert_eq!(store.read(b"a", 0).expect_err("nothing"), Absent::NotYet);
    assert!(clock::now_ms() - started >= 1000);
    let second = clock::now_ms();
    assert_eq!(store.read(b"a", 0).expect_err("nothing"), Absent::NotYet);
    assert!(clock::now_ms() - second < 900);
}

#[test]
fn the_wait_for_a_required_value_ends_when_it_arrives_or_at_the_deadline() {
    let store = store(&["a=env:A?required&wait=1h", "b=env:B?required&wait=1h"], spawn_nothing);
    store.end_start();
    let deadline = clock::now_ms() + 200;
    assert_eq!(store.read(b"b", deadline).expect_err("nothing"), Absent::NotYet);
    thread::scope(|scope| {
        let reader = scope.spawn(|| store.read(b"a", 0).expect("there").value.bytes.clone());
        // A failed fetch is repeated while the reader waits.
        let (index, _) = store.next();
        store.finish(index, 0, 0);
        loop {
            let (index, entry) = store.next();
            let is_a = entry.declaration.name == b"a";
            if is_a {
                store.publish(index, fetched(b"x".to_vec()), false);
            }
            store.finish(index, clock::now_ms() + 1000, clock::now_ms());
            if is_a {
                break;
            }
        }
        assert_eq!(reader.join().expect("read"), b"x");
    });
}

#[test]
fn without_a_fetching_thread_no_read_waits() {
    let store = store(&["a=env:A?required&wait=1h&prefetch"], || false);
    store.end_start();
    assert_eq!(store.read(b"a", 0).expect_err("nothing"), Absent::NotYet);
    store.end_invocation();
}

#[test]
fn names_are_declared_once_and_up_to_a_limit() {
    let store = store(&[], spawn_nothing);
    let add =
        |text: &'static str| store.add(Declaration::parse(text.as_bytes()).expect("a declaration"));
    add("a=env:A").expect("added");
    assert!(add("a=env:B").expect_err("twice").contains("not declared yet"));
    for index in 1..64 {
        add(format!("a{index}=env:A").leak()).expect("added");
    }
    assert!(add("z=env:A").expect_err("too many").contains("at most 64 values"));
}

#[test]
fn the_end_of_an_invocation_waits_for_a_running_fetch() {
    let store = store(&["a=env:A"], spawn_nothing);
    store.end_start();
    thread::scope(|scope| {
        let _ = store.read(b"a", 0);
        scope.spawn(|| {
            let (index, _) = store.next();
            thread::sleep(std::time::Duration::from_millis(50));
            store.publish(index, fetched(b"1".to_vec()), false);
            store.finish(index, clock::now_ms() + 60_000, clock::now_ms());
        });
        store.end_invocation();
        assert_eq!(store.read(b"a", 0).expect("it was waited for").value.bytes, b"1");
    });
}
