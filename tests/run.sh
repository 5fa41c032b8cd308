#!/usr/bin/env bash
# tests/run.sh: every test, of what build.sh has put into dist/.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh

prepare build test

say "tests"
# The bootstrap's own crate is tested as a library on the system's libc.
cargo test --locked --workspace
cargo test --locked -p pilotlight --all-features
examples/deploy/check.sh
tests/conformance/run.sh
tests/fuzz/run.sh 20000
