//! Lambda's real clients, boto3 and the `aws` command, and Lambda's own errors.

use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support;
use crate::support::served;
use crate::support::served::Served;
use crate::support::served::example;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A program of the Python environment that `./build.sh test` creates.
fn python(program: &str) -> PathBuf {
    let program = support::root().join("target/tools/python/bin").join(program);
    assert!(program.exists(), "{} is missing: run ./build.sh test", program.display());
    program
}

/// Runs a client with these credentials against a server.
fn client(mut command: Command, served: &Served, secret: &str) -> Output {
    command
        .env("AWS_ENDPOINT_URL_LAMBDA", &served.url)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_MAX_ATTEMPTS", "1")
        .output()
        .expect("the client")
}

/// The output of a script that has boto3's client as `client`: each line as JSON.
fn boto3(served: &Served, secret: &str, script: &str) -> Vec<Value> {
    let prelude = "import boto3, json\nfrom botocore.exceptions import ClientError\n\
        client = boto3.client('lambda')\ndef say(*words): print(json.dumps(words, default=bytes.decode))\n";
    let mut command = Command::new(python("python"));
    command.arg("-c").arg(format!("{prelude}{script}"));
    let output = client(command, served, secret);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn signed() -> Served {
    let libraries = ["hello", "context", "faulty", "stream"].map(example);
    let libraries: Vec<_> = libraries.iter().map(PathBuf::as_path).collect();
    Served::start(&libraries, &["--credentials", &format!("AKIDEXAMPLE:{SECRET}")])
}

#[test]
fn boto3_invokes_in_every_way() {
    let served = signed();
    let printed = boto3(
        &served,
        SECRET,
        r#"
answer = client.invoke(FunctionName='hello', Payload=b'{"name":"Ada"}', LogType='Tail')
say(answer['StatusCode'], answer['Payload'].read(), answer['ExecutedVersion'], answer['LogResult'])
failed = client.invoke(FunctionName='hello:$LATEST', Payload=b'{}')
say(failed['StatusCode'], failed['FunctionError'], json.loads(failed['Payload'].read())['errorType'])
for kind in ('Event', 'DryRun'):
    say(client.invoke(FunctionName='hello', Payload=b'{"name":"Ada"}', InvocationType=kind)['StatusCode'])
arn = 'arn:aws:lambda:us-east-1:123456789012:function:context'
context = 'eyJjdXN0b20iOnsiYSI6ImIifX0='
seen = client.invoke(FunctionName=arn, Qualifier='$LATEST', ClientContext=context, Payload=b'')
seen = json.loads(seen['Payload'].read())
say(seen['invokedFunctionArn'], seen['clientContext'], seen['functionName'])
"#,
    );
    assert_eq!(printed[0][0], 200);
    assert_eq!(printed[0][1], "{\"message\":\"Hello, Ada!\"}");
    assert_eq!(printed[0][2], "$LATEST");
    let log = STANDARD.decode(printed[0][3].as_str().expect("text")).expect("base64");
    let log = String::from_utf8(log).expect("UTF-8");
    assert!(log.starts_with("START RequestId: ") && log.contains("\tInit Duration: "), "{log}");
    assert_eq!(printed[1], serde_json::json!([200, "Unhandled", "InvalidEvent"]));
    assert_eq!((&printed[2][0], &printed[3][0]), (&202.into(), &204.into()));
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:context:$LATEST";
    assert_eq!(printed[4], serde_json::json!([arn, "{\"custom\":{\"a\":\"b\"}}", "context"]));
}

#[test]
fn boto3_reads_a_response_while_it_comes() {
    let (_folder, describes) = support::fixture_in_c("describes");
    let served = Served::start(&[&example("stream"), &example("hello"), &describes], &[]);
    let printed = boto3(
        &served,
        SECRET,
        r#"
def stream(name, event):
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=event, LogType='Tail')
    say(answer['ResponseStreamContentType'], answer['ExecutedVersion'])
    for event in answer['EventStream']:
        say(event)
stream('stream', b'{"chunks":2}')
stream('hello', b'{"name":"Ada"}')
stream('hello', b'{}')
stream('describes', b'"fail"')
"#,
    );
    let chunk = |number: usize| printed[number][0]["PayloadChunk"]["Payload"].clone();
    assert_eq!(printed[0][0], "application/vnd.amazon.eventstream");
    assert_eq!((chunk(1), chunk(2)), ("chunk 1 of 2\n".into(), "chunk 2 of 2\n".into()));
    assert!(printed[3][0]["InvokeComplete"]["LogResult"].is_string(), "{printed:#?}");
    assert!(printed[3][0]["InvokeComplete"]["ErrorCode"].is_null(), "{printed:#?}");
    // A buffered response is one chunk.
    assert_eq!(chunk(5), "{\"message\":\"Hello, Ada!\"}");
    assert_eq!(printed[8][0]["InvokeComplete"]["ErrorCode"], "Unhandled");
    let details = printed[8][0]["InvokeComplete"]["ErrorDetails"].as_str().expect("text");
    assert!(details.contains("\"errorType\":\"InvalidEvent\""), "{details}");
    let end = &printed.last().expect("an end")[0]["InvokeComplete"];
    assert_eq!(end["ErrorCode"], "Function.StreamError", "{printed:#?}");
    assert!(end["ErrorDetails"].as_str().expect("text").contains("after the first piece"));
}

#[test]
fn signatures_are_checked_and_lambdas_errors_are_boto3s() {
    let served = signed();
    let script = r#"
def attempt(**arguments):
    try:
        client.invoke(**arguments)
        say('invoked')
    except ClientError as error:
        say(error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode'], type(error).__name__)
attempt(FunctionName='hello', Payload=b'{"name":"Ada"}')
attempt(FunctionName='hello:$LATEST', Payload=b'{"name":"Ada"}')
attempt(FunctionName='nothing')
attempt(FunctionName='hello', Qualifier='live')
"#;
    let limits = r#"
attempt(FunctionName='hello', Payload=b'"' + b'x' * 6291456 + b'"')
attempt(FunctionName='hello', Payload=b'"' + b'x' * 1048576 + b'"', InvocationType='Event')
attempt(FunctionName='hello', Payload=b'{')
"#;
    let printed = boto3(&served, SECRET, &format!("{script}{limits}"));
    let expected = serde_json::json!([
        ["invoked"],
        ["invoked"],
        ["ResourceNotFoundException", 404, "ResourceNotFoundException"],
        ["ResourceNotFoundException", 404, "ResourceNotFoundException"],
        ["RequestTooLargeException", 413, "RequestTooLargeException"],
        ["RequestTooLargeException", 413, "RequestTooLargeException"],
        ["InvalidRequestContentException", 400, "InvalidRequestContentException"]
    ]);
    assert_eq!(Value::from(printed), expected);
    for answer in boto3(&served, "another secret", script) {
        let expected = serde_json::json!(["InvalidSignatureException", 403, "ClientError"]);
        assert_eq!(answer, expected);
    }
    let unsigned = served.invoke("hello", "{\"name\":\"Ada\"}");
    assert_eq!(unsigned.status, 403);
    assert_eq!(unsigned.header("x-amzn-errortype"), "MissingAuthenticationTokenException");
    // A signature for a wrong time, region or service is refused, and so is an unsigned request of
    // another kind.
    let signed = boto3(&served, SECRET, SIGNED_BY_HAND);
    let region = "Credential should be scoped to a valid region, not 'mars-1'";
    let expected = [
        ("lambda", 200, ""),
        ("s3", 403, "Credential should be scoped to correct service: 'lambda'."),
        ("mars", 403, region),
        ("old", 403, "Signature expired: 20010101T000000Z is now earlier than"),
        ("url", 200, ""),
        ("url mars", 403, region),
        ("url unsigned", 403, "Missing Authentication Token"),
        ("environments", 200, ""),
        ("environments unsigned", 403, "Missing Authentication Token"),
    ];
    for (answer, (name, status, message)) in signed.iter().zip(expected) {
        assert_eq!((&answer[0], &answer[1]), (&name.into(), &status.into()), "{answer}");
        assert!(answer[2].as_str().expect("text").contains(message), "{answer}");
    }
    assert_eq!(signed.len(), expected.len());
    let guess = [("Authorization", "Bearer 0123456789abcdef0123456789abcdef")];
    assert_eq!(served.get_with("/environments", &guess).status, 403);
    // Refused requests were never placed.
    assert_eq!(served.function("hello")["totals"]["invocations"], 3);
}

/// Signs requests for any service, region and time, and prints the answers.
const SIGNED_BY_HAND: &str = r#"
import datetime, os, urllib.error, urllib.request
from unittest import mock
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
base = os.environ['AWS_ENDPOINT_URL_LAMBDA']
keys = Credentials(os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_SECRET_ACCESS_KEY'])
def send(name, path, service='lambda', region='us-east-1', time=None, sign=True, body=b'{"name":"Ada"}'):
    request = AWSRequest('POST' if body else 'GET', base + path, data=body)
    time = time or datetime.datetime.now(datetime.timezone.utc)
    if sign:
        with mock.patch('botocore.auth.get_current_datetime', lambda *_: time):
            SigV4Auth(keys, service, region).add_auth(request)
    prepared = urllib.request.Request(base + path, data=body, headers=dict(request.headers))
    try:
        answer = urllib.request.urlopen(prepared)
        say(name, answer.status, '')
    except urllib.error.HTTPError as error:
        say(name, error.code, error.read().decode())
invoke, url = '/2015-03-31/functions/hello/invocations', '/lambda-url/context/a%20b?c=d&e'
send('lambda', invoke)
send('s3', invoke, service='s3')
send('mars', invoke, region='mars-1')
send('old', invoke, time=datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc))
send('url', url)
send('url mars', url, region='mars-1')
send('url unsigned', url, sign=False)
send('environments', '/environments', body=None)
send('environments unsigned', '/environments', body=None, sign=False)
"#;

#[test]
fn errors_have_the_members_of_the_service_model() {
    let served = Served::start(&[&example("hello")], &["--reserved", "0"]);
    let kind = ("X-Amz-Invocation-Type", "Later");
    let replies = [
        served.invoke("nothing", "{}"),
        served.invoke("hello", "{}"),
        served.invoke("hello", "{"),
        served.invoke_with("hello", "{}", &[kind]),
        served.invoke_with("hello", "{}", &[("Content-Type", "text/plain")]),
        served.invoke("hello", &format!("\"{}\"", "x".repeat(6 << 20))),
    ];
    let model = boto3(
        &served,
        SECRET,
        r#"
shapes = client.meta.service_model
for error in shapes.operation_model('Invoke').error_shapes:
    say(error.name, list(error.members), error.metadata['error']['httpStatusCode'])
"#,
    );
    for reply in replies {
        let name = reply.header("x-amzn-errortype");
        let shape = model.iter().find(|shape| shape[0] == name);
        let shape = shape.unwrap_or_else(|| panic!("an error of the model: {reply:?}"));
        assert_eq!(shape[2], reply.status, "{name}");
        for (member, _) in reply.json().as_object().expect("an object") {
            let members = shape[1].as_array().expect("a list");
            assert!(members.contains(&member.as_str().into()), "{name} has no {member}");
        }
    }
}

#[test]
fn the_aws_command_invokes() {
    let served = signed();
    let folder = tempfile::TempDir::new().expect("a folder");
    let answer = folder.path().join("answer");
    let mut command = Command::new(python("aws"));
    command
        .args(["lambda", "invoke", "--function-name", "hello", "--log-type", "Tail"])
        .args(["--payload", "{\"name\":\"Ada\"}"])
        .arg(&answer);
    let output = client(command, &served, SECRET);
    assert!(output.status.success(), "{output:?}");
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(printed["StatusCode"], 200);
    assert_eq!(printed["ExecutedVersion"], "$LATEST");
    assert_eq!(std::fs::read(answer).expect("the answer"), b"{\"message\":\"Hello, Ada!\"}");
}

#[test]
fn an_event_that_fails_is_tried_three_times() {
    let served = Served::start(&[&example("faulty")], &["--speed", "1000"]);
    let taken = served.invoke_with(
        "faulty",
        "{\"fault\":\"error\"}",
        &[("X-Amz-Invocation-Type", "Event")],
    );
    assert_eq!((taken.status, taken.body.as_slice()), (202, &b""[..]));
    let request_id = taken.header("x-amzn-requestid");
    served.wait_for("faulty", "three attempts", |function| function["totals"]["errors"] == 3);
    let dropped = format!("the event of {request_id} is dropped: three attempts");
    let log = served.log_with(&dropped);
    assert_eq!(log.matches(&format!("START RequestId: {request_id}")).count(), 3);
}

#[test]
fn what_is_no_json_and_what_is_not_there_is_refused() {
    let served = Served::start(&[&example("hello")], &[]);
    let text = served.invoke_with("hello", "{}", &[("Content-Type", "text/plain")]);
    assert_eq!(text.status, 415);
    assert_eq!(text.header("x-amzn-errortype"), "UnsupportedMediaTypeException");
    let kind = served.invoke_with("hello", "{}", &[("X-Amz-Invocation-Type", "Later")]);
    assert_eq!(kind.status, 400);
    let context = served.invoke_with("hello", "{}", &[("X-Amz-Client-Context", "no base64")]);
    assert_eq!(context.header("x-amzn-errortype"), "InvalidRequestContentException");
    let path = served.get("/nothing");
    assert_eq!(path.status, 404);
    assert!(path.text().contains("GET /nothing is not served; there are"), "{path:?}");
}

#[test]
fn the_command_invokes_what_it_serves() {
    let served = Served::start(&[&example("hello")], &[]);
    let invoke = |arguments: &[&str]| {
        let mut command = served::command();
        command.arg("invoke").args(arguments).args(["--endpoint", &served.url]);
        command.output().expect("the command")
    };
    let answered = invoke(&["hello:$LATEST", "--event", "{\"name\":\"Ada\"}"]);
    assert_eq!(answered.status.code(), Some(0), "{answered:?}");
    assert_eq!(answered.stdout, b"{\"message\":\"Hello, Ada!\"}\n");
    assert!(String::from_utf8_lossy(&answered.stderr).contains("\tInit Duration: "));
    let failed = invoke(&["hello"]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let taken = invoke(&["hello", "--type", "Event", "--event", "{\"name\":\"Ada\"}"]);
    assert_eq!((taken.status.code(), taken.stdout.as_slice()), (Some(0), &b""[..]));
    let refused = |arguments: &[&str], message: &str| {
        let output = invoke(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(message), "{output:?}");
    };
    refused(&["nothing"], "404 Not Found: ResourceNotFoundException: {");
    refused(&["hello", "--event", "@nothing"], "cannot read the event from nothing");
    refused(&["hello", "--event", "{"], "Could not parse request body into json");
    let unreachable = ["invoke", "hello", "--endpoint", "http://127.0.0.1:1"];
    let output = served::command().args(unreachable).output().expect("the command");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("is `pilotlight serve` running there?")
    );
}
