# shellcheck shell=bash
# shellcheck disable=SC2034 # read by the scripts that source it
# Sourced by tests/setup.sh: the tools and folders of each CPU, by Lambda's name for it.

# has_std RUSTC: whether that compiler has Rust's std for the target. (It names the folder even
# without.)
has_std() { command -v "$1" >/dev/null && [ -d "$("$1" --print target-libdir --target "$target")" ]; }

# use_arch x86_64|arm64 sets
#   cpu, target      the CPU's name in paths, and its target in Rust
#   out, zip         the folder for what is built, and the layer's zip
#   built            Cargo's folder for this target
#   modules          Cargo's folder for shared libraries
#   modules_target   the option that names their target; none on a machine of that CPU
#   rust             the command that the Rust tools are called with (`"${rust[@]}" cargo build`)
#   module_flags     Rust's flags for the layer's modules, as elements of a TOML list
use_arch() {
	case $1 in
	x86_64) cpu=x86_64 out=$dist module_flags="" ;;
	# Graviton2, the oldest CPU of Lambda's arm64.
	arm64) cpu=aarch64 out=$dist/arm64 module_flags=", '-Ctarget-cpu=neoverse-n1'" ;;
	*) fail "there is no architecture $1; use x86_64 or arm64" ;;
	esac
	target=$cpu-unknown-linux-gnu
	zip=$dist/pilotlight-layer-$1.zip
	built=target/$target modules=target modules_target=()
	rust=(env)
	if [ "$cpu" != "$(uname -m)" ]; then use_cross_tools; fi
}

# Rust's std comes from rustup's target or else from Debian's packages. Those have a compiler of
# their own, and so a target folder: two compilers in one would build all anew in turn.
use_cross_tools() {
	local name=${target//-/_} tool=$cpu-linux-gnu- lld
	# GNU ld lacks the options of layer/services/build.rs here. The cross compiler does not find lld.
	lld=$(rustc --print sysroot)/lib/rustlib/$(uname -m)-unknown-linux-gnu/bin/gcc-ld
	module_flags+=", '-Clink-arg=-fuse-ld=lld', '-Clink-arg=-B$lld'"
	if ! has_std rustc; then
		if ! has_std /usr/bin/rustc; then
			fail "Rust's std for $target is missing" \
				"install it: rustup target add $target; on Debian: libstd-rust-web-dev:arm64 rustc-web cargo-web"
		fi
		built=target/debian/$target
		rust+=("PATH=/usr/bin:$PATH" "CARGO_TARGET_DIR=$PWD/target/debian")
	fi
	modules=$built modules_target=(--target "$target")
	rust+=(
		"CC_$name=${tool}gcc -specs=/usr/lib/$cpu-linux-musl/musl-gcc.specs"
		"AR_$name=${tool}ar"
		"CARGO_TARGET_${name^^}_LINKER=${tool}gcc"
	)
}
