//! A stand-in for Lambda that records invocations, answers as told, and has botocore check
//! signatures.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use pilotlight_local::function::Function;
use serde_json::Value;
use serde_json::json;

use crate::support::tool;

/// Kinds of answers.
#[derive(Clone, Copy)]
pub enum Manner {
    /// 202, or 200 to synchronous invocations.
    Accepting,
    /// This status, error type and message.
    Refusing(u16, &'static str, &'static str),
    /// 200, with a failure of the function.
    Failing,
    /// No answer; the connection stays open.
    Silent,
    /// The first connection is closed without an answer.
    Hanging,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

pub struct Lambda {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Lambda {
    pub fn start(manner: Manner) -> Lambda {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&requests);
        // The thread ends with the tests' process.
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (stream, shared) = (stream.expect("a connection"), Arc::clone(&shared));
                let manner = match manner {
                    Manner::Hanging if number > 0 => Manner::Accepting,
                    manner => manner,
                };
                thread::spawn(move || serve(stream, manner, &shared));
            }
        });
        Lambda { address, requests }
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes the function's runtime call this stand-in, with the credentials that judge.py knows.
    pub fn variables(&self, function: &mut Function) {
        let endpoint = self.endpoint();
        let variables = [
            ("AWS_ENDPOINT_URL_LAMBDA", endpoint.as_str()),
            ("NO_PROXY", "127.0.0.1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            ("AWS_SESSION_TOKEN", "SESSION/TOKEN+EXAMPLE=="),
        ];
        let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        function.variables.extend(owned);
    }

    /// Returns and clears the requests so far, after checking their signatures.
    pub fn take(&self) -> Vec<Request> {
        let requests = std::mem::take(&mut *self.requests.lock().expect("no panic"));
        self.judge(&requests);
        requests
    }

    fn judge(&self, requests: &[Request]) {
        let requests: Vec<Value> = requests
            .iter()
            .map(|request| {
                json!({
                    "method": request.method,
                    "url": format!("http://{}{}", self.address, request.path),
                    "headers": request.headers,
                    "body": request.body,
                })
            })
            .collect();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/it/warming/external/judge.py");
        let judged = tool("python/bin/python", &[script], &Value::from(requests.clone()));
        let expected = vec![json!("ok"); requests.len()];
        assert_eq!(judged, Value::from(expected), "{requests:#?}");
    }
}

fn serve(stream: TcpStream, manner: Manner, requests: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    let mut stream = stream;
    while let Some(request) = read(&mut reader) {
        let is_synchronous = request.headers["x-amz-invocation-type"] == "RequestResponse";
        requests.lock().expect("no panic").push(request);
        let (status, headers, body) = match manner {
            Manner::Accepting if is_synchronous => (200, String::new(), "\"warmed\"".to_owned()),
            Manner::Accepting => (202, String::new(), String::new()),
            Manner::Refusing(status, kind, message) => (
                status,
                format!("x-amzn-ErrorType: {kind}\r\n"),
                json!({"Message": message}).to_string(),
            ),
            Manner::Failing => (200, "X-Amz-Function-Error: Unhandled\r\n".into(), "{}".into()),
            Manner::Silent => return thread::sleep(Duration::from_secs(30)),
            Manner::Hanging => return,
        };
        let head =
            format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&size| size > 0)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a size"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body: String::from_utf8(body).expect("UTF-8") })
}
