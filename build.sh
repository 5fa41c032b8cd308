#!/usr/bin/env bash
# ./build.sh [--arch x86_64|arm64] [COMMAND]: builds, tests and measures everything. Commands:
#
#   build                 everything into dist/ (without a command, too)
#   layer                 the layers and their zips alone
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
# build, layer, test, measure and reproduce are for both architectures, the others for this
# machine's; --arch names one alone. dist/ has x86_64's files, dist/arm64/ has arm64's. Those of
# another CPU than this machine's are left out if their tools are neither there nor to be had.
#
# Building and `test quick` need Rust, a C compiler and musl. Each command lists what is missing and
# where it comes from, then installs it: the system's packages as root on Debian and Ubuntu
# (otherwise it names them), all else into target/tools. PILOTLIGHT_MUSL is the prefix of another
# musl than the system's.
set -euo pipefail
cd "$(dirname "$0")"
. tests/setup.sh

help() { sed -n '2,/^set /{/^# \{0,1\}/!d;s///;p}' build.sh; }

build_command() {
	say "pilotlight"
	# It carries the layers, and is built again when another one comes.
	PILOTLIGHT_LAYERS=$(cd "$dist" && find . -name bootstrap | sort) \
		cargo build --locked --release -p pilotlight-local
	install -D -m 755 target/release/pilotlight "$dist/bin/pilotlight"
}

# The standard of comparison: a program of raw system calls.
build_limit() {
	local name
	for name in "${arches[@]}"; do
		use_arch "$name"
		mkdir -p "$out/bin"
		"${tool}gcc" -static -nostdlib -nostartfiles -ffreestanding -O2 -fno-stack-protector -s \
			-Wl,-z,max-page-size=4096 \
			-o "$out/bin/limit" tests/peers/limit/limit.c
	done
}

build() {
	layer/build.sh "${arches[@]}"
	build_command
	build_limit
	examples/build.sh "${arches[@]}"
	say "built"
	(cd "$dist" && find . -type f -size +0 ! -name build.json -exec ls -l {} +)
}

run() {
	use_arch "${arches[0]}"
	local library=${out#"$PWD/"}/examples/libhello.so
	say "pilotlight run $library --event '{\"name\":\"Ada\"}' --count 3"
	"$dist/bin/pilotlight" run "$library" --event '{"name":"Ada"}' --count 3
}

arch=
if [ "${1-}" = --arch ]; then
	arch=${2:?is missing; use x86_64 or arm64}
	shift 2
fi
case ${1-build} in
build | layer | run | test | measure | conformance | reproduce) ;;
*) if [ -n "$arch" ]; then fail "$1 is for this machine's architecture; leave out --arch"; fi ;;
esac
case "${*:-build}" in
build | layer | test | measure | reproduce) arches=(x86_64 arm64) ;;
*) arches=("$(machine_arch)") ;;
esac
if [ -n "$arch" ]; then arches=("$arch"); fi

case "${*:-build}" in
build) prepare build; build ;;
layer) prepare build; layer/build.sh "${arches[@]}" ;;
run) prepare build run; build; run ;;
test) prepare build test; build; tests/run.sh "${arches[@]}" ;;
'test quick') prepare build; build; tests/quick.sh ;;
check) prepare build check; tests/check.sh ;;
fuzz | fuzz\ [0-9]*) prepare build fuzz; tests/fuzz/run.sh "${2:-100000}" ;;
measure) prepare build measure; build; tests/peers/measure.sh "${arches[@]}" ;;
speed) prepare build; build; tests/peers/speed.sh ;;
conformance | conformance\ *) prepare build conformance; build; tests/conformance/run.sh "${@:2}" ;;
reproduce) prepare build; layer/build.sh "${arches[@]}"; tests/reproduce.sh "${arches[@]}" ;;
help | -h | --help) help ;;
*)
	help >&2
	exit 2
	;;
esac
