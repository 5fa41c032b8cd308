#!/usr/bin/env bash
# layer/libc/build.sh TARGET CPU: links the functions that module_exports.txt lists, from musl's
# libc.a and from the C files here, into the module that the bootstrap maps for handlers that need
# them.
#
# A symbol that the bootstrap exports stays undefined here and is bound to the bootstrap, so that
# there is one heap, one set of open streams and one list of threads. Internals of musl are linked
# in.
#
# CROSS_COMPILE is the prefix of the tools' names, and PILOTLIGHT_MUSL that of another musl than the
# system's.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
lists=$here/../../loader/src/provided
target=$1
cpu=$2
musl=${PILOTLIGHT_MUSL:+$PILOTLIGHT_MUSL/lib}
musl=${musl:-/usr/lib/$cpu-linux-musl}/libc.a
tool=${CROSS_COMPILE-}
musl_gcc=(musl-gcc -I "$here/arch/$cpu")
# As in bootstrap/static-musl.toml: atomic instructions in place of calls of libgcc.
if [ "$cpu" = aarch64 ]; then musl_gcc+=(-mcpu=neoverse-n1); fi
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# Prints the lines of a list of exports, without comments.
list() { sed -e '/^#/d' -e '/^version /d' -e '/^$/d' "$1"; }

# A stand-in for the bootstrap, so that the linker does not take its symbols from musl. (If both
# lists name a function, handlers get the bootstrap's, and the bootstrap the module's. The module
# also has its own copies of __uflow and __overflow, which keep no state and which musl has in the
# same file as others.)
list "$lists/module_exports.txt" | sed 's/ = .*//' >"$work/own"
list "$lists/exports.txt" | sed 's/ = .*//' | grep -vxF -e __uflow -e __overflow -f "$work/own" |
	sed -E '/^(__)?environ$|^std(in|out|err)$|^__stack_chk_guard$/!s/.*/void &(void) {}/;t;s/.*/void *&;/' >"$work/core.c"
"${tool}gcc" -w -fno-builtin -shared -fPIC -nostdlib -Wl,-soname,libc.so -o "$work/core.so" "$work/core.c"

mapfile -t sources < <(find "$here" "$here/arch/$cpu" -maxdepth 1 -name '*.c' | sort)
for source in "${sources[@]}"; do
	# With -fexceptions, because functions that callers pass to ours may throw.
	"${musl_gcc[@]}" -O2 -fPIC -fno-builtin -fexceptions -Wall -Wextra -Werror -c -o "$work/$(basename "$source" .c).own.o" "$source"
done
# musl's functions that ours of the same name call, or must not be confused with, are renamed to
# pilotlight_musl_NAME inside the module.
wrapped=()
for name in basename getopt glob regcomp regexec; do
	wrapped+=(--redefine-sym "$name=pilotlight_musl_$name")
done
(
	cd "$work"
	"${tool}ar" x "$musl" basename.lo getopt.lo getopt_long.lo glob.lo pthread_cancel.lo regcomp.lo regexec.lo \
		sem_timedwait.lo strftime.lo
	for member in *.lo; do
		"${tool}objcopy" "${wrapped[@]}" "$member" "musl_${member%.lo}.own.o"
	done
	# getopt prints its messages with ours (streams.c): musl's would write to musl's own
	# `stderr`.
	"${tool}objcopy" --weaken-symbol=__getopt_msg --redefine-sym __stderr_FILE=pilotlight_no_stream \
		musl_getopt.own.o
	# Hidden in musl, though existing code calls it by that name.
	"${tool}objcopy" --redefine-sym __strftime_l=pilotlight_strftime_l musl_strftime.own.o
	# Renamed in their own files alone: other functions of musl call ours.
	for name in pthread_attr_setschedparam pthread_attr_setschedpolicy pthread_getcpuclockid sem_open \
		sem_unlink shm_unlink sigtimedwait sysconf; do
		# musl has both in one file.
		object=${name/shm_unlink/shm_open}.lo
		"${tool}ar" x "$musl" "$object"
		"${tool}objcopy" --redefine-sym "$name=pilotlight_musl_$name" "$object" "musl_$name.own.o"
	done
	# Called by ours (cancel.c, clock.c).
	"${tool}objcopy" --redefine-sym pthread_cancel=pilotlight_cancel musl_pthread_cancel.own.o
	"${tool}objcopy" --redefine-sym sem_timedwait=pilotlight_sem_timedwait musl_sem_timedwait.own.o
)
list "$lists/module_exports.txt" >"$work/list"
mapfile -t arguments < <(
	sed 's/.* = //' "$work/list" | sort -u | sed 's/^/-Wl,-u,/'
	sed -n 's/^\(.*\) = \(.*\)/-Wl,--defsym=\1=\2/p' "$work/list"
)
{
	echo '{ global:'
	sed 's/\( = .*\)\{0,1\}$/;/' "$work/list"
	echo 'local: *; };'
} >"$work/versions"
"${tool}gcc" -shared -nostdlib -o "$work/libc.so" "${arguments[@]}" "$work"/*.own.o "$work/core.so" "$musl" \
	-lgcc_eh -lgcc -Wl,--version-script="$work/versions" -Wl,-Bsymbolic -Wl,--build-id=none \
	-Wl,-z,separate-code -Wl,-z,max-page-size=4096 -Wl,--gc-sections -Wl,--eh-frame-hdr

# The linker accepts a name in the list that has no definition.
missing=$(comm -23 <(sort -u "$work/own") <("${tool}nm" -D --defined-only -j "$work/libc.so" | sort -u))
if [[ -n $missing ]]; then
	echo "layer/libc/build.sh: module_exports.txt names symbols without a definition: ${missing//$'\n'/ }" >&2
	exit 1
fi

# State that the bootstrap has as well would exist twice: open streams, threads, the heap.
state='ofl_head|__std(in|out|err)_FILE|vmlock|vdso_func|__malloc_context|builtin_tls|main_tls|handler_set|keys'
if "${tool}nm" "$work/libc.so" | grep -E " [bBdD] ($state)\$"; then
	echo "layer/libc/build.sh: module_exports.txt names functions that keep this state" >&2
	exit 1
fi
"${tool}strip" --strip-all -o "$target" "$work/libc.so"
