#!/usr/bin/env bash
# tests/run.sh [x86_64|arm64...]: every test of what build.sh has put into dist/, for this machine's
# architecture; for arm64 on another machine, the tests that depend on the CPU. Says how long each
# took.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh

arches=("$@")
prepare build test

test_natively() {
	local skipped=()
	if [[ " ${arches[*]} " != *" arm64 "* ]]; then
		skipped=(--skip=local::external::architectures:: --skip=local::external::counts:: --skip=documents::external::)
		say "left out, because arm64's layer is missing: ${skipped[*]#--skip=}"
	fi
	# The bootstrap's own crate is tested as a library on the system's libc.
	cargo test --locked --workspace -- "${skipped[@]}"
	cargo test --locked -p pilotlight --all-features
	examples/deploy/check.sh
	tests/conformance/run.sh
	tests/fuzz/run.sh 20000
}

took=()
for name in "${arches[@]}"; do
	begun=$SECONDS
	case $name in
	"$(machine_arch)")
		say "tests for $name"
		test_natively
		;;
	arm64)
		say "tests for $name, emulated"
		tests/arm64.sh
		;;
	*)
		say "left out: the tests for $name, which run on such a machine alone"
		continue
		;;
	esac
	took+=("$name: $((SECONDS - begun)) s")
done
say "the tests took"
printf '  %s\n' "${took[@]}"
