#!/usr/bin/env python3
"""fill-tables.py FOLDER ARCH...: puts the figures of `./build.sh measure` there into the tables of
the documents; the counts are those of these architectures."""

import json
import pathlib
import re
import sys

MEASURED, COUNTED, HTTP = "measured", "counted", "http"
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

# Those of the run with requests.
REQUESTS = [
    ("init", "http", "init_us", "µs"),
    ("first invocation", "http", "first_us", "µs"),
    ("cold response (both)", "http", "cold_us", "µs"),
    ("steady invocation", "http", "steady_us", "µs"),
    ("peak memory", "http", "peak_kib", "KiB"),
]


def cell(figure, unit):
    """A median, and its ratio to the control's."""
    number = f"{figure['median']:.{0 if figure['median'] >= 100 or not unit else 1}f} {unit}".strip()
    return number if figure["ratio"] is None else f"{number} ({figure['ratio']:.2f})"


def table(runs, rows):
    """The lines of a table with these rows."""
    candidates = [candidate["name"] for candidate in runs[rows[0][1]]["candidates"]]
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


def sizes(folder):
    """The row of the sizes of the programs that take requests, but the limit's."""
    lines = (folder / "sizes-http.tsv").read_text().splitlines()
    bootstrap, *libraries, peer = (int(line.split("\t")[1]) for line in lines)
    cells = [f"{size:,}" for size in [*(bootstrap + library for library in libraries), peer]]
    return f"| bytes of its files | | {' | '.join(cells)} |"


def counts(folder, architectures):
    """The lines of the table of counts."""
    rows = {"instructions": [], "system calls": [], "page faults": [], "bytes of its files": []}
    names = []
    for architecture in architectures:
        candidates = json.loads((folder / f"counts-{architecture}.json").read_text())["candidates"]
        names = [candidate["name"] for candidate in candidates]
        lines = (folder / f"sizes-{architecture}.tsv").read_text().splitlines()
        limit, bootstrap, hello, peer = (int(line.split("\t")[1]) for line in lines)
        for title, key in [("instructions", "instructions"), ("system calls", "system_calls"), ("page faults", "page_faults")]:
            cells = [candidate[key] and f"{candidate[key]['init']:,}" for candidate in candidates]
            rows[title].append((architecture, cells))
        sizes = [limit, bootstrap + hello, peer]
        rows["bytes of its files"].append((architecture, [f"{size:,}" for size in sizes]))
    yield "| up to the first `/next` | | " + " | ".join(names) + " |"
    yield "|---|---|" + "---|" * len(names)
    for title, lines in rows.items():
        for architecture, cells in lines:
            yield f"| {title} | {architecture} | " + " | ".join(cell or "not counted" for cell in cells) + " |"


def fill(document, mark, lines):
    """Replaces the table between a document's two marks."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    text = document.read_text()
    filled = begin + "\n".join(lines) + "\n" + end
    text, places = re.subn(re.escape(begin) + ".*?" + re.escape(end), lambda _: filled, text, flags=re.S)
    if places != 1:
        sys.exit(f"{document}: no place for the table between {begin.strip()} and {end}")
    document.write_text(text)


def main(folder, *architectures):
    folder = pathlib.Path(folder)
    runs = {run: json.loads((folder / f"{run}.json").read_text()) for run in ("warm", "cold", "http")}
    fill(pathlib.Path("README.md"), MEASURED, table(runs, SUMMARY))
    benchmarks = pathlib.Path("docs/benchmarks.md")
    fill(benchmarks, MEASURED, [*table(runs, ALL), *system_calls(runs)])
    fill(benchmarks, HTTP, [*table(runs, REQUESTS), sizes(folder)])
    fill(benchmarks, COUNTED, counts(folder, architectures))


main(*sys.argv[1:])
