"""Reads the list of known failures in docs/conformance.md, and writes the figures there."""

import fnmatch
import platform
import re

BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->"
# A row of the list of exceptions: tests, each as a pattern in backticks, and the reason.
ROW = re.compile(r"^\| (`.+`) \| (.+) \|$", re.M)

# The suite's areas (its script run_tests), each with patterns of tests. The first match counts.
AREAS = {
    "threads": ["pthread_*"],
    "signals": ["sig*", "raise/*", "kill/*", "killpg/*"],
    "semaphores": ["sem_*"],
    "message queues": ["mq_*"],
    "memory": ["m*lock*", "m*map/*", "shm_*"],
    "scheduling": ["sched_*"],
    "clocks and timers": ["timer*", "*time/*", "clock*", "nanosleep/*"],
    "asynchronous I/O": ["aio_*", "lio_*"],
    "processes and files": ["*"],
}


def known_failures(text):
    """The exceptions that the document lists: {pattern: reason}."""
    return {
        pattern: reason
        for patterns, reason in ROW.findall(text)
        for pattern in re.findall(r"`([^`]+)`", patterns)
    }


def reason_for(name, known):
    """The listed reason why this test fails, or None."""
    return next((why for pattern, why in known.items() if fnmatch.fnmatch(name, pattern)), None)


def area(name):
    return next(
        area for area, patterns in AREAS.items() for p in patterns if fnmatch.fnmatch(name, p)
    )


def percent(part, whole):
    # Rounded down: 100 % means all of them.
    return f"{int(1000 * part / whole) / 10:g} %" if whole else "–"


def table(outcomes):
    """The figures as lines of Markdown."""
    yield f"| on glibc {platform.libc_ver()[1]} | tests | pass as programs | of these, pass as handlers | |"
    yield "|---|---|---|---|---|"
    rows = [(title, [o for o in outcomes if area(o.test.name) == title]) for title in AREAS]
    for title, rows_of_area in [*rows, ("**all**", outcomes)]:
        native = [outcome for outcome in rows_of_area if outcome.native.passed]
        passed = sum(outcome.passed for outcome in native)
        figures = [len(rows_of_area), len(native), passed, percent(passed, len(native))]
        yield f"| {title} | " + " | ".join(map(str, figures)) + " |"


def fill(document, lines):
    """Puts the lines between the document's markers."""
    text = document.read_text()
    filled = BEGIN + "\n".join(lines) + "\n" + END
    text, count = re.subn(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: filled, text, flags=re.S)
    if count != 1:
        raise SystemExit(f"{document}: no place for the table between {BEGIN.strip()} and {END}")
    document.write_text(text)
