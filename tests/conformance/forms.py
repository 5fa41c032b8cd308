"""One test, run as a program on the system's C library or as a handler in a bootstrap."""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from runtime_api import RuntimeApi

# Seconds after which a test counts as hanging. The longest one that passes sleeps for 30.
LIMIT_S = 45
# Id of the user as whom root runs the tests: `nobody` on Debian and Ubuntu.
UNPRIVILEGED = 65534
# Bytes of a test's output to keep, from its end.
MAX_OUTPUT = 4000

# Source: include/posixtest.h of the suite.
CODES = {0: "PASS", 1: "FAIL", 2: "UNRESOLVED", 4: "UNSUPPORTED", 5: "UNTESTED"}

# <sys/prctl.h>, <sched.h>, <sys/mount.h>
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS, CLONE_NEWIPC = 0x00020000, 0x08000000
MS_REC, MS_PRIVATE = 16384, 1 << 18


def begin_worker():
    """Ties leftovers of tests to the calling process: it adopts their processes and, if it has the
    privilege, keeps their queues and shared memory in namespaces that end with it."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if libc.unshare(CLONE_NEWIPC | CLONE_NEWNS) == 0:
        libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)
        libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, None)


class Result:
    """The end of a run: `verdict` is one of the suite's words, or describes another end."""

    def __init__(self, verdict, output):
        self.verdict, self.output = verdict, output

    @property
    def passed(self):
        return self.verdict == "PASS"


class Forms:
    """Runs tests, each in a folder of its own below `folder`, as an ordinary user."""

    def __init__(self, layer, folder, emulator):
        """`emulator` is the beginning of each command: empty, or a program that runs programs of
        another CPU."""
        self.folder = folder
        self.emulator = emulator
        self.layer = folder / "layer"
        shutil.copytree(layer, self.layer)

    def run_program(self, program):
        with self._place(program) as place:
            process, output = self._start([place / program.name], place, {})
            return self._finish(process, output, threading.Event())

    def run_handler(self, library):
        """The verdict is the handler's response, or the exit code if it ended the process. An end
        that the runtime has not reported is no pass, whatever its exit code."""
        with self._place(library) as place, RuntimeApi() as api:
            environment = {
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_FUNCTION_NAME": "test",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
                "LAMBDA_TASK_ROOT": str(place),
                "_HANDLER": "test",
            }
            process, output = self._start([self.layer / "bootstrap"], place, environment)
            result = self._finish(process, output, api.answered)
            if api.response is not None:
                return Result(word(int(api.response)), result.output)
            if api.errors and api.errors[0].startswith("ProcessExit: "):
                return result
            report = api.errors[0] if api.errors else "not reported"
            return Result(f"{result.verdict}: {report}", result.output)

    @contextlib.contextmanager
    def _place(self, file):
        """A folder that the test may write to, with a copy of the file."""
        place = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        try:
            shutil.copy(file, place)
            if os.getuid() == 0:
                os.chown(place, UNPRIVILEGED, UNPRIVILEGED)
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _start(self, command, place, environment):
        output = open(place / "output", "w+b")
        user = {}
        if os.getuid() == 0:
            user = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []}
        process = subprocess.Popen(
            [*self.emulator, *command],
            cwd=place,
            env={"PATH": os.environ["PATH"], "TMPDIR": str(place), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **user,
        )
        return process, output

    def _finish(self, process, output, answered):
        """Waits for a response or for the process's end, and ends leftover processes."""
        is_over = wait(process, answered)
        end_everything(process)
        output.seek(0, os.SEEK_END)
        output.seek(max(0, output.tell() - MAX_OUTPUT))
        text = output.read().decode(errors="replace")
        output.close()
        return Result(word(process.returncode) if is_over else "hangs", text)


def word(code):
    """The suite's word for an exit code; a negative one is a signal's number."""
    if code < 0:
        return f"signal {-code}"
    return CODES.get(code, f"exit code {code}")


def wait(process, answered):
    """Waits for the process's end or for `answered`. Returns False after the limit."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if answered.is_set() or process.poll() is not None:
            return True
        time.sleep(0.005)
    return False


def end_everything(process):
    """Ends the test and its leftover processes, which are now this worker's children."""
    if process.poll() is None:
        process.kill()
        process.wait()
    children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")
    while left_over := children.read_text().split():
        for child in map(int, left_over):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
