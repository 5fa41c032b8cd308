#!/usr/bin/env bash
# tests/rust.sh x86_64|arm64 TOOL ARGUMENT...: a Rust tool that builds for that CPU, of the
# toolchain that layer/arch.sh chooses for it.
set -euo pipefail
folder=$PWD
cd "$(dirname "$0")/.."
. tests/setup.sh

use_arch "$1"
cd "$folder"
# shellcheck disable=SC2154 # set by use_arch
exec "${with_tools[@]}" "${@:2}" "${modules_target[@]}"
