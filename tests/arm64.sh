#!/usr/bin/env bash
# tests/arm64.sh: the tests that depend on the CPU, for arm64, of what build.sh has put into
# dist/arm64; on a machine of another CPU they are emulated. tests/README.md lists what is left out.
set -euo pipefail
cd "$(dirname "$0")/.."

rooms=(loader:: libc:: layer:: handlers:: runtime_api:: config:: warming:: emulators::)
skipped=(
	# They have nothing to do with the CPU; SAM builds by the user's own toolchain.
	handlers::compile:: emulators::sam::
	# An emulator has system calls, memory, page faults and times of its own.
	system_calls:: one_hello_needs_little_memory a_cold_start_touches_few_pages
	runtime_api::slow:: a_slow_reader_slows_the_writer
	pings_warm_as_many_environments_as_they_ask_for
	# AWS's emulator starts the layer's bootstrap by itself in this mode.
	emulators::managed::
	# QEMU makes `vfork` a `fork`, and does not tell a thread of a timer or a message queue.
	fixtures::c::vforks fixtures::c::notified
	# QEMU has no `process_vm_readv`, which reads the stack of a thread that waits.
	time_outs::the_report_names time_outs::each_worker
)

export PILOTLIGHT_TEST_ARCH=arm64
cargo test --locked -p pilotlight-tests --test it -- \
	--test-threads $((3 * $(nproc))) "${rooms[@]}" "${skipped[@]/#/--skip=}"
tests/conformance/run.sh
