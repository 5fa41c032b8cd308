//! A function on the crate `lambda_runtime`, moved by the diff in `docs/from-lambda_runtime.md`: it
//! answers the same before, after, and back on that crate.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;

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
        let folder = support::root().join("target/moved");
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
        let built = |name: &str| folder.join("target/debug").join(name);
        let mut functions = Functions {
            before: Function::of_one_file(&built("shop"), None).expect("a function"),
            after: support::function(&built("libshop.so"), None),
            back: Function::of_one_file(&built("bootstrap"), None).expect("a function"),
        };
        for function in [&mut functions.before, &mut functions.back] {
            function.name = "shop".into();
            function.timeout = support::PATIENCE;
        }
        functions
    })
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
fn build(folder: &Path, arguments: &[&str]) {
    let status = support::arch::arch()
        .rust("cargo", folder)
        .args(["build", "--quiet", "--target-dir", "../target"])
        .args(arguments)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_INCREMENTAL", "0")
        .status()
        .expect("cargo");
    assert!(status.success(), "cargo build {} failed", arguments.join(" "));
}

/// The answers of one environment to all events: the bodies of responses and of errors.
fn answers(function: &Function) -> Vec<Result<Value, Value>> {
    let environment = support::start(function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    let answers = EVENTS.iter().enumerate().map(|(number, event)| {
        let headers = [
            ("Lambda-Runtime-Deadline-Ms", "4102444800000"),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:1:function:shop"),
            ("Lambda-Runtime-Aws-Tenant-Id", "blue"),
        ];
        let invocation = Invocation {
            request_id: format!("request-{number}"),
            event: event.as_bytes().to_vec(),
            headers: headers.map(|(name, value)| (name.into(), value.into())).into(),
            ..Invocation::default()
        };
        match environment.invoke(invocation, support::PATIENCE).expect("answered").outcome {
            Outcome::Response(body) => Ok(serde_json::from_slice(&body).expect("JSON")),
            Outcome::Error { body, .. } => {
                let mut body: Value = serde_json::from_slice(&body).expect("JSON");
                body.as_object_mut().expect("an object").remove("stackTrace");
                Err(body)
            }
            other => panic!("{other:?}"),
        }
    });
    answers.collect()
}

#[test]
fn answers_stay_the_same_there_and_back() {
    let Functions { before, after, back } = functions();
    let after = answers(after);
    assert_eq!(answers(back), after);
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
    let before = answers(before);
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
