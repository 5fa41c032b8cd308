//! `speed LIBRARY PILOTLIGHT ROUNDS` runs the work natively and as a handler in turn, and prints
//! both with their ratio; `speed native` runs it once.

use std::collections::BTreeMap;
use std::env;
use std::process::Command;

use speed::Timing;

fn output(program: &str, arguments: &[&str]) -> Vec<Timing> {
    let output = Command::new(program).args(arguments).output().expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("timings")
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [own, library, pilotlight, rounds] = arguments.as_slice() else {
        return println!("{}", serde_json::to_string(&speed::time()).expect("JSON"));
    };
    let mut shortest: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    let mut order = Vec::new();
    for _ in 0..rounds.parse().expect("a number") {
        let handler = ["run", library, "--timeout", "900", "--memory", "1769"];
        let both = [output(own, &["native"]), output(pilotlight, &handler)];
        order = both[0].iter().map(|(name, _)| name.clone()).collect();
        for (which, timings) in both.into_iter().enumerate() {
            for (name, time) in timings {
                let best = &mut shortest.entry(name).or_insert([f64::INFINITY; 2])[which];
                *best = best.min(time);
            }
        }
    }
    println!("{:<24}{:>14}{:>14}{:>8}", "ns", "native", "handler", "ratio");
    for name in order {
        let [native, handler] = shortest[&name];
        println!("{name:<24}{native:>14.1}{handler:>14.1}{:>8.2}", handler / native);
    }
}
