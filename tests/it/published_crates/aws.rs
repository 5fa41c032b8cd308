//! The fixture crate `aws`: the AWS SDK for Rust with its own HTTP connector, against moto, which
//! checks signatures and permissions.

use pilotlight_local::environment::INIT_LIMIT;
use serde_json::Value;
use serde_json::json;

use crate::support;
use crate::support::moto::Moto;
use crate::support::oracle;

#[test]
fn a_handler_on_the_aws_sdk_runs_as_it_does_natively() {
    let build = ["build", "--target-dir", "../../../target/aws"];
    let library = support::library(&support::cargo("tests/fixtures/aws", &build), "aws");
    let moto = Moto::start(3);
    let keys = moto.user(&["dynamodb:*"], None);
    let event = json!({"url": moto.url, "key": keys.key, "secret": keys.secret}).to_string();
    let expected = json!({
        "read": 3,
        "pages": 3,
        "wheels": 10,
        "refused": "ConditionalCheckFailedException",
    });

    let function = support::function(&library, None);
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    for _ in 0..3 {
        let answer = support::response(support::invoke(&environment, &function, event.as_bytes()));
        assert_eq!(serde_json::from_slice::<Value>(&answer).expect("JSON"), expected);
    }
    let by_dlopen = oracle::answer(&library, None, &event).expect("a response");
    assert_eq!(serde_json::from_slice::<Value>(&by_dlopen).expect("JSON"), expected);

    // A wrong key is found out, so the right one has signed as it should. (moto says so in XML,
    // which is not DynamoDB's protocol.)
    let wrong = json!({"url": moto.url, "key": keys.key, "secret": "wrong"}).to_string();
    let refused = support::invoke(&environment, &function, wrong.as_bytes());
    let message = support::Posted::read(&refused.expect("answered")).message;
    assert!(message.contains("unexpected token '<'"), "{message}");
}
