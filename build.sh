#!/usr/bin/env bash
# ./build.sh [build]    builds everything into dist/ (the default)
# ./build.sh run        builds, then the main job: the hello handler cold, then warm
# ./build.sh test       builds, then every test: ours, AWS's emulator, damaged handlers
# ./build.sh check      formatting, clippy with warnings as errors
# ./build.sh measure    builds, then the benchmark beside a raw program and lambda_runtime
#
# Each installs what it needs first (Debian and Ubuntu, as root), or says what to install.
set -euo pipefail
cd "$(dirname "$0")"

dist=$PWD/dist
tools=$PWD/target/tools
examples=(hello echo context faulty)

say() { printf '\033[1m== %s\033[0m\n' "$*"; }

# need COMMAND PACKAGE...: installs the packages unless the command is there.
need() {
	local command=$1
	shift
	command -v "$command" >/dev/null && return
	if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
		echo "build.sh: $command is missing; install it (Debian, Ubuntu: sudo apt-get install $*)" >&2
		exit 1
	fi
	say "installing $*"
	DEBIAN_FRONTEND=noninteractive apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

setup() {
	if ! command -v cargo >/dev/null; then
		echo "build.sh: cargo is missing; install Rust with rustup (https://rustup.rs)" >&2
		exit 1
	fi
	need cc gcc libc6-dev
	need musl-gcc musl-tools
}

build_bootstrap() {
	say "bootstrap (static musl)"
	cargo build --locked --profile bootstrap --config bootstrap/static-musl.toml \
		-p pilotlight-bootstrap --features static --bin bootstrap
	mkdir -p "$dist/layer"
	install -m 755 target/x86_64-unknown-linux-gnu/bootstrap/bootstrap "$dist/layer/bootstrap"
}

build_command_and_layer() {
	say "pilotlight, the layer's zip"
	cargo build --locked --release -p pilotlight-local -p pilotlight-layer
	mkdir -p "$dist/bin"
	install -m 755 target/release/pilotlight "$dist/bin/pilotlight"
	target/release/package-layer "$dist/layer" "$dist/pilotlight-layer-x86_64.zip"
}

build_examples() {
	say "examples"
	cargo build --locked --release "${examples[@]/#/-p}"
	mkdir -p "$dist/examples"
	local name
	for name in "${examples[@]}"; do
		install -m 755 "target/release/lib$name.so" "$dist/examples/lib$name.so"
	done
	cc -shared -fPIC -O2 -Wall -Wextra -Werror -s -I sdk/include \
		-o "$dist/examples/libhello-c.so" examples/hello-c/hello.c
}

build() {
	setup
	build_bootstrap
	build_command_and_layer
	build_examples
	say "built"
	(cd "$dist" && ls -l layer/bootstrap pilotlight-layer-x86_64.zip bin/pilotlight examples/*.so)
}

run() {
	build
	say "pilotlight run dist/examples/libhello.so --event '{\"name\":\"Ada\"}' --count 3"
	"$dist/bin/pilotlight" run "$dist/examples/libhello.so" --event '{"name":"Ada"}' --count 3
}

case ${1:-build} in
build) build ;;
run) run ;;
*)
	sed -n '2,6s/^# //p' "$0" >&2
	exit 2
	;;
esac
