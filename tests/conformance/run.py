#!/usr/bin/env python3
"""Runs the Open POSIX Test Suite as programs and as handlers (see README.md).

run.py [PATTERN...]   all tests, or the matching ones, as in 'sem_*/*', with their output
"""

import concurrent.futures
import dataclasses
import fnmatch
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import forms
import report
import suite

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "target/conformance"
# The CPU under test, by Lambda's name; this machine's without the variable.
MACHINE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
ARCH = os.environ.get("PILOTLIGHT_TEST_ARCH", MACHINE)
IS_EMULATED = ARCH != MACHINE
# The first test of each sentence. The others vary it, mostly by the number of a signal, and an
# emulator is too slow for them.
FIRST = "*-1"
DOCUMENT = ROOT / "docs/conformance.md"
MAX_ATTEMPTS = 3
# Failed handlers that get another attempt. More failures than this are not by chance.
MAX_RETRIED = 30
# Processes. Most tests sleep most of the time.
WORKERS = 6 * os.cpu_count()


@dataclasses.dataclass
class Outcome:
    """`handler` is None if the test does not pass as a program."""

    test: suite.Test
    native: forms.Result
    handler: forms.Result | None
    attempts: int = 1

    @property
    def passed(self):
        return self.handler is not None and self.handler.passed

    @property
    def failed(self):
        return self.handler is not None and not self.handler.passed


def attempt(test, builder, runner):
    native = runner.run_program(builder.program(test))
    handler = runner.run_handler(builder.library(test)) if native.passed else None
    return Outcome(test, native, handler)


def attempt_each(tests, builder, runner):
    """Runs the tests sequentially."""
    return [attempt(test, builder, runner) for test in tests]


def run_all(tests, builder, runner):
    # Tests that use names of a kind share one worker, because two of them may use the same name.
    kinds = {test.shares_names for test in tests if test.shares_names}
    chunks = [[test for test in tests if test.shares_names == kind] for kind in sorted(kinds)]
    chunks += [[test] for test in tests if not test.shares_names]
    with concurrent.futures.ProcessPoolExecutor(WORKERS, initializer=forms.begin_worker) as pool:
        futures = [pool.submit(attempt_each, chunk, builder, runner) for chunk in chunks]
        outcomes = [outcome for future in futures for outcome in future.result()]
    return sorted(outcomes, key=lambda outcome: outcome.test.name)


def run_again(outcomes, known, builder, runner):
    """Repeats failed tests with fewer others in parallel: under load, some miss their deadlines."""
    # A program that fails is left out of the figures, unless it failed because of the load.
    programs = [outcome for outcome in outcomes if outcome.native.verdict == "FAIL"]
    handlers = [o for o in outcomes if o.failed and not report.reason_for(o.test.name, known)]
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), initializer=forms.begin_worker) as pool:
        suspects = programs + handlers[:MAX_RETRIED]
        futures = [pool.submit(attempt_again, outcome, builder, runner) for outcome in suspects]
        for outcome, future in zip(suspects, futures):
            # The worker changed a copy.
            outcome.__dict__.update(future.result().__dict__)


def attempt_again(outcome, builder, runner):
    while outcome.attempts < MAX_ATTEMPTS and not outcome.passed:
        again = attempt(outcome.test, builder, runner)
        outcome.attempts += 1
        if again.native.passed:
            outcome.native, outcome.handler = again.native, again.handler
    return outcome


def judge(outcomes, known):
    """Prints differences from the list of exceptions. Returns False if an unlisted test fails."""
    unknown = [o for o in outcomes if o.failed and not report.reason_for(o.test.name, known)]
    for outcome in unknown:
        print(f"FAILS, and is not listed: {outcome.test.name}: {outcome.handler.verdict}")
    for outcome in outcomes:
        if outcome.passed and report.reason_for(outcome.test.name, known):
            print(f"passes, and is listed as an exception: {outcome.test.name}")
    retried = [o.test.name for o in outcomes if o.attempts > 1 and o.passed]
    if retried:
        print(f"passed at a later attempt: {len(retried)} ({', '.join(retried)})")
    return not unknown


def main(patterns):
    subprocess.run([ROOT / "tests/conformance/fetch.sh", FOLDER], check=True)
    tests, left_out = suite.find(FOLDER / "suite")
    wanted = patterns or ([FIRST] if IS_EMULATED else ["*"])
    tests = [t for t in tests if any(fnmatch.fnmatch(t.name, p) for p in wanted)]
    compiler = "aarch64-linux-gnu-gcc" if IS_EMULATED else "cc"
    builder = suite.Builder(ROOT, FOLDER / "suite", FOLDER / f"built-{ARCH}", compiler)
    built = builder.build(tests)
    known = report.known_failures(DOCUMENT.read_text())
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        # The tests' user must be able to traverse it.
        os.chmod(folder, 0o711)
        layer = ROOT / "dist" / ("layer" if ARCH == "x86_64" else f"{ARCH}/layer")
        emulator = ["qemu-aarch64"] if IS_EMULATED else []
        runner = forms.Forms(layer, pathlib.Path(folder), emulator)
        outcomes = run_all(built, builder, runner)
        run_again(outcomes, known, builder, runner)
    if patterns:
        for outcome in outcomes:
            print(f"{outcome.test.name}: {outcome.native.verdict} as a program, "
                  f"{outcome.handler.verdict if outcome.handler else 'not run'} as a handler")
            if outcome.failed:
                print(outcome.handler.output)
    lines = [*report.table(outcomes)]
    print("\n".join(lines))
    print(f"{len(tests) - len(built)} tests do not compile, {len(left_out)} are left out; "
          f"{time.monotonic() - start:.0f} s")
    as_expected = judge(outcomes, known)
    if not patterns and not IS_EMULATED:
        report.fill(DOCUMENT, lines)
    return 0 if as_expected else 1


sys.exit(main(sys.argv[1:]))
