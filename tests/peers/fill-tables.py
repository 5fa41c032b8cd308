#!/usr/bin/env python3
"""fill-tables.py FOLDER: puts the figures of `./build.sh measure` there into the tables of the
documents."""

import json
import pathlib
import re
import sys

BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->"
# Each row's name, the run and the figure that it shows, and the figure's unit.
SUMMARY = [
    ("init", "warm", "init_us", "µs"),
    ("cold response (init and first invocation)", "warm", "cold_us", "µs"),
    ("steady invocation", "warm", "steady_us", "µs"),
    ("peak memory", "warm", "peak_kib", "KiB"),
]
ALL = [
    ("init", "warm", "init_us", "µs"),
    ("init, page cache cold", "cold", "init_us", "µs"),
    ("first invocation", "warm", "first_us", "µs"),
    ("cold response (both)", "warm", "cold_us", "µs"),
    ("cold response, page cache cold", "cold", "cold_us", "µs"),
    ("steady invocation", "warm", "steady_us", "µs"),
    ("peak memory", "warm", "peak_kib", "KiB"),
    ("page faults", "warm", "page_faults", ""),
    ("read from storage, page cache cold", "cold", "read_kib", "KiB"),
]


def cell(figure, unit):
    """A median, and its ratio to the control's."""
    number = f"{figure['median']:.{0 if figure['median'] >= 100 or not unit else 1}f} {unit}".strip()
    return number if figure["ratio"] is None else f"{number} ({figure['ratio']:.2f})"


def table(runs, rows):
    """The lines of a table with these rows."""
    candidates = [candidate["name"] for candidate in runs["warm"]["candidates"]]
    yield "| median (ratio to the limit) | " + " | ".join(candidates) + " |"
    yield "|---|" + "---|" * len(candidates)
    for title, run, key, unit in rows:
        figures = [candidate["figures"][key] for candidate in runs[run]["candidates"]]
        yield f"| {title} | " + " | ".join(cell(figure, unit) for figure in figures) + " |"


def system_calls(runs):
    """The rows of system calls, which have no ratio."""
    calls = [candidate["system_calls"] for candidate in runs["warm"]["candidates"]]
    for title, key in [("system calls before the first `/next`", "init"), ("for an invocation", "invocation")]:
        yield f"| {title} | " + " | ".join(str(call[key]) for call in calls) + " |"


def fill(document, lines):
    """Replaces the table between a document's two marks."""
    text = document.read_text()
    filled = BEGIN + "\n".join(lines) + "\n" + END
    text, places = re.subn(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: filled, text, flags=re.S)
    if places != 1:
        sys.exit(f"{document}: no place for the table between {BEGIN.strip()} and {END}")
    document.write_text(text)


def main(folder):
    runs = {run: json.loads((folder / f"{run}.json").read_text()) for run in ("warm", "cold")}
    fill(pathlib.Path("README.md"), table(runs, SUMMARY))
    fill(pathlib.Path("docs/benchmarks.md"), [*table(runs, ALL), *system_calls(runs)])


main(*map(pathlib.Path, sys.argv[1:]))
