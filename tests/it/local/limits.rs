//! Lambda's limits of processor time and memory, held by control groups and without them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use pilotlight_local::environment::ExecutionEnvironment;
use pilotlight_local::environment::INIT_LIMIT;
use pilotlight_local::environment::InvokeError;
use pilotlight_local::function::Function;
use pilotlight_local::limits::CpuShare;
use pilotlight_local::limits::Limits;
use pilotlight_local::limits::PERIOD;
use tempfile::TempDir;

use crate::support;
use crate::support::served::Served;

/// Of two processors, a quarter of one is to be had also while others work.
const QUARTER_MB: u64 = 442;
/// Other programs can only lower the share that is obtained, so one of these attempts counts.
const ATTEMPTS: usize = 5;

/// The fixture as a function whose limits are held by a control group, if there can be one, and by
/// watching.
fn both_ways(memory_mb: u64) -> (TempDir, [Function; 2]) {
    let (folder, library) = support::fixture_in_c("limits");
    let of = |without_groups| {
        let limits = Limits { cpu: true, memory: true, without_groups };
        Function { memory_mb, limits, ..support::function(&library, None) }
    };
    (folder, [of(false), of(true)])
}

fn started(function: &Function) -> ExecutionEnvironment {
    let environment = support::start(function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    environment
}

/// The processor time that the fixture burnt and the time that passed, by its own clocks.
fn times(environment: &ExecutionEnvironment, function: &Function, event: &str) -> [f64; 2] {
    let response = support::response(support::invoke(environment, function, event.as_bytes()));
    serde_json::from_slice(&response).expect("two times")
}

/// All attempts together get at most a quarter more than the share, because time beyond it is
/// missing later; and one of them gets at most a quarter less.
fn expect_share(function: &Function, event: &str) {
    let share = CpuShare::of_memory(function.memory_mb).processors();
    let environment = started(function);
    let times: Vec<_> = (0..ATTEMPTS).map(|_| times(&environment, function, event)).collect();
    let about = format!("{event}, {:?}: {share} is asked for, got {times:?}", function.limits);
    let sum = |index: usize| times.iter().map(|times| times[index]).sum::<f64>();
    assert!(sum(0) / sum(1) < share * 1.25, "{about}");
    assert!(times.iter().any(|[burnt, passed]| burnt / passed > share * 0.75), "{about}");
}

#[test]
fn a_function_gets_its_share_of_a_processor() {
    let (_folder, functions) = both_ways(QUARTER_MB);
    for function in functions {
        expect_share(&function, "\"b100\"");
    }
}

#[test]
fn the_smallest_function_gets_a_fourteenth() {
    let (_folder, functions) = both_ways(128);
    for function in functions {
        expect_share(&function, "\"b30\"");
    }
}

#[test]
fn processes_that_a_function_starts_share_with_it() {
    let (_folder, functions) = both_ways(QUARTER_MB);
    for function in functions {
        expect_share(&function, "\"c100\"");
    }
}

#[test]
fn init_is_not_limited() {
    let (_folder, functions) = both_ways(128);
    for function in functions {
        let share = CpuShare::of_memory(128).processors();
        let of_init = || {
            let [burnt, passed] = times(&started(&function), &function, "\"i\"");
            burnt / passed
        };
        let shares: Vec<f64> = (0..ATTEMPTS).map(|_| of_init()).collect();
        let about = format!("{:?}: {shares:?} beside {share}", function.limits);
        assert!(shares.iter().any(|obtained| *obtained > share * 4.0), "{about}");
    }
}

/// The processor time of a process, in hundredths of a second.
fn ticks(environment: &ExecutionEnvironment) -> u64 {
    let path = format!("/proc/{}/stat", environment.pid().as_raw_nonzero());
    let stat = fs::read_to_string(path).expect("a process");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("fields").1.split(' ').collect();
    fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
}

#[test]
fn a_frozen_environment_stays_frozen() {
    let (_folder, functions) = both_ways(QUARTER_MB);
    for function in functions {
        let environment = started(&function);
        thread::scope(|scope| {
            let invocation = scope.spawn(|| times(&environment, &function, "\"b300\""));
            let before = ticks(&environment);
            let end = Instant::now() + support::PATIENCE;
            while ticks(&environment) < before + 5 {
                assert!(Instant::now() < end, "it never works");
                thread::sleep(Duration::from_millis(1));
            }
            environment.freeze();
            // The kernel delivers the signal with a short delay.
            thread::sleep(PERIOD);
            let frozen = ticks(&environment);
            thread::sleep(PERIOD * 20);
            assert_eq!(ticks(&environment), frozen, "{:?}", function.limits);
            environment.thaw();
            invocation.join().expect("an answer");
        });
    }
}

#[test]
fn a_function_that_needs_more_than_its_memory_is_ended() {
    let (_folder, functions) = both_ways(128);
    for function in functions {
        for event in ["\"t200\"", "\"g200\""] {
            let environment = started(&function);
            let within = support::invoke(&environment, &function, b"\"t32\"");
            assert_eq!(support::response(within), b"null");
            let reserved = support::invoke(&environment, &function, b"\"r4000\"");
            assert_eq!(support::response(reserved), b"null");
            let ended = support::invoke(&environment, &function, event.as_bytes());
            let Err(error @ InvokeError::Exited(_)) = ended else { panic!("{event}: {ended:?}") };
            assert_eq!(error.to_string(), "Runtime exited with error: signal: killed");
            assert_eq!(environment.peak_memory_kib(), 128 << 10);
        }
    }
}

/// The control groups that a process of this command has made.
fn groups(maker: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new("/sys/fs/cgroup").to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let of_maker = format!("pilotlight-{maker}-");
            if entry.file_name().to_string_lossy().starts_with(&of_maker) {
                found.push(entry.path());
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn clients_and_the_log_hear_of_it_as_from_lambda() {
    let (_folder, library) = support::fixture_in_c("limits");
    let served = Served::start(&[&library], &["--cpu", "lambda", "--timeout", "60"]);
    let reply = served.invoke("limits", "\"t200\"");
    assert_eq!((reply.status, reply.header("x-amz-function-error")), (200, "Unhandled"));
    let error = reply.json();
    assert_eq!(error["errorType"], "Runtime.ExitError");
    let message = error["errorMessage"].as_str().expect("text");
    assert!(message.starts_with("RequestId: "), "{message}");
    assert!(message.ends_with(" Error: Runtime exited with error: signal: killed"), "{message}");
    let log = served.log_with("\tStatus: error\tError Type: Runtime.ExitError");
    assert!(log.contains("\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t"), "{log}");
    assert!(log.contains("\tProcessor Share: 0.072\t"), "{log}");
    // The environment starts again.
    assert_eq!(served.invoke("limits", "\"t1\"").text(), "null");
    let share = served.function("limits")["cpu_share"].as_f64().expect("a number");
    assert!((share - 128.0 / 1769.0).abs() < 1e-9, "{share}");
}

#[test]
fn no_control_group_is_left() {
    for signal in ["-TERM", "-KILL"] {
        let (_folder, library) = support::fixture_in_c("limits");
        let served = Served::start(&[&library], &["--cpu", "lambda"]);
        assert_eq!(served.invoke("limits", "\"t1\"").text(), "null");
        let process = served.id();
        served.signal(signal);
        served.wait();
        let end = Instant::now() + support::PATIENCE;
        while !groups(process).is_empty() {
            assert!(Instant::now() < end, "after {signal}: {:?}", groups(process));
            thread::sleep(Duration::from_millis(5));
        }
    }
}
