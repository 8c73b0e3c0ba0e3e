#!/usr/bin/env python3
"""Writes the tables of docs/reliability.md from what campaigns have noted (TOWPATH_LONG_RESULTS).

    tests/long/report.py RESULTS.jsonl [docs/reliability.md]

A table stands between `<!-- NAME: ... -->` and `<!-- end of NAME -->`. Those of campaigns that are not among the results
stay as they are. Lines of the same path, or target, are summed up.
"""

import json
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/reliability.md"

# Of each campaign: what a line is about, and (heading, member, how several lines make one).
RUNS = [
    ("runs", "runs", sum),
    ("faults", "faults", sum),
    ("rows", "rows", sum),
    ("lost", "lost", sum),
    ("doubled", "doubled", sum),
    ("unclear", "unclear", sum),
    ("hangs", "hangs", sum),
    ("longest run, s", "longest_s", max),
]
FUZZ = [
    ("CPU minutes", "cpu_seconds", lambda values: sum(values) / 60),
    ("inputs tried", "executions", sum),
    ("edges reached", "edges", max),
    ("crashes", "crashes", sum),
]
COLUMNS = {
    "crash": ("path", [RUNS[0], ("kills", "kills", sum), *RUNS[1:]]),
    "network": ("path", RUNS),
    "torture": ("path", RUNS),
    "fuzz": ("target", FUZZ),
}


def read(path):
    """Lines by campaign and by what they are about, in the order in which they came."""
    found = {}
    for line in Path(path).read_text().splitlines():
        entry = json.loads(line)
        about = COLUMNS.get(entry["campaign"])
        if about:
            found.setdefault(entry["campaign"], {}).setdefault(entry[about[0]], []).append(entry)
    return found


def shown(value):
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def table(campaign, paths):
    about, columns = COLUMNS[campaign]
    lines = [f"| {about} | " + " | ".join(heading for heading, _, _ in columns) + " |"]
    lines.append("|---|" + "---:|" * len(columns))
    totals = [[] for _ in columns]
    for name, entries in paths.items():
        cells = [together([entry[member] for entry in entries]) for _, member, together in columns]
        for total, cell in zip(totals, cells):
            total.append(cell)
        lines.append(f"| {name} | " + " | ".join(map(shown, cells)) + " |")
    sums = [sum(total) if together is not max else max(total) for total, (_, _, together) in zip(totals, columns)]
    lines.append("| **all** | " + " | ".join(map(shown, sums)) + " |")
    return "\n".join(lines)


def put(text, campaign, rows):
    """The page with this table in its place."""
    begin = text.find(f"<!-- {campaign}:")
    end = text.find(f"<!-- end of {campaign} -->")
    if begin < 0 or end < begin:
        raise SystemExit(f"the page has no place for campaign {campaign}")
    begin = text.index("-->", begin) + len("-->")
    return f"{text[:begin]}\n\n{rows}\n\n{text[end:]}"


def main(results, page=PAGE):
    text = Path(page).read_text()
    for campaign, paths in read(results).items():
        text = put(text, campaign, table(campaign, paths))
    Path(page).write_text(text)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
