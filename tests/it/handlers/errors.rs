//! The errors that handlers return, as the caller gets them: `errorType` and `errorMessage`.

use crate::support;
use crate::support::Posted;

/// The `errorType` and `errorMessage` of this handler of the fixture, for the event "why".
fn error(handler: &str) -> (String, String) {
    let function = support::function(&support::fixture_crate("errors"), Some(handler));
    let posted = Posted::read(&support::cold(&function, b"\"why\"").expect("answered"));
    (posted.error_type, posted.message)
}

#[track_caller]
fn check(handler: &str, error_type: &str, message: &str) {
    assert_eq!(error(handler), (error_type.to_owned(), message.to_owned()), "{handler}");
}

const REFUSED: &str = "not authorised to perform s3:GetObject: why";

#[test]
fn causes_are_in_the_message_once() {
    check("sourced", "Refused", REFUSED);
    check("repeating", "Repeating", "cannot read: why");
    check("generic", "Generic", "generic: why");
    check("boxed", "Error", REFUSED);
    check("contexts", "Error", &format!("while greeting: while reading: {REFUSED}"));
    check("endless", "Endless", "once");
}

#[test]
fn the_type_is_the_name_of_the_error_with_the_crate_if_it_is_ambiguous() {
    check("qualified", "errors::Error", &format!("unhandled error: {REFUSED}"));
    check("standard", "io::Error", "why");
    check("pointed", "Generic", "generic: why");
    check("borrowing", "Borrowing", "all of why");
    check("text", "Error", "why");
}

#[test]
fn a_handler_chooses_type_and_message() {
    check("chosen", "PaymentDeclined", "why");
    check("chosen_with_cause", "PaymentDeclined", REFUSED);
    check("chosen_in_a_box", "PaymentDeclined", "why");
    check("chosen_in_contexts", "PaymentDeclined", "while paying: why");
    check("chosen_and_shared", "PaymentDeclined", "why");
}

#[test]
fn a_diagnostic_is_the_answer() {
    check("diagnosed", "CardDeclined", "why");
    check("diagnostic", "CardDeclined", "why");
    check("diagnosed_error", "CardDeclined", "why");
    check("boxed_diagnostic", "Error", REFUSED);
    check("standard_diagnostic", "io::Error", "why");
}

#[test]
fn a_handler_in_a_module_is_named_without_its_path() {
    let library = support::fixture_crate("errors");
    let function = support::function(&library, Some("in_a_module"));
    assert_eq!(support::response(support::cold(&function, b"\"here\"")), b"\"here\"");
}
