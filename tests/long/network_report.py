"""Writes the tables of docs/network.md from the network campaign's results (TOWPATH_LONG_RESULTS):

    python3 network_report.py RESULTS [RESULTS ...]

A later file's results take the place of an earlier one's."""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/network.md"
FAMILIES = [
    ("nobody listens", ["refused"]),
    ("accepted, and never answered", ["never answered"]),
    ("cut or reset, once", ["cut in", "reset in", "closed when idle"]),
    ("half-open, once", ["half-open in"]),
    ("drips, slow or late", ["drips", "slow line", "delays"]),
    ("a wrong length, or a body made shorter", ["longer than", "shorter than", "short, and"]),
    ("garbage, answers that come twice, damaged frames", ["garbage", "twice", "damaged"]),
    ("cut, reset or half-open from then on", ["from then on"]),
    ("an answer without an end", ["endless"]),
    ("SIGTERM while it waits", ["stopped"]),
]
# By the beginning of the path's name.
CONNECTORS = {
    "databricks-": "`databricks`",
    "csv-copy": "`databricks_copy`",
    "events-": "`events` in S3",
    "lytics_": "`lytics_...`",
    "csv-lytics": "`lytics`",
    "csv-ttd": "`ttd`",
    "csv-zerobus": "`zerobus`",
}
ENDS = {"0": "done", "2": "exit 2", "3": "exit 3", "6": "exit 6", "143": "exit 143", "hang": "**hangs**"}


def family(fault):
    if fault.startswith("stopped"):
        return FAMILIES[-1][0]
    return next((name for name, words in FAMILIES if any(word in fault for word in words)), fault)


def results(names):
    found = {}
    for name in names:
        for line in map(json.loads, Path(name).read_text().splitlines()):
            if line["campaign"] == "network" and line["runs"] and "@" in line["path"]:
                found[line["path"], line["fault"]] = line
    return list(found.values())


def connector(path):
    return next(name for begin, name in CONNECTORS.items() if path.startswith(begin))


def cell(lines):
    codes = Counter()
    for line in lines:
        codes.update(line["codes"])
    said = [f"{end} ({codes[code]})" for code, end in ENDS.items() if codes[code]]
    return f"{', '.join(said)}; {max(line['longest_s'] for line in lines):.1f} s" if said else ""


def faults_table(lines):
    cells = defaultdict(list)
    for line in lines:
        cells[family(line["fault"]), connector(line["path"])].append(line)
    yield "| | " + " | ".join(CONNECTORS.values()) + " |"
    yield "|---" * (len(CONNECTORS) + 1) + "|"
    for name, _ in FAMILIES:
        yield f"| {name} | " + " | ".join(cell(cells[name, other]) for other in CONNECTORS.values()) + " |"


def counts_table(lines):
    yield "| connector | runs | faults | rows | lost | doubled | unclear | hangs | longest run | most memory |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for name in CONNECTORS.values():
        own = [line for line in lines if connector(line["path"]) == name]
        sums = [sum(line[key] for line in own) for key in ("runs", "faults", "rows", "lost", "doubled", "unclear", "hangs")]
        longest, peak = max(line["longest_s"] for line in own), max(line["peak_kib"] for line in own)
        yield f"| {name} | " + " | ".join(f"{number:,}" for number in sums) + f" | {longest:.1f} s | {peak / 1024:.0f} MiB |"


def put(page, name, rows):
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = page.split(begin)
    return before + begin + "\n\n" + "\n".join(rows) + "\n\n" + end + rest.split(end)[1]


def main(names):
    lines = results(names)
    page = PAGE.read_text()
    for name, rows in (("faults", faults_table(lines)), ("counts", counts_table(lines))):
        page = put(page, name, rows)
    PAGE.write_text(page)


if __name__ == "__main__":
    main(sys.argv[1:])
