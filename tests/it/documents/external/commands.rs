//! Every shell command of the documents, run: with curl, the AWS command and its friends.

use std::process::Command;

use tempfile::TempDir;

use crate::documents::of_language;
use crate::documents::pages;
use crate::support;
use crate::support::moto::Moto;

/// A line of a shell block, to be run. `command  # {"a":1}` must print what its comment says.
fn runnable(line: &str, address: &str) -> String {
    let line = line.replace("127.0.0.1:9000", address);
    let promised = line.split_once("  # ").filter(|(_, comment)| comment.starts_with(['{', '"']));
    match promised {
        Some((command, wanted)) => format!("expect '{wanted}' {}", command.trim_end()),
        None => line.replace("ACCOUNT", "123456789012").replace("REGION", "us-east-1"),
    }
}

#[test]
fn the_shell_commands_of_every_page_work() {
    let moto = Moto::start(1_000_000);
    moto.user(&["lambda:*"], None);
    let prelude = include_str!("prelude.sh");
    let mut count = 0;
    for (name, page) in pages() {
        let commands = of_language(&page, "sh");
        if commands.is_empty() {
            continue;
        }
        count += commands.len();
        let address = format!("127.0.0.1:{}", support::free_port());
        let lines: Vec<String> = commands
            .iter()
            .flat_map(|block| block.lines())
            .map(|line| runnable(line, &address))
            .collect();
        let uses_aws = lines.iter().any(|line| line.starts_with("aws "));
        let folder = TempDir::new().expect("a folder");
        let output = Command::new("bash")
            .args(["-c", &format!("{prelude}\n{}", lines.join("\n"))])
            .current_dir(folder.path())
            .env("ROOT", support::root())
            .env("ADDRESS", &address)
            .env("TOOLS", support::tools())
            .env("MOTO", if uses_aws { &moto.url } else { "" })
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "free")
            .env("AWS_SECRET_ACCESS_KEY", "free")
            .output()
            .expect("bash");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {error}");
    }
    assert!(count > 5, "{count} blocks");
}
