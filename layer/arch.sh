# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # read by the scripts that source it; of tests/setup.sh
# Sourced by tests/setup.sh: the architectures, by Lambda's names, and the tools that build for
# each.

# The name of this machine's.
machine_arch() { uname -m | sed s/aarch64/arm64/; }

# use_arch x86_64|arm64 sets
#   cpu, debian      the CPU's name in paths, and Debian's
#   target           its target in Rust
#   tool             the prefix of the names of the C compiler and its tools
#   out, zip         the folder for what is built, and the layer's zip
#   built            Cargo's folder for this target
#   modules          Cargo's folder for shared libraries
#   modules_target   the option that names their target; none on a machine of that CPU
#   module_flags     Rust's flags for shared libraries, as elements of a TOML list
#   with_tools       the command that starts a build: "${with_tools[@]}" cargo build
use_arch() {
	case $1 in
	x86_64) cpu=x86_64 debian=amd64 out=$dist ;;
	arm64) cpu=aarch64 debian=arm64 out=$dist/arm64 ;;
	*) fail "there is no architecture $1; use x86_64 or arm64" ;;
	esac
	target=$cpu-unknown-linux-gnu
	tool="" zip=$dist/pilotlight-layer-$1.zip
	built=target/$target modules=target modules_target=() module_flags=""
	with_tools=(env)
	if [ "$1" != "$(machine_arch)" ]; then use_cross_tools; fi
}

# has_std RUSTC: whether that compiler has Rust's std for the target. (It names the folder even
# without.)
has_std() { command -v "$1" >/dev/null && [ -d "$("$1" --print target-libdir --target "$target")" ]; }

# Rust's std comes from rustup's target or else from Debian's packages. Those have a compiler of
# their own, and so a target folder: two compilers in one would build everything anew in turn.
use_cross_tools() {
	local musl=$tools/musl-$cpu path=$PATH name=${target//-/_} lld
	# GNU ld has fewer options for this CPU. The cross compiler does not find Rust's lld by itself.
	lld=$(rustc --print sysroot)/lib/rustlib/$(uname -m)-unknown-linux-gnu/bin/gcc-ld
	module_flags="'-Clink-arg=-fuse-ld=lld', '-Clink-arg=-B$lld'"
	if ! has_std rustc; then
		built=target/debian/$target path=/usr/bin:$path
		with_tools+=("CARGO_TARGET_DIR=$PWD/target/debian")
	fi
	tool=$cpu-linux-gnu-
	modules=$built modules_target=(--target "$target")
	with_tools+=(
		"PATH=$musl/bin:$path" "PILOTLIGHT_MUSL=$musl" "CROSS_COMPILE=$tool"
		"CARGO_TARGET_${name^^}_LINKER=${tool}gcc"
	)
}

# Plans the tools that use_arch chooses on a machine of another CPU, as far as they can be had.
need_cross_tools() {
	if can_install; then
		need "$cpu-linux-gnu-gcc" "gcc-${cpu/_/-}-linux-gnu"
	elif ! command -v "$cpu-linux-gnu-gcc" >/dev/null; then
		return
	fi
	if has_std rustc || has_std /usr/bin/rustc; then
		need_cross_musl
	elif has_foreign_packages; then
		foreign+=(rustc-web cargo-web "libstd-rust-web-dev:$debian")
		need_cross_musl
	elif command -v rustup >/dev/null; then
		plan "rustup: the targets $target and $cpu-unknown-linux-musl" add_targets "$cpu"
		need_musl_of_rustup
	fi
}

# Without them, settle_arches says what is missing.
add_targets() {
	if ! rustup target add "$1-unknown-linux-gnu" "$1-unknown-linux-musl"; then
		say "rustup could not add the targets"
	fi
}

has_cross_tools() {
	command -v "$cpu-linux-gnu-gcc" >/dev/null && has_musl "$cpu" && { has_std rustc || has_std /usr/bin/rustc; }
}

# Leaves out the architectures in `arches` whose tools are missing, unless only that one is asked
# for.
settle_arches() {
	local name kept=() missing
	for name in "${arches[@]}"; do
		use_arch "$name"
		if [ "$name" = "$(machine_arch)" ] || has_cross_tools; then
			kept+=("$name")
			continue
		fi
		missing="the tools for $name are missing; install them: $cpu-linux-gnu-gcc, and either \
rustup target add $target $cpu-unknown-linux-musl, or Debian's packages as root"
		if [ ${#arches[@]} = 1 ]; then fail "$missing"; fi
		say "left out: $name ($missing)"
	done
	arches=("${kept[@]}")
}
