"""The network campaign's results, TOWPATH_LONG_RESULTS, as the tables of docs/reliability.md:

    python3 network_report.py RESULTS [RESULTS ...]

A later file's results take the place of an earlier one's."""

import json
import sys
from collections import Counter, defaultdict

FAMILIES = [
    ("nobody listens", ["refused"]),
    ("accepts and never answers", ["never answered"]),
    ("cut or reset once", ["cut in", "reset in", "closed when idle"]),
    ("half-open once", ["half-open in"]),
    ("drips, slow or late", ["drips", "slow line", "delays"]),
    ("a wrong length, or a body made shorter", ["longer than", "shorter than", "short, and"]),
    ("garbage, answers twice, damaged frames", ["garbage", "twice", "damaged"]),
    ("cut, reset or half-open from then on", ["from then on"]),
    ("what does not end", ["endless"]),
    ("SIGTERM while it waits", ["stopped"]),
]
CODES = {"0": "done", "3": "exit 3", "6": "exit 6", "2": "exit 2", "143": "143", "-9": "", "hang": "HANG"}


def family(fault):
    if fault.startswith("stopped"):
        return FAMILIES[-1][0]
    return next((name for name, words in FAMILIES if any(word in fault for word in words)), fault)


def results(names):
    found = {}
    for name in names:
        with open(name) as file:
            for line in map(json.loads, file):
                if line["campaign"] == "network" and line["runs"]:
                    found[line["path"], line["fault"]] = line
    return found.values()


def cell(lines):
    codes = Counter()
    for line in lines:
        codes.update(line["codes"])
    said = ", ".join(f"{CODES.get(code, code)} {count}" for code, count in sorted(codes.items()) if CODES.get(code, code))
    return f"{said}; {max(line['longest_s'] for line in lines):.1f} s"


def table(lines):
    places, faults = defaultdict(list), [name for name, _ in FAMILIES]
    for line in lines:
        if "@" in line["path"]:
            places[line["path"], family(line["fault"])].append(line)
    names = sorted({place for place, _ in places})
    yield "| | " + " | ".join(faults) + " |"
    yield "|---" * (len(faults) + 1) + "|"
    for name in names:
        yield f"| {name} | " + " | ".join(cell(places[name, fault]) if places[name, fault] else "" for fault in faults) + " |"


def counts(lines):
    yield "| path @ server | runs | faults | rows | lost | doubled | unclear | hangs | longest run | most memory |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    by_path = defaultdict(list)
    for line in lines:
        by_path[line["path"]].append(line)
    for path, of_path in sorted(by_path.items()):
        sums = [sum(line[name] for line in of_path) for name in ("runs", "faults", "rows", "lost", "doubled", "unclear", "hangs")]
        longest = max(line["longest_s"] for line in of_path)
        peak = max(line["peak_kib"] for line in of_path) / 1024
        yield f"| {path} | " + " | ".join(f"{number:,}" for number in sums) + f" | {longest:.1f} s | {peak:.0f} MiB |"


def messages(lines):
    said = {}
    for line in lines:
        if line["message"] and "@" in line["path"]:
            said.setdefault(family(line["fault"]), line["message"])
    for name, _ in FAMILIES:
        if name in said:
            yield f"- {name}: `{said[name].removeprefix('towpath: ')[:300]}`"


def main():
    lines = list(results(sys.argv[1:]))
    for part in (counts, table, messages):
        print("\n".join(part(lines)), end="\n\n")


main()
