#!/usr/bin/env bash
# tests/quick.sh: the tests that need the Rust toolchain, cc and musl-gcc alone, of what build.sh
# has put into dist/. tests/README.md says which modules it leaves out.
set -euo pipefail
cd "$(dirname "$0")/.."

skipped=(emulators:: published_crates:: external:: slow::)
# Its name servers listen on port 53.
if [ "$(id -u)" != 0 ]; then skipped+=(libc::names::); fi

# Many tests wait for a process or a clock, so more of them run at once than there are cores.
cargo test --locked --workspace --lib --bins --test it -- --test-threads $((2 * $(nproc))) \
	"${skipped[@]/#/--skip=}"
