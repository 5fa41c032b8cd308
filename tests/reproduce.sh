#!/usr/bin/env bash
# tests/reproduce.sh: builds the layer once more, with its sources, its target folder and its Cargo
# home elsewhere and no network, and compares the bytes with those in dist/.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
prepare build

home=${CARGO_HOME:-$HOME/.cargo}
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
mkdir -p "$elsewhere/checkout" "$elsewhere/cargo"
git ls-files -z | xargs -0 cp --parents --target-directory "$elsewhere/checkout"
cp -r "$home/registry" "$elsewhere/cargo/"
(cd "$elsewhere/checkout" && CARGO_HOME=$elsewhere/cargo CARGO_NET_OFFLINE=true ./build.sh layer)
diff -r "$dist/layer" "$elsewhere/checkout/dist/layer"
cmp "$dist/pilotlight-layer-x86_64.zip" "$elsewhere/checkout/dist/pilotlight-layer-x86_64.zip"
say "the same bytes: $(sha256sum <"$dist/pilotlight-layer-x86_64.zip")"
