#!/usr/bin/env bash
# ./build.sh [build]    builds everything into dist/ (the default)
# ./build.sh layer      builds dist/layer/ and its zip alone
# ./build.sh run        builds, then the main job: the hello handler cold, then warm
# ./build.sh test       builds, then every test: ours, AWS's emulator, damaged handlers
# ./build.sh check      formatting, clippy with warnings as errors
# ./build.sh fuzz [N]   each fuzz target for N executions (100000)
# ./build.sh measure    builds, then the benchmark beside a raw program, lambda_runtime and dlopen
# ./build.sh conformance [PATTERN...]
#                       builds, then the Open POSIX Test Suite as programs and as handlers
# ./build.sh speed      builds, then work inside a handler beside the same work on glibc
# ./build.sh reproduce  builds the layer twice, with two folders and homes of Cargo, and compares
#
# Each installs what it needs first (Debian and Ubuntu, as root), or says what to install.
set -euo pipefail
cd "$(dirname "$0")"

. tests/setup.sh

examples=(hello echo context faulty slow stream config)

# cargo_for_layer OPTION...: a build whose bytes depend on sources and tools, and not on the folders
# that these lie in, which panic locations name, nor on the caller's flags.
cargo_for_layer() {
	local flags
	flags="'--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo', '--remap-path-prefix=$PWD=/pilotlight'"
	# With rust-src installed, rustc names that folder in place of this one.
	flags+=", '--remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$(
		rustc -vV | sed -n 's/^commit-hash: //p'
	)'"
	env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_RUSTFLAGS cargo build --locked "$@" \
		--config "target.x86_64-unknown-linux-gnu.rustflags=[$flags]"
}

build_bootstrap() {
	say "bootstrap (static musl)"
	cargo_for_layer --profile bootstrap --config bootstrap/static-musl.toml \
		-p pilotlight-bootstrap --features static --bin bootstrap
	mkdir -p "$dist/layer"
	install -m 755 target/x86_64-unknown-linux-gnu/bootstrap/bootstrap "$dist/layer/bootstrap"
}

build_libc() {
	say "the rest of the C library (pilotlight/libc.so)"
	mkdir -p "$dist/layer/pilotlight"
	layer/libc/build.sh "$dist/layer/pilotlight/libc.so"
	chmod 644 "$dist/layer/pilotlight/libc.so"
}

build_services() {
	say "the module that talks to AWS (pilotlight/services.so)"
	cargo_for_layer --profile services -p pilotlight-services
	mkdir -p "$dist/layer/pilotlight"
	install -m 644 target/services/libpilotlight_services.so "$dist/layer/pilotlight/services.so"
}

build_layer() {
	build_bootstrap
	build_libc
	build_services
	say "the layer's zip"
	layer/name-tools.sh >"$dist/layer/pilotlight/build.json"
	cargo build --locked --release -p pilotlight-layer
	target/release/package-layer "$dist/layer" "$dist/pilotlight-layer-x86_64.zip"
}

build_command() {
	say "pilotlight"
	cargo build --locked --release -p pilotlight-local
	mkdir -p "$dist/bin"
	install -m 755 target/release/pilotlight "$dist/bin/pilotlight"
}

# The standard of comparison: a program of raw system calls.
build_limit() {
	cc -static -nostdlib -nostartfiles -ffreestanding -O2 -fno-stack-protector -s \
		-o "$dist/bin/limit" tests/peers/limit/limit.c
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
	build_layer
	build_command
	build_limit
	build_examples
	say "built"
	(cd "$dist" && ls -l layer/bootstrap layer/pilotlight/* pilotlight-layer-x86_64.zip bin/pilotlight examples/*.so)
}

run() {
	build
	say "pilotlight run dist/examples/libhello.so --event '{\"name\":\"Ada\"}' --count 3"
	"$dist/bin/pilotlight" run "$dist/examples/libhello.so" --event '{"name":"Ada"}' --count 3
}

check() {
	setup
	say "formatting"
	cargo fmt --all --check
	say "clippy"
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked -p pilotlight --all-features --all-targets -- -D warnings
	RUSTFLAGS="-D warnings" cargo clippy --locked --profile bootstrap \
		--config bootstrap/static-musl.toml -p pilotlight-bootstrap --features static --lib --bins
	say "tidy rules"
	cargo test --locked --quiet -p pilotlight-tests --test it rules::
}

case ${1:-build} in
build) build ;;
layer) setup; build_layer ;;
run) run ;;
test) build; tests/run.sh ;;
check) check ;;
fuzz) setup; tests/fuzz/run.sh "${2:-100000}" ;;
measure) build; tests/peers/measure.sh ;;
speed) build; tests/peers/speed.sh ;;
conformance) build; tests/conformance/run.sh "${@:2}" ;;
reproduce) setup; build_layer; tests/reproduce.sh ;;
*)
	sed -n '2,12s/^# //p' "$0" >&2
	exit 2
	;;
esac
