# shellcheck shell=bash
# shellcheck disable=SC2154 # of tests/setup.sh and layer/arch.sh
# Sourced by tests/setup.sh: plans musl. The bootstrap and the layer's C library are built from its
# archives and headers.
#
# PILOTLIGHT_MUSL is its prefix, with lib/, include/ and bin/musl-gcc, as musl's own
# `configure --prefix` makes it. Without the variable, this machine's musl is where Debian's and
# Ubuntu's musl-tools puts it, or has the prefix target/tools/musl-CPU, as another CPU's always has.

# has_musl CPU: whether target/tools has it.
has_musl() { [ -e "$tools/musl-$1/bin/musl-gcc" ] && [ -e "$tools/musl-$1/lib/libc.a" ]; }

# The folder of musl's archives in rustup's target.
rustup_musl() { echo "$(rustc --print sysroot)/lib/rustlib/$1-unknown-linux-musl/lib/self-contained"; }

use_musl() { export PILOTLIGHT_MUSL=$1 PATH=$1/bin:$PATH; }

# This machine's, in this order: the system's; that of rustup's target; the distribution's package,
# installed by root or else unpacked.
need_musl() {
	if [ -n "${PILOTLIGHT_MUSL:-}" ]; then
		use_musl "$PILOTLIGHT_MUSL"
	elif command -v musl-gcc >/dev/null && [ -e "/usr/lib/$cpu-linux-musl/libc.a" ]; then
		return
	elif has_musl "$cpu"; then
		use_musl "$tools/musl-$cpu"
	elif [ -e "$(rustup_musl "$cpu")/libc.a" ]; then
		need_musl_of_rustup
	elif can_install || ! command -v apt-get >/dev/null; then
		need musl-gcc musl-tools
		advice+=("for musl, this is enough: rustup target add $cpu-unknown-linux-musl")
	else
		plan "apt: musl-dev, unpacked as target/tools/musl-$cpu" unpack_musl "$cpu"
	fi
}

# Another CPU's, from rustup's target or the distribution's package.
need_cross_musl() {
	if has_musl "$cpu"; then
		return
	elif [ -e "$(rustup_musl "$cpu")/libc.a" ]; then
		need_musl_of_rustup
	elif [ -e "/usr/lib/$cpu-linux-musl/libc.a" ] || has_foreign_packages; then
		if [ ! -e "/usr/lib/$cpu-linux-musl/libc.a" ]; then foreign+=("musl-dev:$debian"); fi
		steps+=("link_musl $cpu")
	fi
}

need_musl_of_rustup() {
	need_wheel musl-headers ziglang==0.13.0 ziglang/lib/libc/include
	plan "rustup: its musl, with these headers, as target/tools/musl-$cpu" join_musl "$cpu"
}

# rustup's target has musl's archive and start-up objects, but no headers. Zig's wheel has those,
# of the same version of musl (1.2.5) and split by CPU. gcc is also told to link libm.a and others,
# which are empty in musl.
join_musl() {
	local from name prefix=$tools/musl-$1
	from=$(rustup_musl "$1")
	if [ ! -e "$from/libc.a" ]; then return; fi
	rm -rf "$prefix"
	mkdir -p "$prefix/lib" "$prefix/include"
	for name in libc.a crt1.o crti.o crtn.o; do ln -s "$from/$name" "$prefix/lib/"; done
	for name in dl m pthread rt util; do ar rc "$prefix/lib/lib$name.a"; done
	cp -r "$tools/musl-headers/generic-musl/." "$prefix/include/"
	cp -r "$tools/musl-headers/$1-linux-musl/." "$prefix/include/"
	write_musl_gcc "$1"
}

# apt gets folders of its own here: the system's are root's.
unpack_musl() {
	local work prefix=$tools/musl-$1
	work=$(mktemp -d)
	mkdir -p "$work/lists/partial" "$work/archives/partial"
	(
		set -e
		cd "$work"
		options=(
			-qq -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work" -o Debug::NoLocking=1
			-o "APT::Sandbox::User=$(id -un)"
		)
		apt-get "${options[@]}" update
		apt-get "${options[@]}" download musl-dev
		dpkg-deb -x musl-dev_*.deb .
	)
	rm -rf "$prefix"
	mkdir -p "$prefix"
	mv "$work/usr/lib/$1-linux-musl" "$prefix/lib"
	mv "$work/usr/include/$1-linux-musl" "$prefix/include"
	rm -r "$work"
	write_musl_gcc "$1"
}

# The distribution's package for another CPU has no musl-gcc.
link_musl() {
	local prefix=$tools/musl-$1
	if [ ! -e "/usr/lib/$1-linux-musl/libc.a" ]; then return; fi
	rm -rf "$prefix"
	mkdir -p "$prefix"
	ln -s "/usr/lib/$1-linux-musl" "$prefix/lib"
	ln -s "/usr/include/$1-linux-musl" "$prefix/include"
	write_musl_gcc "$1"
}

# For compiling alone: bootstrap/build.rs and layer/libc/build.sh link. It finds the headers beside
# itself, so that the checkout can be moved.
write_musl_gcc() {
	local prefix=$tools/musl-$1 compiler=$1-linux-gnu-gcc
	if [ "$1" = "$(uname -m)" ]; then compiler=gcc; fi
	mkdir -p "$prefix/bin"
	cat >"$prefix/bin/musl-gcc" <<-END
		#!/bin/sh
		exec $compiler -nostdinc -isystem "\${0%/*}/../include" \
			-isystem "$($compiler -print-file-name=include)" "\$@"
	END
	chmod +x "$prefix/bin/musl-gcc"
	if [ "$compiler" = gcc ]; then use_musl "$prefix"; fi
}
