# shellcheck shell=bash
# Sourced by tests/setup.sh: plans musl. The bootstrap and the layer's C library are built from its
# archives and headers.
#
# PILOTLIGHT_MUSL is its prefix, with lib/, include/ and bin/musl-gcc, as musl's own
# `configure --prefix` makes it. Without the variable, musl is where Debian's and Ubuntu's
# musl-tools puts it.

# shellcheck disable=SC2154 # of tests/setup.sh
musl=$tools/musl

# The folder of musl's archives in rustup's target.
rustup_musl() {
	echo "$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-musl/lib/self-contained"
}

use_musl() { export PILOTLIGHT_MUSL=$1 PATH=$1/bin:$PATH; }

# In this order: the system's; that of rustup's target, with headers from PyPI; the distribution's
# package, installed by root or else unpacked.
need_musl() {
	if [ -n "${PILOTLIGHT_MUSL:-}" ]; then
		use_musl "$PILOTLIGHT_MUSL"
	elif command -v musl-gcc >/dev/null && [ -e /usr/lib/x86_64-linux-musl/libc.a ]; then
		return
	elif [ -e "$musl/bin/musl-gcc" ] && [ -e "$musl/lib/libc.a" ]; then
		use_musl "$musl"
	elif [ -e "$(rustup_musl)/libc.a" ]; then
		need_wheel musl-headers ziglang==0.13.0 ziglang/lib/libc/include
		plan "rustup: its musl, with these headers, as target/tools/musl" join_musl
	elif can_install || ! command -v apt-get >/dev/null; then
		need musl-gcc musl-tools
		advice+=("for musl, this is enough: rustup target add x86_64-unknown-linux-musl")
	else
		plan "apt: musl-dev, unpacked as target/tools/musl" unpack_musl
	fi
}

# rustup's target has musl's archive and start-up objects, but no headers. Zig's wheel has those,
# of the same version of musl (1.2.5) and split by CPU. gcc is also told to link libm.a and others,
# which are empty in musl.
join_musl() {
	local from name
	from=$(rustup_musl)
	rm -rf "$musl"
	mkdir -p "$musl/lib" "$musl/include"
	for name in libc.a crt1.o crti.o crtn.o; do ln -s "$from/$name" "$musl/lib/"; done
	for name in dl m pthread rt util; do ar rc "$musl/lib/lib$name.a"; done
	cp -r "$tools/musl-headers/generic-musl/." "$musl/include/"
	cp -r "$tools/musl-headers/x86_64-linux-musl/." "$musl/include/"
	write_musl_gcc
}

# apt gets folders of its own here: the system's are root's.
unpack_musl() {
	local work
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
	rm -rf "$musl"
	mkdir -p "$musl"
	mv "$work/usr/lib/x86_64-linux-musl" "$musl/lib"
	mv "$work/usr/include/x86_64-linux-musl" "$musl/include"
	rm -r "$work"
	write_musl_gcc
}

# For compiling alone: bootstrap/build.rs and layer/libc/build.sh link.
write_musl_gcc() {
	mkdir -p "$musl/bin"
	cat >"$musl/bin/musl-gcc" <<-END
		#!/bin/sh
		exec cc -nostdinc -isystem "$musl/include" -isystem "$(cc -print-file-name=include)" "\$@"
	END
	chmod +x "$musl/bin/musl-gcc"
	use_musl "$musl"
}
