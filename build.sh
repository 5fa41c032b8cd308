#!/usr/bin/env bash
# ./build.sh [COMMAND]: builds, tests and measures everything. Commands:
#
#   build                 everything into dist/ (without a command, too)
#   layer                 dist/layer/ and its zip alone
#   run                   build; then the hello handler, cold and then warm
#   test                  build; then every test, with AWS's own emulator and clients
#   test quick            build; then the tests that need no other tools: for use between two edits
#   check                 formatting, lints, documentation, licences, packages, rules of the house
#   fuzz [N]              each fuzz target for N executions (100000)
#   measure               build; then the benchmark beside a raw program, lambda_runtime and dlopen
#   speed                 build; then work inside a handler beside the same work on glibc
#   conformance [PATTERN...]
#                         build; then the Open POSIX Test Suite as programs and as handlers
#   reproduce             the layer twice, with two folders and homes of Cargo, and compares
#   help, -h, --help      this text
#
# Building and `test quick` need Rust, a C compiler and musl. Each command lists what is missing and
# where it comes from, then installs it: the system's packages as root on Debian and Ubuntu
# (otherwise it names them), all else into target/tools. PILOTLIGHT_MUSL is the prefix of another
# musl than the system's.
set -euo pipefail
cd "$(dirname "$0")"
. tests/setup.sh

examples=(hello echo context faulty slow stream config)

help() { sed -n '2,/^set /{/^# \{0,1\}/!d;s///;p}' build.sh; }

build_command() {
	say "pilotlight"
	cargo build --locked --release -p pilotlight-local
	install -D -m 755 target/release/pilotlight "$dist/bin/pilotlight"
}

# The standard of comparison: a program of raw system calls.
build_limit() {
	cc -static -nostdlib -nostartfiles -ffreestanding -O2 -fno-stack-protector -s \
		-o "$dist/bin/limit" tests/peers/limit/limit.c
}

build_examples() {
	say "examples"
	cargo build --locked --release "${examples[@]/#/-p}"
	local name
	for name in "${examples[@]}"; do
		install -D -m 755 "target/release/lib$name.so" "$dist/examples/lib$name.so"
	done
	cc -shared -fPIC -O2 -Wall -Wextra -Werror -s -I sdk/include \
		-o "$dist/examples/libhello-c.so" examples/hello-c/hello.c
}

build() {
	layer/build.sh
	build_command
	build_limit
	build_examples
	say "built"
	(cd "$dist" && ls -l layer/bootstrap layer/pilotlight/* pilotlight-layer-x86_64.zip bin/pilotlight examples/*.so)
}

run() {
	say "pilotlight run dist/examples/libhello.so --event '{\"name\":\"Ada\"}' --count 3"
	"$dist/bin/pilotlight" run "$dist/examples/libhello.so" --event '{"name":"Ada"}' --count 3
}

case "${*:-build}" in
build) prepare build; build ;;
layer) prepare build; layer/build.sh ;;
run) prepare build; build; run ;;
test) prepare build test; build; tests/run.sh ;;
'test quick') prepare build; build; tests/quick.sh ;;
check) prepare build check; tests/check.sh ;;
fuzz | fuzz\ [0-9]*) prepare build fuzz; tests/fuzz/run.sh "${2:-100000}" ;;
measure) prepare build measure; build; tests/peers/measure.sh ;;
speed) prepare build; build; tests/peers/speed.sh ;;
conformance | conformance\ *) prepare build conformance; build; tests/conformance/run.sh "${@:2}" ;;
reproduce) prepare build; layer/build.sh; tests/reproduce.sh ;;
help | -h | --help) help ;;
*)
	help >&2
	exit 2
	;;
esac
