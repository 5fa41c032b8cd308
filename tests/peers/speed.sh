#!/usr/bin/env bash
# tests/peers/speed.sh: the same work natively on glibc and inside a handler.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/setup.sh
prepare build

folder=$PWD/target/speed
(cd tests/peers/speed && cargo build --locked --release --target-dir "$folder")
say "work inside a handler beside the same source on glibc: the shortest times of 5 runs in turn"
"$folder/release/speed" "$folder/release/libspeed.so" "$dist/bin/pilotlight" 5
