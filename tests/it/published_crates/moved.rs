//! A function on the crate `lambda_runtime`, moved by the diff in `docs/from-lambda_runtime.md`: it
//! answers the same before, after, and back on that crate.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::thread;

use pilotlight_local::environment::INIT_LIMIT;
use pilotlight_local::function::Function;
use pilotlight_local::runtime_api::Invocation;
use pilotlight_local::runtime_api::Outcome;
use serde_json::Value;
use serde_json::json;

use crate::handlers::logs::json_records;
use crate::handlers::logs::log;
use crate::handlers::logs::text_records;
use crate::support;
use crate::support::script;
use crate::support::script::here;

const EVENTS: [&str; 6] = [
    r#"{"item":"cup","count":3}"#,
    r#"{"item":"pot","count":0,"other":[1,2]}"#,
    r#"{"item":"tea","count":1}"#,
    r#"{"item":"cup","count":4000000000}"#,
    r#"{"item":"panic","count":1}"#,
    r#"{"item":5}"#,
];

/// The function before, after, and back on its crate.
struct Functions {
    before: Function,
    after: Function,
    back: Function,
}

fn functions() -> &'static Functions {
    static FUNCTIONS: OnceLock<Functions> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let folder = built();
        let copy = |name: &str| {
            let copy = folder.join(name);
            fs::create_dir_all(copy.join("src")).expect("a folder");
            for file in ["Cargo.toml", "Cargo.lock", "src/main.rs"] {
                let original = support::root().join("tests/fixtures/lambda_runtime").join(file);
                fs::copy(original, copy.join(file)).expect("copied");
            }
            copy
        };
        let (before, after) = (copy("before"), copy("after"));
        apply_the_documents_diff(&after);
        build(&before, &["--locked", "--bin", "shop"]);
        build(&after, &["--lib"]);
        build(&after, &["--bin", "bootstrap", "--features", "lambda_runtime"]);
        let target = folder.join("target/debug");
        Functions {
            before: program(&target.join("shop"), None),
            after: support::function(&target.join("libshop.so"), None),
            back: program(&target.join("bootstrap"), None),
        }
    })
}

/// The folder of everything that is built without optimisation.
pub fn built() -> PathBuf {
    support::root().join("target/moved")
}

/// The function of a program, named like that of its library.
fn program(file: &Path, handler: Option<&str>) -> Function {
    let mut function = Function::of_one_file(file, handler).expect("a function");
    function.name = "shop".into();
    function.timeout = support::PATIENCE;
    function
}

/// Applies the diff of the page, without leeway, with the SDK's real path.
fn apply_the_documents_diff(folder: &Path) {
    let page = support::root().join("docs/from-lambda_runtime.md");
    let page = fs::read_to_string(page).expect("the page");
    let (_, diff) = page.split_once("```diff\n").expect("a diff");
    let (diff, _) = diff.split_once("```").expect("its end");
    let sdk = support::root().join("sdk");
    let diff = diff.replace(r#"path = "sdk""#, &format!("path = {sdk:?}"));
    let mut patch = Command::new("git")
        .args(["apply", "--unsafe-paths", "--directory"])
        .args([folder, Path::new("-")])
        .current_dir("/")
        .stdin(Stdio::piped())
        .spawn()
        .expect("git");
    patch.stdin.take().expect("a pipe").write_all(diff.as_bytes()).expect("written");
    assert!(patch.wait().expect("ended").success(), "the diff of the page does not apply");
}

/// Builds without optimisation, which would take long, into one folder for all.
pub fn build(folder: &Path, arguments: &[&str]) {
    let status = support::arch::arch()
        .rust("cargo", folder)
        .args(["build", "--quiet", "--target-dir"])
        .arg(built().join("target"))
        .args(arguments)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_INCREMENTAL", "0")
        .status()
        .expect("cargo");
    assert!(status.success(), "cargo build {} failed", arguments.join(" "));
}

/// The outcomes of one environment for these events.
fn outcomes(function: &Function, events: &[&str]) -> Vec<Outcome> {
    let environment = support::start(function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    let outcomes = events.iter().enumerate().map(|(number, event)| {
        let headers = [
            ("Lambda-Runtime-Deadline-Ms", "4102444800000"),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:1:function:shop"),
            ("Lambda-Runtime-Aws-Tenant-Id", "blue"),
            ("Lambda-Runtime-Client-Context", r#"{"custom":{}}"#),
        ];
        let invocation = Invocation {
            request_id: format!("request-{number}"),
            event: event.as_bytes().to_vec(),
            headers: headers.map(|(name, value)| (name.into(), value.into())).into(),
            ..Invocation::default()
        };
        environment.invoke(invocation, support::PATIENCE).expect("answered").outcome
    });
    outcomes.collect()
}

/// The bodies of the responses to these events, and of the errors without their stack traces.
fn answers(function: &Function, events: &[&str]) -> Vec<Result<Value, Value>> {
    let answer = |outcome| match outcome {
        Outcome::Response(body) => Ok(serde_json::from_slice(&body).expect("JSON")),
        Outcome::Error { body, .. } => {
            let mut body: Value = serde_json::from_slice(&body).expect("JSON");
            body.as_object_mut().expect("an object").remove("stackTrace");
            Err(body)
        }
        other => panic!("{other:?}"),
    };
    outcomes(function, events).into_iter().map(answer).collect()
}

#[test]
fn answers_stay_the_same_there_and_back() {
    let Functions { before, after, back } = functions();
    let after = answers(after, &EVENTS);
    assert_eq!(answers(back, &EVENTS), after);
    let receipt = json!({
        "text": "3 × cup at 30, 6 reserved",
        "request_id": "request-0",
        "tenant": "blue",
        "function": "shop",
    });
    assert_eq!(after[0], Ok(receipt));
    let refused = json!({ "errorType": "OutOfStock", "errorMessage": "tea is out of stock" });
    assert_eq!(after[2], Err(refused));

    // Responses and chosen errors are those of the crate. The table of the page has the others.
    let before = answers(before, &EVENTS);
    assert_eq!(before[..3], after[..3]);
    let error = |answer: &Result<Value, Value>| answer.clone().expect_err("an error");
    assert_eq!(error(&before[3])["errorMessage"], error(&after[3])["errorMessage"]);
    let types = |answers: &[Result<Value, Value>]| -> Vec<String> {
        answers[3..].iter().map(|answer| error(answer)["errorType"].to_string()).collect()
    };
    assert_eq!(types(&after), [r#""Error""#, r#""Panic""#, r#""InvalidEvent""#]);
    assert!(types(&before).iter().all(|name| name.contains("::")), "{before:?}");
}

#[test]
fn the_log_of_tracing_has_the_invocation_its_fields_and_its_spans() {
    let function = &functions().after;
    let order = [EVENTS[0]];
    let records = text_records(&log(function, &[], &order));
    assert_eq!(records[0], "r1\tINFO\tshop: ordered item=\"cup\" count=3");
    let debug = [("AWS_LAMBDA_LOG_LEVEL", "DEBUG")];
    let records = text_records(&log(function, &debug, &order));
    let span = "reserve{item=\"cup\" count=3}";
    assert_eq!(records[0], format!("r1\tDEBUG\tshop: {span}: asked the warehouse"));
    assert_eq!(log(function, &[("AWS_LAMBDA_LOG_LEVEL", "FATAL")], &order), "");

    let json = [("AWS_LAMBDA_LOG_FORMAT", "JSON"), debug[0]];
    let mut records = json_records(&log(function, &json, &order));
    for record in &mut records {
        let time = record.as_object_mut().expect("fields").remove("timestamp").expect("a time");
        assert_eq!(time.as_str().map(str::len), Some(24), "{time}");
    }
    let fields = json!({ "item": "cup", "count": 3 });
    let ordered = json!({
        "level": "INFO",
        "target": "shop",
        "requestId": "r1",
        "message": "ordered",
        "fields": fields,
    });
    assert_eq!(records[1], ordered);
    // The task's span is in that of the invocation.
    let asked = json!({
        "level": "DEBUG",
        "target": "shop",
        "requestId": "r1",
        "message": "asked the warehouse",
        "spans": [{ "name": "reserve", "item": "cup", "count": 3 }],
    });
    assert_eq!(records[0], asked);
}

/// A handler of the fixture `forms`, in the library and in the program.
fn forms(handler: &str) -> (Function, Function) {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = support::root().join("tests/fixtures/forms");
        build(&folder, &["--locked", "--lib"]);
        build(&folder, &["--locked", "--bin", "back", "--features", "lambda_runtime"]);
    });
    let target = built().join("target/debug");
    let library = support::function(&target.join("libforms.so"), Some(handler));
    (library, program(&target.join("back"), Some(handler)))
}

#[test]
fn every_form_of_a_handler_answers_the_same_on_lambda_runtime() {
    let check = |handler: &str, events: &[&str]| {
        let (library, program) = forms(handler);
        let answers = answers(&library, events);
        assert_eq!(self::answers(&program, events), answers, "{handler}");
        answers
    };
    let value = check("value", &[r#"{"a":[1,2.5,"é"]}"#, "null", "[}"]);
    assert_eq!(value[1].as_ref().expect_err("an error")["errorType"], "NoValue");
    assert_eq!(value[2].as_ref().expect_err("an error")["errorType"], "InvalidEvent");
    let text = check("text", &[r#""Ada""#, "1"]);
    assert_eq!(text[0], Ok(json!(r#"Ada request-0 {"custom":{}} $LATEST Some(128)"#)));
    check("waits", &["1", "2"]);
    let calls = check("calls", &["0", "0", "0"]);
    assert_eq!(calls[2], Ok(json!(["init", "after request-0", "after request-1"])));

    let (library, program) = forms("bytes");
    // Not a byte is changed.
    for event in ["  [ 1 ,2]", "\"\\u00e9\""] {
        assert_eq!(support::response(support::cold(&library, event.as_bytes())), event.as_bytes());
        assert_eq!(
            support::response(support::cold(&program, event.as_bytes())),
            event.trim().as_bytes()
        );
    }
    let posted = answers(&program, &["not JSON"]).remove(0).expect_err("an error");
    assert_eq!(posted["errorType"], "InvalidResponse");
    let posted = answers(&forms("configured").1, &["\"a\""]).remove(0).expect_err("an error");
    let message = posted["errorMessage"].as_str().expect("text");
    assert!(message.starts_with("configuration needs the Pilotlight runtime"), "{message}");
}

#[test]
fn streams_are_streams_on_lambda_runtime() {
    let parts = |outcome: &Outcome| {
        let Outcome::Response(bytes) = outcome else { panic!("{outcome:?}") };
        let end = bytes.windows(8).position(|eight| eight == [0; 8]).expect("a prelude");
        let mut prelude: Value = serde_json::from_slice(&bytes[..end]).expect("JSON");
        let headers = prelude["headers"].as_object_mut().expect("headers");
        // The crate adds one, and writes names in lower case.
        headers.remove("content-type");
        *headers = headers.iter().map(|(n, v)| (n.to_lowercase(), v.clone())).collect();
        (prelude, String::from_utf8(bytes[end + 8..].to_vec()).expect("UTF-8"))
    };
    let (library, program) = forms("streams");
    let streamed = parts(&outcomes(&library, &["2"])[0]);
    assert_eq!(streamed.1, "piece 0;piece 1;");
    assert_eq!(streamed.0["cookies"], json!(["a=b"]));
    let outcomes_there = outcomes(&program, &["2", "1", "2"]);
    assert_eq!(parts(&outcomes_there[0]), streamed);
    // The crate writes an error in the middle into the stream.
    let broken = parts(&outcomes_there[1]).1;
    assert!(broken.starts_with("piece 0;") && broken.contains("StreamError"), "{broken}");
    assert_eq!(parts(&outcomes_there[2]), streamed);
    let (_, program) = forms("streams_later");
    assert_eq!(parts(&outcomes(&program, &["3"])[0]).1, "piece 0;piece 1;piece 2;");
}

#[test]
fn invocations_run_at_once_on_lambda_runtime_too() {
    let (_, mut program) = forms("meets");
    program.max_concurrency = Some(2);
    let environment = support::start(&program);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    thread::scope(|scope| {
        let invoke = |event: &'static [u8]| {
            let (environment, program) = (&environment, &program);
            scope.spawn(move || support::response(support::invoke(environment, program, event)))
        };
        let both = [invoke(b"1"), invoke(b"2")].map(|one| one.join().expect("an answer"));
        assert_eq!(both, [b"1", b"2"]);
    });
}

#[test]
fn the_hooks_around_a_snapshot_run_on_lambda_runtime_too() {
    let (_, program) = forms("calls");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut child = program
        .command()
        .env_clear()
        .envs(program.environment(&here(port)))
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
        .spawn()
        .expect("a program");
    let mut worker = script::accept(&listener);
    let head = script::read_head(&mut worker);
    assert!(head.starts_with("GET /2018-06-01/runtime/restore/next "), "{head}");
    worker.write_all(&script::status("200 OK").bytes).expect("sent");
    // The connection is a new one after a restore.
    let mut worker = script::accept(&listener);
    script::read_head(&mut worker);
    let next = String::from_utf8(script::next("0").bytes).expect("UTF-8");
    let deadline = "\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n";
    worker.write_all(next.replacen("\r\n", deadline, 1).as_bytes()).expect("sent");
    let (_, answer) = script::read_request(&mut worker);
    assert_eq!(answer, r#"["init","before_snapshot","after_restore"]"#);
    child.kill().expect("ended");
    child.wait().expect("ended");
}

#[test]
fn an_init_that_fails_ends_the_program() {
    let (_, mut program) = forms("value");
    program.variables.push(("FAIL_SETUP".into(), "1".into()));
    let output = program
        .command()
        .env_clear()
        .envs(program.environment("127.0.0.1:9"))
        .output()
        .expect("a program");
    assert_eq!(output.status.code(), Some(10));
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("Error: FAIL_SETUP is set"), "{log}");
}
