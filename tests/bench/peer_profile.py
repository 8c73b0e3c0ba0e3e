"""Where towpath's time goes, stage by stage, by perf: shares of samples by the functions that they fall into."""

import re
import shutil
import subprocess

# The first that fits: a part of the object's name, a pattern of the function's, and what it is counted as.
STAGES = [
    ("kernel", "", "kernel"),
    ("libisal", "decode|inflate", "inflate"),
    ("libisal", "", "deflate"),
    ("libz.", "inflate", "inflate"),
    ("libz.", "", "deflate"),
    ("csv.so", "index", "index"),
    ("csv.so", "texts|parse|typed|columns|unquote", "values in"),
    ("csv.so", "", "rows"),
    ("records.so", "", "encode"),
    ("ttd.so", "", "encode"),
    ("file.so", "", "text out"),
    ("libc.", "", "libc"),
]
NAMES = [*dict.fromkeys(stage for _, _, stage in STAGES), "core and others"]
LINE = re.compile(r"\s+([\d.]+)%\s+(\S+)\s+\[.\] (\S+)")


def stage_of(shared, function):
    for part, pattern, stage in STAGES:
        if part in shared and re.search(pattern, function):
            return stage
    return NAMES[-1]


def profile(bench, work, source, sink=None):
    """Percent of the samples of one run, by stage; None where there is no perf, or it may not."""
    if not shutil.which("perf"):
        return None
    data = bench.folder / "perf.data"
    with bench.prepared(work, source, sink) as command:
        record = ["taskset", "-c", bench.cores[0], "perf", "record", "-q", "-F", "4000", "-o", data, "--", *command]
        done = subprocess.run(record, env={**bench.env, **work.env}, cwd=bench.folder, capture_output=True, check=False)
    if done.returncode:
        return None
    report = ["perf", "report", "-i", data, "--stdio", "--no-children", "-F", "overhead,dso,symbol"]
    text = subprocess.run(report, capture_output=True, text=True, check=False).stdout
    shares = dict.fromkeys(NAMES, 0.0)
    for percent, shared, function in LINE.findall(text):
        shares[stage_of(shared, function)] += float(percent)
    return shares
