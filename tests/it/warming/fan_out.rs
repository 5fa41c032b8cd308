//! Fan-outs that reach no Lambda.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::WARMED;
use super::echo;
use super::lambda::Lambda;
use super::lambda::Manner;
use super::serve;
use crate::support;
use crate::support::script::next;

const THREE: &str = r#"{"warmer":true,"concurrency":3}"#;

#[test]
fn no_network_is_one_record() {
    let mut function = echo(&[]);
    Lambda::start(Manner::Accepting).variables(&mut function);
    let nowhere = format!("http://127.0.0.1:{}", support::free_port());
    function.variables.push(("AWS_ENDPOINT_URL_LAMBDA".into(), nowhere));
    let served = serve(&function, vec![next(THREE), next(THREE)]);
    assert_eq!(served.answers, [WARMED, WARMED]);
    let errors: Vec<_> =
        served.records.iter().filter_map(|record| record["error"].as_str()).collect();
    assert_eq!(errors.len(), 2, "{}", served.log);
    assert!(errors[0].contains("Connection refused"), "{errors:?}");
}

#[test]
fn pings_are_answered_without_the_module() {
    let whole = fs::read(support::dist("layer/pilotlight/services.so")).expect("the module");
    for (content, message) in [
        (None, "No such file or directory"),
        (Some(&whole[..100_000]), "is cut off"),
        (Some(&b""[..]), "is empty"),
    ] {
        let layer = TempDir::new().expect("a folder");
        fs::copy(support::bootstrap(), layer.path().join("bootstrap")).expect("copied");
        fs::create_dir(layer.path().join("pilotlight")).expect("made");
        symlink(support::dist("layer/pilotlight/libc.so"), layer.path().join("pilotlight/libc.so"))
            .expect("linked");
        if let Some(content) = content {
            fs::write(layer.path().join("pilotlight/services.so"), content).expect("written");
        }
        let mut function = echo(&[]);
        function.bootstrap = layer.path().join("bootstrap");
        let served = serve(&function, vec![next(THREE), next("{}"), next(THREE)]);
        assert_eq!(served.answers, [WARMED, "{}", WARMED]);
        let lines: Vec<&str> =
            served.log.lines().filter(|line| line.contains("services.so")).collect();
        assert_eq!(lines.len(), 1, "{}", served.log);
        assert!(lines[0].contains(message), "{}", lines[0]);
    }
}
