"""Goes through the works: {"machine", "works", "control", "cores", "startup", "memory"} as plain data."""

import os
import platform
import subprocess
from dataclasses import asdict

from peer_measure import Wrong, log, median
from peer_profile import profile
from peer_trade_desk import Receiver, bodies_are_right
from peer_works import WORKS

STARTS = 20


def chosen(args):
    names = [name for name in args.works.split(",") if name]
    unknown = set(names) - {work.name for work in WORKS} - {"control", "cores", "startup"}
    if unknown:
        raise Wrong(f"no such work: {', '.join(sorted(unknown))}")
    return lambda name: not names or name in names


def runs_index(bench, work):
    """False where this CPU lacks what the work forces."""
    if not work.env:
        return True
    (bench.folder / "look.cfg").write_text(work.job(bench.input(work.kind, 1).path, "x"))
    command = [bench.programs["towpath"], "check", "-q", bench.folder / "look.cfg"]
    return subprocess.run(command, env={**bench.env, **work.env}, capture_output=True, check=False).returncode == 0


def one_work(bench, args, work, peers):
    """All runs of a work: towpath's own with each peer, and alone where there is no peer."""
    result = {"name": work.name, "title": work.title, "bars": [asdict(bar) for bar in work.bars], "peers": {}}
    alone = []
    for name in (name for name in work.peers if peers.get(name)):
        source = bench.input(work.kind, args.bytes * work.peers[name], work.gzip)
        log(f"{work.title}: {name}, {source.plain / 1e6:.0f} MB")
        pairs = bench.turns(
            args.pairs,
            lambda source=source: bench.towpath(work, source),
            lambda source=source, name=name: bench.peer(name, work, source),
        )
        result["peers"][name] = {"bytes": source.plain, "rows": source.rows, "pairs": [[asdict(a), asdict(b)] for a, b in pairs]}
        alone += [asdict(a) for a, _ in pairs] if work.peers[name] == 1 else []
    source = bench.input(work.kind, args.bytes, work.gzip)
    if not alone:
        log(f"{work.title}: towpath, {source.plain / 1e6:.0f} MB")
        alone = [asdict(run) for run in by_itself(bench, args, work, source)]
    return result | {"bytes": source.plain, "rows": source.rows, "runs": alone}


def by_itself(bench, args, work, source):
    if work.does != "ttd":
        return [bench.towpath(work, source) for _ in range(args.pairs)]
    bodies_are_right(bench, work)
    with Receiver(bench) as receiver:
        runs = [bench.towpath(work, source, sink=receiver.sink) for _ in range(args.pairs)]
    receiver.check(source, args.pairs)
    return runs


def profiles(bench, args, wants):
    """Shares of stages by work, where perf is there and may look."""
    found = {}
    for work in (work for work in WORKS if wants(work.name) and not work.env):
        source = bench.input(work.kind, args.bytes, work.gzip)
        if work.does == "ttd":
            with Receiver(bench) as receiver:
                shares = profile(bench, work, source, receiver.sink)
        else:
            shares = profile(bench, work, source)
        if shares is None:
            log("no profile: perf is not there, or may not look")
            break
        found[work.title] = shares
    return found


def control(bench, args):
    """The same against itself, in turn: what the machine adds."""
    work = next(work for work in WORKS if work.name == "typed-narrow")
    source = bench.input(work.kind, args.bytes)
    log("control: towpath beside itself")
    pairs = bench.turns(args.pairs, lambda: bench.towpath(work, source), lambda: bench.towpath(work, source))
    return [[asdict(a), asdict(b)] for a, b in pairs]


def two_cores(bench, args):
    """By the clock, one core and two in turn."""
    work = next(work for work in WORKS if work.name == "gz-narrow")
    source = bench.input(work.kind, args.bytes)
    log("two cores beside one")
    both = ",".join(bench.cores[:2])
    pairs = bench.turns(args.pairs, lambda: bench.towpath(work, source), lambda: bench.towpath(work, source, cores=both))
    return {"bytes": source.plain, "pairs": [[asdict(a), asdict(b)] for a, b in pairs]}


def startup(bench, peers):
    work = next(work for work in WORKS if work.name == "ndjson-narrow")
    source = bench.input(work.kind, 1)
    log("start-up")
    bench.towpath(work, source)
    took = {
        "towpath version": [bench.run([bench.programs["towpath"], "version"])[0] for _ in range(STARTS)],
        "towpath run, 100 rows": [bench.towpath(work, source) for _ in range(STARTS)],
    }
    for name in [name for name, version in peers.items() if version]:
        command = [bench.python, "-c", "import csv" if name == "python" else f"import {name}"]
        command = {"miller": ["mlr", "--version"], "sling": [bench.programs["sling"], "--version"]}.get(name, command)
        took[f"{name}, begun and ended"] = [bench.run(command)[0] for _ in range(5)]
    return {name: {"wall": median(runs, "wall"), "rss": median(runs, "rss")} for name, runs in took.items()}


def memory(bench, long):
    """Resident MiB of 10 MB and of a long file, file to file."""
    found = {}
    for work in (work for work in WORKS if work.name in ("ndjson-narrow", "gz-narrow")):
        for size in (10_000_000, long):
            log(f"memory of {work.title}, {size / 1e6:.0f} MB")
            source = bench.input(work.kind, size)
            runs = [bench.towpath(work, source) for _ in range(3 if size < long else 1)]
            found.setdefault(work.title, []).append([source.plain, median(runs, "rss")])
    return found


def machine(bench):
    fields = {}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    flags = fields.get("flags", "").split()
    vectors = [name for name, flag in (("AVX2", "avx2"), ("AVX-512", "avx512_vbmi2")) if flag in flags]
    version = subprocess.run([bench.programs["towpath"], "version"], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )[0]
    return {
        "cpu": f"{fields.get('model name', platform.machine())}, family {fields.get('cpu family', '?')} model {fields.get('model', '?')}"
        f"{', with ' + ' and '.join(vectors) if vectors else ''}",
        "cores": os.cpu_count(),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "kernel": ".".join(platform.release().split(".")[:2]),
        "compiler": os.environ.get("BENCH_COMPILER", "unknown"),
        "towpath": version,
    }


def suite(bench, args, peers):
    wants = chosen(args)
    results = {"machine": machine(bench), "peers": peers, "size": args.bytes, "pairs": args.pairs, "works": []}
    results["load"] = os.getloadavg()[0]
    for work in (work for work in WORKS if wants(work.name) and runs_index(bench, work)):
        results["works"].append(one_work(bench, args, work, peers))
        results["load"] = max(results["load"], os.getloadavg()[0])
    if wants("control"):
        results["control"] = control(bench, args)
    if wants("cores") and len(bench.cores) > 1:
        results["cores"] = two_cores(bench, args)
    if wants("startup"):
        results["startup"] = startup(bench, peers)
    if args.profile:
        log("profiles")
        results["profiles"] = profiles(bench, args, wants)
    if args.long:
        results["memory"] = memory(bench, args.long)
    return results
