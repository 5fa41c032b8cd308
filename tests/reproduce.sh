#!/usr/bin/env bash
# tests/reproduce.sh ARCH...: builds the layers of these architectures once more, with their
# sources, their target folder and their Cargo home elsewhere and no network, and compares the bytes
# with those in dist/.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
arches=("$@")
prepare build

home=${CARGO_HOME:-$HOME/.cargo}
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
mkdir -p "$elsewhere/checkout" "$elsewhere/cargo"
git ls-files -z | xargs -0 cp --parents --target-directory "$elsewhere/checkout"
cp -r "$home/registry" "$elsewhere/cargo/"
for arch in "${arches[@]}"; do
	(cd "$elsewhere/checkout" && CARGO_HOME=$elsewhere/cargo CARGO_NET_OFFLINE=true ./build.sh --arch "$arch" layer)
	use_arch "$arch"
	there=$elsewhere/checkout${out#"$PWD"}
	diff -r "$out/layer" "$there/layer"
	cmp "$zip" "$elsewhere/checkout${zip#"$PWD"}"
	say "$arch: the same bytes: $(sha256sum <"$zip")"
done
