"""Finds the suite's tests, leaves out those that cannot be run, and builds the others."""

import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess

# The suite's own flags (its Makefile and LDFLAGS) without -Werror: warnings of newer compilers do
# not matter here. With -fPIC, one object serves both forms.
COMPILE = ["-fPIC", "-O2", "-w", "-std=gnu99", "-D_POSIX_C_SOURCE=200112L", "-D_GNU_SOURCE"]
LINK = ["-lpthread", "-lrt", "-lm"]

# Calls with effects beyond the test. A test with one of them is never run.
FORBIDDEN = {
    "sets the system's clock": re.compile(r"\b(clock_settime|settimeofday|stime|adjtime)\s*\("),
    "signals every process": re.compile(r"\bkill\s*\(\s*-\s*1\b"),
}
# Tests whose outcome depends on the machine's timing, as a program as well.
UNSTABLE = {
    "sigaction/10-1": "stops a child directly after continuing it, and counts the reports of both",
}
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
MAIN = re.compile(r"\bmain\s*\(")
# Calls that take a name of shared memory, a queue or a semaphore, which two tests may share. Each
# kind has names of its own.
NAMED = re.compile(r"\b(shm_open|mq_open|sem_open)\s*\(")


@dataclasses.dataclass(frozen=True)
class Test:
    """`name` is the source's path in the suite, as in sem_wait/1-1; `shares_names` is the call by
    which it has names that another test may have."""

    name: str
    source: pathlib.Path
    shares_names: str | None


def find(suite):
    """The tests that can be run, and the reasons to leave out others: (tests, {name: reason})."""
    tests, left_out = [], {}
    for folder in ("interfaces", "behavior"):
        root = suite / "conformance" / folder
        for source in sorted(root.rglob("[0-9]*-[0-9]*.c")):
            name = str(source.relative_to(root).with_suffix(""))
            code = COMMENT.sub("", source.read_text(errors="replace"))
            reason = next((why for why, call in FORBIDDEN.items() if call.search(code)), None)
            reason = reason or UNSTABLE.get(name)
            if not MAIN.search(code):
                reason = "has no `main`: it is judged by the compiler"
            if reason:
                left_out[name] = reason
            else:
                named = NAMED.search(code)
                tests.append(Test(name, source, named and named.group(1)))
    return tests, left_out


class Builder:
    """Compiles each test once and links it twice: as a program, and as a handler's library."""

    def __init__(self, root, suite, folder, compiler):
        self.suite, self.folder, self.compiler = suite, folder, compiler
        self.include = root / "sdk/include"
        self.wrapper_source = root / "tests/conformance/handler.c"
        self.wrapper = folder / "handler.o"

    def program(self, test):
        return self.folder / test.name / "program"

    def library(self, test):
        return self.folder / test.name / "libtest.so"

    def build(self, tests):
        """Builds missing and outdated files. Returns the tests that compile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if is_older(self.wrapper, self.wrapper_source, self.include / "pilotlight.h"):
            run([self.compiler, "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-I", self.include,
                 "-c", self.wrapper_source, "-o", self.wrapper])
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return [test for test, is_built in zip(tests, pool.map(self._build, tests)) if is_built]

    def _build(self, test):
        folder = self.folder / test.name
        folder.mkdir(parents=True, exist_ok=True)
        unit, program, library = folder / "test.o", self.program(test), self.library(test)
        try:
            if is_older(program, test.source):
                run([self.compiler, *COMPILE, "-I", self.suite / "include", "-c", test.source, "-o", unit])
                run([self.compiler, unit, "-o", program, *LINK])
            if is_older(library, program, self.wrapper):
                # -Bsymbolic: the library calls its own `main`.
                run([self.compiler, "-shared", "-Wl,-Bsymbolic", unit, self.wrapper, "-o", library, *LINK])
        except subprocess.CalledProcessError:
            return False
        return True


def is_older(target, *sources):
    """Whether the target is missing or older than a source."""
    return not target.exists() or target.stat().st_mtime < max(source.stat().st_mtime for source in sources)


def run(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
