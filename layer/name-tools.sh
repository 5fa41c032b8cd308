#!/usr/bin/env bash
# layer/name-tools.sh CPU: prints, as JSON, the tools that the layer's bytes depend on besides its
# sources.
#
# The layer carries this as `pilotlight/build.json`, so that it can be built again, byte for byte.
set -euo pipefail
musl=${PILOTLIGHT_MUSL:+$PILOTLIGHT_MUSL/lib}
musl=${musl:-/usr/lib/$1-linux-musl}/libc.a
tool=${CROSS_COMPILE-}

first_line() { "$@" | head -n 1; }

cat <<JSON
{
  "rustc": "$(rustc --version)",
  "cc": "$(first_line "${tool}gcc" --version)",
  "ld": "$(first_line "${tool}ld.bfd" --version)",
  "musl": "$("${tool}ar" p "$musl" version.lo | strings | grep -m 1 -E '^[0-9]+\.[0-9]+')"
}
JSON
