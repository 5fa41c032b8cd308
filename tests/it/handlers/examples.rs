//! Each example on the local emulator, and the same library through `dlopen`.

use pilotlight_local::environment::INIT_LIMIT;
use pilotlight_local::environment::InvokeError;
use pilotlight_local::runtime_api::MAX_RESPONSE;
use pilotlight_local::runtime_api::Outcome;

use crate::support;
use crate::support::Posted;
use crate::support::oracle;

const ADA: &str = r#"{"name":"Ada"}"#;
const HELLO_ADA: &[u8] = br#"{"message":"Hello, Ada!"}"#;

#[test]
fn hello_greets_cold_and_warm_on_one_connection() {
    let function = support::example("hello");
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    for _ in 0..100 {
        assert_eq!(
            support::response(support::invoke(&environment, &function, ADA.as_bytes())),
            HELLO_ADA
        );
    }
    let session = environment.shared().session();
    assert_eq!(session.connections(), 1);
    // One `/next` and one post for each invocation, and the `/next` that waits; nothing else.
    assert!((200..=201).contains(&session.requests()), "{} requests", session.requests());
}

#[test]
fn hello_refuses_an_event_of_another_type() {
    let outcome = support::cold(&support::example("hello"), br#"{"nam":"Ada"}"#);
    let posted = Posted::read(&outcome.expect("answered"));
    assert_eq!(posted.error_type, "InvalidEvent");
    assert_eq!(posted.category, "Function.InvalidEvent");
    assert!(posted.message.contains("missing field `name`"), "{}", posted.message);
}

#[test]
fn both_languages_and_both_loaders_agree() {
    for name in ["hello", "hello-c"] {
        let library = support::dist(&format!("examples/lib{name}.so"));
        assert_eq!(
            support::response(support::cold(&support::example(name), ADA.as_bytes())),
            HELLO_ADA
        );
        assert_eq!(oracle::answer(&library, None, ADA).as_deref(), Ok(HELLO_ADA));
        let outcome = support::cold(&support::example(name), b"{}").expect("answered");
        let by_dlopen = oracle::answer(&library, None, "{}").expect_err("an error");
        assert_eq!(Posted::read(&outcome).error_type, by_dlopen);
    }
}

#[test]
fn echo_returns_any_event() {
    let function = support::example("echo");
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    let every_byte: Vec<u8> = (0..=255).collect();
    let large = every_byte.repeat(MAX_RESPONSE / 256 + 1);
    let events: [&[u8]; 8] = [
        b"",
        b"null",
        b"not JSON",
        "{\"text\":\"ä€😀\"}".as_bytes(),
        &every_byte,
        b"\r\n0\r\n\r\n",
        &large[..100_000],
        &large[..MAX_RESPONSE],
    ];
    for event in events {
        let answer = support::response(support::invoke(&environment, &function, event));
        assert_eq!(answer, event, "{} bytes", event.len());
    }
    // The server refuses one byte more, and the next invocation works.
    let outcome = support::invoke(&environment, &function, &large[..=MAX_RESPONSE]);
    assert_eq!(outcome, Ok(Outcome::TooLarge(MAX_RESPONSE)));
    assert_eq!(support::response(support::invoke(&environment, &function, b"[]")), b"[]");
}

#[test]
fn errors_and_panics_are_posted_and_the_loop_goes_on() {
    let function = support::example("faulty");
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    let fault = |fault: &str| {
        let event = format!("{{\"fault\":\"{fault}\"}}");
        support::invoke(&environment, &function, event.as_bytes())
    };
    for _ in 0..3 {
        let error = Posted::read(&fault("error").expect("answered"));
        assert_eq!(error.error_type, "RequestedError");
        assert_eq!(error.category, "Function.RequestedError");
        assert_eq!(error.message, "this error was asked for");

        let panic = Posted::read(&fault("panic").expect("answered"));
        assert_eq!(
            (panic.error_type.as_str(), panic.category.as_str()),
            ("Panic", "Function.Panic")
        );
        let location = panic.stack_trace.first().expect("the location");
        assert!(location.starts_with("examples/faulty/src/lib.rs:"), "{location}");
        assert_eq!(panic.message, format!("panicked at {location}: this panic was asked for"));

        assert_eq!(support::response(fault("none")), br#"{"fault":null}"#);
    }
}

#[test]
fn a_handler_that_dies_is_reported_and_then_ends_as_its_signal_does() {
    let died = |fault: &str| {
        let function = support::example("faulty");
        let environment = support::start(&function);
        environment.wait_initialised(INIT_LIMIT).expect("initialised");
        let event = format!("{{\"fault\":\"{fault}\"}}");
        let outcome = support::invoke(&environment, &function, event.as_bytes());
        let posted = Posted::read(&outcome.expect("reported"));
        let exit = environment.shared().session().exit_status().expect("ended");
        (posted, InvokeError::Exited(exit).to_string())
    };
    let (abort, end) = died("abort");
    assert_eq!(end, "Runtime exited with error: signal: aborted");
    assert_eq!(abort.category, "Function.Aborted");
    assert!(abort.message.starts_with("the handler was killed by signal 6 (SIGABRT)"), "{abort:?}");

    let (segv, end) = died("segv");
    assert_eq!(end, "Runtime exited with error: signal: segmentation fault");
    assert_eq!(segv.error_type, "SegmentationFault");
    assert!(segv.message.contains("(SIGSEGV) at address 0x10, in /"), "{segv:?}");
    assert!(segv.message.contains("/libfaulty.so+0x"), "{segv:?}");

    let (overflow, end) = died("overflow");
    assert_eq!(end, "Runtime exited with error: signal: segmentation fault");
    assert_eq!(overflow.category, "Function.StackOverflow");
    assert!(overflow.message.contains("(SIGSEGV, stack overflow)"), "{overflow:?}");

    let (exit, end) = died("exit");
    assert_eq!(end, "Runtime exited with error: exit status 3");
    assert_eq!(exit.message, "the handler ended the process with exit code 3");
    assert_eq!(exit.category, "Function.ProcessExit");
}

#[test]
fn a_handler_that_sleeps_past_its_deadline_is_ended() {
    let mut function = support::example("faulty");
    function.timeout = std::time::Duration::from_millis(200);
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    let result = support::invoke(&environment, &function, br#"{"fault":"sleep"}"#);
    assert_eq!(result, Err(InvokeError::TimedOut));
    assert!(!environment.is_alive());
}
