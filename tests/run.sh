#!/usr/bin/env bash
# tests/run.sh: every test, of what build.sh has put into dist/.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh

need strace strace
need c++ g++
need ld.lld lld
need mold mold
# AWS's own emulator, which their command for serverless applications brings along, and another.
fetch_tool aws-lambda-rie aws-sam-cli==1.170.0 samcli/local/rapid/aws-lambda-rie-x86_64
fetch_tool cargo-lambda cargo-lambda==1.9.2 '*.data/scripts/cargo-lambda'
need ab apache2-utils
need zip zip
need curl curl
need chromium chromium
fetch_clients
fetch_lambda_warmer
say "tests"
# The bootstrap's own crate is tested as a library on the system's libc.
cargo test --locked --workspace
cargo test --locked -p pilotlight --all-features
examples/deploy/check.sh
tests/conformance/run.sh
tests/fuzz/run.sh 20000
