#!/usr/bin/env bash
# layer/build.sh [x86_64|arm64]: builds the layer and its zip, x86_64's by default: dist/layer/ or
# dist/arm64/layer/.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
prepare build
use_arch "${1:-x86_64}"
layer=$out/layer

# cargo_for_layer FLAGS OPTION...: a build whose bytes depend on sources, tools and these flags for
# Rust, and not on the folders that they lie in, which panic locations name, nor on the caller's
# flags.
cargo_for_layer() {
	local flags more=$1
	shift
	flags="'--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo', '--remap-path-prefix=$PWD=/pilotlight'"
	# With rust-src installed, rustc names that folder in place of this one.
	flags+=", '--remap-path-prefix=$("${rust[@]}" rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$(
		"${rust[@]}" rustc -vV | sed -n 's/^commit-hash: //p'
	)'"
	env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_RUSTFLAGS "${rust[@]}" cargo build --locked \
		--config "target.$target.rustflags=[$flags$more]" "$@"
}

mkdir -p "$layer/pilotlight"
say "bootstrap (static musl)"
cargo_for_layer "" --profile bootstrap --target "$target" --config bootstrap/static-musl.toml \
	-p pilotlight-bootstrap --features static --bin bootstrap
install -m 755 "$built/bootstrap/bootstrap" "$layer/bootstrap"

say "the rest of the C library (pilotlight/libc.so)"
layer/libc/build.sh "$layer/pilotlight/libc.so" "$cpu"
chmod 644 "$layer/pilotlight/libc.so"

say "the module that talks to AWS (pilotlight/services.so)"
cargo_for_layer "$module_flags" --profile services "${modules_target[@]}" -p pilotlight-services
install -m 644 "$modules/services/libpilotlight_services.so" "$layer/pilotlight/services.so"

say "the layer's zip"
"${rust[@]}" layer/name-tools.sh "$cpu" >"$layer/pilotlight/build.json"
cargo build --locked --release -p pilotlight-layer
target/release/package-layer "$layer" "$zip"
