//! The bootstrap where something is missing that is mostly there: standard streams, `/proc`, a list
//! of hosts, a server at every address of its name. What belongs to the whole system is hidden in a
//! mount namespace, and without root in a user namespace.

use std::fs;
use std::iter;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use pilotlight_local::function::Function;
use tempfile::TempDir;

use crate::support;
use crate::support::script;
use crate::support::script::Script;
use crate::support::script::Seen;
use crate::support::script::accepted;
use crate::support::script::here;
use crate::support::script::next;
use crate::support::script::status;

/// Has the bootstrap started by a shell, for which `$@` is the bootstrap's command.
fn started_by(function: &mut Function, folder: &Path, commands: &str) {
    let script = folder.join("start");
    let command = function.command();
    let words = iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_str().expect("UTF-8")).collect();
    let words = words.join(" ");
    let text =
        format!("#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nset -e {words}\n{commands}\n");
    fs::write(&script, text).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("made executable");
    function.bootstrap = script;
    function.emulator = None;
}

/// The request lines, without the version.
fn lines(seen: &Seen) -> Vec<&str> {
    let line = |head: &'_ str| head.find(" HTTP/1.1\r\n").unwrap_or(head.len());
    seen.requests.iter().map(|(head, _)| &head[..line(head)]).collect()
}

const NEXT: &str = "GET /2018-06-01/runtime/invocation/next";
const RESPONSE: &str = "POST /2018-06-01/runtime/invocation/r1/response";

#[test]
fn nothing_that_is_written_to_a_closed_stream_reaches_the_runtime_api() {
    let (folder, library) = support::fixture_in_c("streamless");
    for (streams, event) in [
        (">/dev/null", "\"close\""),
        ("<&- >&- 2>&-", "1"),
        ("2>&- >/dev/null", "1"),
        ("<&- >/dev/null", "1"),
    ] {
        let mut function = support::function(&library, None);
        started_by(&mut function, folder.path(), &format!("exec \"$@\" {streams}"));
        let closing = |script: Script| Script { close: true, ..script };
        let gone = status("410 Gone");
        let script = vec![next(event), closing(accepted()), next("1"), accepted(), gone];
        let seen = script::converse(&function, here, script);
        assert_eq!(lines(&seen), [NEXT, RESPONSE, NEXT, RESPONSE, NEXT], "{streams} {event}");
        let bodies: Vec<&str> = seen.requests.iter().map(|(_, body)| body.as_str()).collect();
        assert_eq!(bodies, [""; 5], "{streams} {event}");
        assert_eq!(seen.code, Some(11));
    }
}

/// Prints the option of `unshare` that lets this user mount.
const MAPPED: &str = "[ $(id -u) = 0 ] || echo --map-root-user";

/// Answers one invocation in a mount namespace of its own, where these commands have been run.
fn answered(library: &Path, commands: &str, api: impl FnOnce(u16) -> String) {
    let folder = TempDir::new().expect("a folder");
    let mut function = support::function(library, None);
    started_by(
        &mut function,
        folder.path(),
        &format!("exec unshare $({MAPPED}) --mount sh -e -c '{commands}; exec \"$@\"' sh \"$@\""),
    );
    let seen = script::converse(&function, api, vec![next("{}"), accepted(), status("410 Gone")]);
    assert_eq!(lines(&seen), [NEXT, RESPONSE, NEXT], "{commands}: {}", seen.log);
}

fn echo() -> PathBuf {
    support::dist("examples/libecho.so")
}

/// Functions of the C library that are in the layer's `libc.so`, beside the bootstrap.
#[test]
fn modules_are_found_without_proc() {
    let (_folder, library) = support::fixture_in_c("concurrent");
    answered(&library, "mount -t tmpfs none /proc", here);
}

/// In whatever order the resolver has them, one of them has no server.
#[test]
fn every_address_of_a_host_is_tried() {
    for (first, second) in [(1, 2), (2, 1)] {
        let hosts = format!("127.0.0.{first} api\\n127.0.0.{second} api\\n");
        let commands = format!("mount -t tmpfs none /etc; printf \"{hosts}\" >/etc/hosts");
        answered(&echo(), &commands, |port| format!("api:{port}"));
    }
}

#[test]
fn names_are_found_in_any_case_and_localhost_without_a_list_of_hosts() {
    let bare = "mount -t tmpfs none /etc";
    answered(&echo(), bare, |port| format!("localhost:{port}"));
    answered(&echo(), bare, |port| format!("http://LocalHost:{port}"));
    // Its last line has no end.
    let hosts = format!("{bare}; printf \"127.0.0.1 API\" >/etc/hosts");
    answered(&echo(), &hosts, |port| format!("Api:{port}"));
}
