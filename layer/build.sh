#!/usr/bin/env bash
# layer/build.sh ARCH...: builds the layers of these architectures and their zips: dist/layer/ is
# x86_64's, dist/arm64/layer/ is arm64's.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
arches=("$@")
prepare build

# cargo_for_layer FLAGS OPTION...: a build whose bytes depend on sources, tools and these flags for
# Rust, and not on the folders that they lie in, which panic locations name, nor on the caller's
# flags.
cargo_for_layer() {
	local flags more=$1
	shift
	flags="'--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo', '--remap-path-prefix=$PWD=/pilotlight'"
	# With rust-src installed, rustc names that folder in place of this one.
	flags+=", '--remap-path-prefix=$("${with_tools[@]}" rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$(
		"${with_tools[@]}" rustc -vV | sed -n 's/^commit-hash: //p'
	)'"
	env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_RUSTFLAGS \
		"${with_tools[@]}" cargo build --locked --config "target.$target.rustflags=[$flags$more]" "$@"
}

build_layer() {
	local layer=$out/layer module_cpu=""
	mkdir -p "$layer/pilotlight"
	say "$1: bootstrap (static musl)"
	cargo_for_layer "" --profile bootstrap --target "$target" --config bootstrap/static-musl.toml \
		-p pilotlight-bootstrap --features static --bin bootstrap
	# Equal files keep their time, so that the command, which carries them, is not built again.
	install -C -m 755 "$built/bootstrap/bootstrap" "$layer/bootstrap"

	say "$1: the rest of the C library (pilotlight/libc.so)"
	"${with_tools[@]}" layer/libc/build.sh "target/libc-$cpu.so" "$cpu"
	install -C -m 644 "target/libc-$cpu.so" "$layer/pilotlight/libc.so"

	say "$1: the module that talks to AWS (pilotlight/services.so)"
	if [ "$cpu" = aarch64 ]; then module_cpu=", '-Ctarget-cpu=neoverse-n1'"; fi
	cargo_for_layer "${module_flags:+, $module_flags}$module_cpu" --profile services "${modules_target[@]}" \
		-p pilotlight-services
	install -C -m 644 "$modules/services/libpilotlight_services.so" "$layer/pilotlight/services.so"

	say "$1: the layer's zip"
	"${with_tools[@]}" layer/name-tools.sh "$cpu" >"target/build-$cpu.json"
	install -C -m 644 "target/build-$cpu.json" "$layer/pilotlight/build.json"
	cargo build --locked --release -p pilotlight-layer
	# Packing takes longer than all else when nothing has changed.
	if [ ! -e "$zip" ] || [ -n "$(find "$layer" target/release/package-layer -type f -newer "$zip")" ]; then
		target/release/package-layer "$layer" "$zip"
	fi
}

for arch in "${arches[@]}"; do
	use_arch "$arch"
	build_layer "$arch"
done
