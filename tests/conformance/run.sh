#!/usr/bin/env bash
# tests/conformance/run.sh [PATTERN...]: each test of the Open POSIX Test Suite as a program and as
# a handler.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/setup.sh

prepare build conformance
say "conformance: each test of the Open POSIX Test Suite as a program and as a handler"
tests/conformance/run.py "$@"
