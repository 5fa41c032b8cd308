#!/usr/bin/env bash
# tests/fuzz/run.sh N: each fuzz target for N executions.
#
# libFuzzer through stable rustc: the coverage that it is guided by is an ordinary LLVM pass.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/setup.sh

prepare build fuzz
executions=$1
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3"
coverage+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage+=" -Cllvm-args=-sanitizer-coverage-pc-table --cfg=fuzzing"
for target in elf load http lambda warming config request; do
	# Each execution of this one is a process.
	[ "$target" = load ] && count=$((executions / 4)) || count=$executions
	say "fuzzing $target, $count executions"
	(
		cd tests/fuzz
		mkdir -p "../../target/fuzz/corpus/$target"
		RUSTFLAGS=$coverage cargo build --locked --release --quiet --bin "$target" \
			--target x86_64-unknown-linux-gnu --target-dir ../../target/fuzz
		"../../target/fuzz/x86_64-unknown-linux-gnu/release/$target" -runs="$count" \
			-max_len=8192 -print_final_stats=1 -artifact_prefix=../../target/fuzz/ "../../target/fuzz/corpus/$target" "seeds/$target" \
			2>&1 | tail -n 8
	)
done
