//! Each transition, without the server.

use super::*;

fn with_event(request_id: &str) -> Session {
    with_events(&[request_id], 1)
}

fn with_events(request_ids: &[&str], concurrency: usize) -> Session {
    let mut session = Session::new(concurrency);
    for &request_id in request_ids {
        let request_id = request_id.to_owned();
        let attempt_id = "attempt".to_owned();
        session.enqueue(Invocation { request_id, attempt_id, ..Invocation::default() });
    }
    session
}

fn answer(session: &mut Session, request_id: &str, attempt: Option<&str>) -> u16 {
    let begun = session.begin_answer(request_id, attempt).map(drop);
    let response = Outcome::Response(b"r".to_vec());
    let ended = begun.and_then(|()| session.end_answer(request_id, Instant::now(), response, None));
    ended.err().map_or(202, |error| error.status)
}

#[test]
fn one_invocation_goes_through_its_states() {
    let mut session = with_event("a");
    let now = Instant::now();
    assert_eq!(answer(&mut session, "a", None), 400);
    session.begin_next(now).expect("initialised");
    assert!(session.init().is_some());
    assert_eq!(session.deliver().expect("queued").request_id, "a");
    session.begin_next(now).expect("asking again is allowed");
    assert_eq!(session.deliver().expect("the same").request_id, "a");
    assert_eq!(answer(&mut session, "b", None), 400);
    assert_eq!(answer(&mut session, "a", Some("another")), 400);
    assert_eq!(answer(&mut session, "a", Some("attempt")), 202);
    assert!(!session.is_idle());
    assert_eq!(answer(&mut session, "a", None), 403);
    session.begin_next(now).expect("ready again");
    assert!(session.is_idle());
    assert!(session.deliver().is_none());
    let error = Outcome::Error { body: Vec::new(), error_type: None };
    assert_eq!(session.fail_init(error).expect_err("refused").status, 403);
}

#[test]
fn after_an_init_error_nothing_is_allowed() {
    let mut session = with_event("a");
    let error = Outcome::Error { body: Vec::new(), error_type: None };
    session.fail_init(error).expect("initialising");
    assert_eq!(session.begin_next(Instant::now()).expect_err("refused").status, 403);
}

#[test]
fn several_invocations_are_in_flight_where_that_is_wanted() {
    let mut session = with_events(&["a", "b"], 2);
    for expected in ["a", "b"] {
        session.begin_next(Instant::now()).expect("initialised");
        assert_eq!(session.deliver().expect("queued").request_id, expected);
    }
    session.begin_next(Instant::now()).expect("a third worker");
    assert!(session.deliver().is_none());
    assert_eq!(answer(&mut session, "b", None), 202);
    assert_eq!(answer(&mut session, "b", None), 400);
    session.expire("a");
    assert_eq!(answer(&mut session, "a", None), 410);
}

#[test]
fn init_lasts_until_the_extensions_are_there() {
    let mut session = with_event("a");
    session.register_extension("internal".to_owned()).expect("in time");
    session.begin_next(Instant::now()).expect("ready");
    assert_eq!(session.init(), None);
    assert_eq!(session.extension_is_ready("another").expect_err("unknown").status, 403);
    assert_eq!(session.init(), None);
    session.extension_is_ready("internal").expect("registered");
    assert!(session.init().is_some());
}

#[test]
fn a_snapshot_is_restored_once_between_init_and_the_first_invocation() {
    let mut session = with_event("a");
    let now = Instant::now();
    session.restore(now).expect("initialised");
    assert!(session.snapshot().is_some() && session.restore_duration().is_none());
    assert!(session.init().is_none(), "the restore belongs to the start");
    assert_eq!(session.restore(now).expect_err("refused").status, 403);
    let error = || Outcome::Error { body: b"e".to_vec(), error_type: None };
    assert_eq!(session.fail_init(error()).expect_err("refused").status, 403);
    session.begin_next(now).expect("restored");
    assert!(session.restore_duration().is_some() && session.init().is_some());
    assert_eq!(session.restore(now).expect_err("refused").status, 403);
    assert_eq!(session.fail_restore(now, error()).expect_err("refused").status, 403);

    let mut session = with_event("a");
    session.restore(now).expect("initialised");
    session.fail_restore(now, error()).expect("restored");
    assert_eq!(session.init_error(), Some(&error()));
    assert_eq!(session.begin_next(now).expect_err("refused").status, 403);
}

#[test]
fn the_time_after_an_answer_ends_with_the_next_request() {
    let mut session = with_event("a");
    let now = Instant::now();
    session.begin_next(now).expect("initialised");
    session.deliver().expect("queued");
    assert_eq!(answer(&mut session, "a", None), 202);
    let late = Instant::now() + Duration::from_secs(2);
    session.begin_next(late).expect("ready again");
    let ended = session.take_ended("a").expect("answered");
    assert!(ended.overhead > Duration::from_secs(1), "{:?}", ended.overhead);
}
