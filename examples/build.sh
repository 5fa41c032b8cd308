#!/usr/bin/env bash
# examples/build.sh ARCH...: builds the examples of these architectures: dist/examples/ has
# x86_64's, dist/arm64/examples/ has arm64's.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
arches=("$@")
prepare build

examples=(hello echo context faulty slow stream config web)

for arch in "${arches[@]}"; do
	use_arch "$arch"
	say "$arch: examples"
	"${with_tools[@]}" cargo build --locked --release "${modules_target[@]}" "${examples[@]/#/-p}" \
		--config "target.$target.rustflags=[$module_flags]"
	for name in "${examples[@]}"; do
		install -D -m 755 "$modules/release/lib$name.so" "$out/examples/lib$name.so"
	done
	"${tool}gcc" -shared -fPIC -O2 -Wall -Wextra -Werror -s -I sdk/include \
		-o "$out/examples/libhello-c.so" examples/hello-c/hello.c
done
