#!/usr/bin/env bash
# layer/build.sh: builds dist/layer/ and its zip.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
prepare build

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

mkdir -p "$dist/layer/pilotlight"
say "bootstrap (static musl)"
cargo_for_layer --profile bootstrap --config bootstrap/static-musl.toml \
	-p pilotlight-bootstrap --features static --bin bootstrap
install -m 755 target/x86_64-unknown-linux-gnu/bootstrap/bootstrap "$dist/layer/bootstrap"

say "the rest of the C library (pilotlight/libc.so)"
layer/libc/build.sh "$dist/layer/pilotlight/libc.so"
chmod 644 "$dist/layer/pilotlight/libc.so"

say "the module that talks to AWS (pilotlight/services.so)"
cargo_for_layer --profile services -p pilotlight-services
install -m 644 target/services/libpilotlight_services.so "$dist/layer/pilotlight/services.so"

say "the layer's zip"
layer/name-tools.sh >"$dist/layer/pilotlight/build.json"
cargo build --locked --release -p pilotlight-layer
target/release/package-layer "$dist/layer" "$dist/pilotlight-layer-x86_64.zip"
