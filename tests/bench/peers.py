"""make bench - towpath and its peers on the same work, in turn.

Builds inputs, runs towpath's job and each peer on them (A B A B), pinned to one core, checks what each of them
writes, and leaves a table, a plot and all figures in the folder of --out. See docs/bench/README.md.

Environment, as make bench sets it: TOWPATH, TOWPATH_PLUGIN_PATH, GEN, RECEIVER, METER. Ends with 1 where
something is not right; a bar that is missed is no failure.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = {"duckdb": "duckdb", "polars": "polars", "pyarrow": "pyarrow", "dlt": "dlt", "sling": "sling-linux-amd64"}
PEERS = ["duckdb", "polars", "pyarrow", "python", "miller", "dlt", "sling"]


def size(text):
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMG]?)B?", text, re.IGNORECASE)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is no size as in 20MB or 1GB")
    return int(float(match[1]) * 1000 ** " KMG".index(match[2].upper() or " "))


def arguments():
    env = os.environ.get
    parser = argparse.ArgumentParser(description="towpath beside its peers")
    parser.add_argument(
        "--bytes", type=size, default=size(env("BENCH_BYTES") or "20MB"), help="of each input (BENCH_BYTES, 20MB)"
    )
    parser.add_argument("--pairs", type=int, default=int(env("BENCH_PAIRS") or 5), help="runs of each of two (BENCH_PAIRS, 5)")
    parser.add_argument("--works", default=env("BENCH_WORKS") or "", help="names of works, with commas between; all unless given")
    parser.add_argument("--peers", default=env("BENCH_PEERS") or ",".join(PEERS), help="names of peers, or none")
    parser.add_argument("--long", nargs="?", type=size, const=size("2GB"), default=env("BENCH_LONG") and size(env("BENCH_LONG")),
                        help="also memory, of 10 MB and of so much (BENCH_LONG, 2GB)")  # fmt: skip
    parser.add_argument(
        "--profile",
        action="store_true",
        default=bool(env("BENCH_PROFILE")),
        help="also where the time goes, by perf (BENCH_PROFILE)",
    )
    parser.add_argument(
        "--dir", default=env("BENCH_DIR") or "/dev/shm", help="folder for inputs and outputs; by default in memory"
    )
    parser.add_argument("--out", type=Path, default=Path(env("BENCH_OUT") or "."), help="folder for results.md, .svg and .json")
    parser.add_argument("--venv", type=Path, help="make this folder the Python of requirements.lock first, and use it")
    return parser.parse_args()


def in_venv(folder):
    """Begins again with the Python of the lock file, which is installed where it is not yet."""
    lock, made, python = HERE / "requirements.lock", folder / "made", folder / "bin/python3"
    if not made.exists() or made.read_text() != lock.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing peers into {folder}", file=sys.stderr)
        make = [sys.executable, "-m", "venv", folder]
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        for command in (make, [*pip, "--require-hashes", "-r", lock]):
            if subprocess.run(command, check=False).returncode:
                sys.exit("bench: peers cannot be installed; without --venv, and with --peers none, any Python with pyarrow does")
        made.write_text(lock.read_text())
    if Path(sys.prefix).resolve() != folder.resolve():
        os.execv(python, [python, *sys.argv])


def sling_program():
    spec = importlib.util.find_spec("sling_linux_amd64")
    program = spec and Path(spec.origin).parent / "bin/sling-linux-amd64"
    if program and program.exists() and os.uname().machine == "x86_64":
        program.chmod(0o755)
        return program
    return None


def versions(wanted):
    """The peers that are here, of those wanted, with their versions; None for one that is not."""
    found = {}
    for name in wanted:
        found[name] = None
        if name == "python":
            found[name] = f"Python {sys.version.split()[0]}, csv"
        elif name == "miller" and shutil.which("mlr"):
            found[name] = (
                "Miller " + subprocess.run(["mlr", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
            )
        elif (
            name in PACKAGES
            and importlib.util.find_spec(PACKAGES[name].replace("-", "_"))
            and (name != "sling" or sling_program())
        ):
            found[name] = f"{name} {importlib.metadata.version(PACKAGES[name])}"
    return found


def main():
    args = arguments()
    if args.venv:
        in_venv(args.venv)
    # pyarrow, which reads the outputs, is there from here on.
    from peer_measure import Bench, Wrong, log
    from peer_report import report
    from peer_suite import suite

    cores = sorted(os.sched_getaffinity(0))
    programs = {name.lower(): Path(os.environ[name]).resolve() for name in ("TOWPATH", "GEN", "METER", "RECEIVER")}
    programs["sling"] = sling_program()
    wanted = [] if args.peers == "none" else args.peers.split(",")
    unknown = set(wanted) - set(PEERS)
    if unknown:
        sys.exit(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))  # and the folder is taken away
    with tempfile.TemporaryDirectory(prefix="towpath-bench-", dir=args.dir) as folder:
        bench = Bench(Path(folder), programs, sys.executable, [str(core) for core in cores])
        try:
            results = suite(bench, args, versions(wanted))
        except Wrong as trouble:
            sys.exit(f"bench: {trouble}")
    args.out.mkdir(parents=True, exist_ok=True)
    report(results, args.out)
    log(f"results are in {args.out}/results.md")


if __name__ == "__main__":
    main()
