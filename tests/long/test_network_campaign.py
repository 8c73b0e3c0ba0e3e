"""Every network fault on every path: the run goes on, or ends in time with a code and a message that say what
happened; once the fault is gone, the next run completes; each row arrives; memory is bounded; a stop is heeded.

    TOWPATH_NETWORK_SAMPLE      trials by chance, instead of all
    TOWPATH_NETWORK_POSITIONS   exchanges of a run that each fault meets (3)
    TOWPATH_LONG_SEED           for other chances than the usual ones
    TOWPATH_LONG_RESULTS        a file that gets a line of JSON for each path and fault
"""

import json
import os
import random
import re
import signal
import subprocess
import time
import zlib
from collections import Counter
from dataclasses import replace

import pytest
from network_paths import FRAME_PLACES, HTTP_PLACES, PLACES, RAW_PLACES, drain, hurry
from proxy import DAMAGE, ENDLESS, FLOODS, Fault, Proxy

SAMPLE = int(os.environ.get("TOWPATH_NETWORK_SAMPLE", "0"))
SEED = int(os.environ.get("TOWPATH_LONG_SEED", "20260901"))
RESULTS = os.environ.get("TOWPATH_LONG_RESULTS")
ROWS = 300
POSITIONS = int(os.environ.get("TOWPATH_NETWORK_POSITIONS", "3"))  # of a fault among the exchanges of a run
DEADLINE = 60  # seconds for a run, whatever it meets: twelve polls of a statement, a second each, and its pauses
STOP = 2.5  # seconds from SIGTERM to the end, half of one of them the drain
MEMORY = 192 << 10  # KiB resident; an answer of 64 MiB, the most that is taken, is held twice while it grows
CODES = (0, 3, 6)  # done, or environment, or partial: the manual's
STOPPED = (*CODES, 143, -9, -15)  # -9: by the test, as it did not come so far; -15: just as it began or ended
REFUSED = (*CODES, 2)  # of a request that came damaged, the server says that it is none
SILENT = ("longer", "shorter", "truncate", "twice", "damage", "endless")  # what is wrong may be the content alone


def _at(do, *places, **more):
    return [Fault(do, way, part, at, **more) for way, part, at in places]


REQUEST = [("up", "head", 0), ("up", "head", 25), ("up", "body", 0.5)]
ANSWER = [("down", "head", 0), ("down", "head", 30), ("down", "body", 0), ("down", "body", 0.5), ("down", "body", 0.99)]

LATE = ("drip", "rate", "delay")  # an upload that was given up may arrive when its file has been removed

HTTP_FAULTS = {
    "refused": [Fault("refuse")],
    "never answered": [Fault("mute", part="connect")],
    "cut in the request": _at("cut", *REQUEST),
    "cut in the answer": _at("cut", *ANSWER),
    "reset in the request": _at("reset", *REQUEST),
    "reset in the answer": _at("reset", *ANSWER),
    "half-open in the request": _at("swallow", *REQUEST),
    "half-open in the answer": _at("swallow", *ANSWER),
    "closed when idle": [Fault("close", part="end"), Fault("reset", part="end")],
    "request drips": [Fault("drip", "up", "head", ms=30), Fault("drip", "up", "body", ms=30)],
    "answer drips": [Fault("drip", "down", "head", ms=30), Fault("drip", "down", "body", ms=30)],
    "slow line": [Fault("rate", way, "body", rate=20000, times=0) for way in ("up", "down")],
    "delays": [Fault("delay", way, "head", ms=30, times=0) for way in ("up", "down")],
    "longer than it is": [Fault("longer", way) for way in ("up", "down")],
    "shorter than it is": [Fault("shorter", way) for way in ("up", "down")],
    "short, and looks whole": [Fault("truncate", "up", at=0.5), Fault("truncate", at=0.5), Fault("truncate", bytes=1)],
    "garbage before the answer": [Fault("garbage", part="head"), Fault("garbage", part="head", bytes=70000)],
    "garbage behind the answer": [Fault("garbage", part="end"), Fault("garbage", part="end", bytes=70000)],
    "the answer twice": [Fault("twice")],
    "cut from then on": [Fault("cut", "down", "body", 0.5, times=0)],
    "reset from then on": [Fault("reset", "up", "head", 10, times=0)],
    "half-open from then on": [Fault("swallow", "down", "head", times=0)],
    **{f"endless: {what}": [Fault("endless", part="head", what=what)] for what in ENDLESS},
}
FRAME_FAULTS = {
    **{f"damaged: {what}": [Fault("damage", way, "bytes", at, what=what) for way in ("up", "down") for at in (0, 1, 2, 4, 6)] for what in DAMAGE},
    **{f"endless: {what}": [Fault("endless", "down", "bytes", at, what=what, times=0) for at in (1, 3)] for what in FLOODS},
}
ENDS = [0, 10, 100, 700, 1500, 4000]
RAW_FAULTS = {
    "refused": [Fault("refuse")],
    "never answered": [Fault("mute", part="connect")],
    **{
        f"{word} in what is {said}": [Fault(do, way, "bytes", at) for at in ENDS]
        for do, word in (("cut", "cut"), ("reset", "reset"), ("swallow", "half-open"), ("drip", "drips"))
        for way, said in (("up", "sent"), ("down", "received"))
    },
    "slow line": [Fault("rate", way, "bytes", rate=20000, times=0) for way in ("up", "down")],
    "delays": [Fault("delay", way, "bytes", ms=20, times=0) for way in ("up", "down")],
    "garbage": [Fault("garbage", "down", "bytes", at) for at in (0, 50, 500)],
    "half-open from then on": [Fault("swallow", "down", "bytes", 600, times=0)],
}
TLS_FAULTS = {"damaged": [Fault("damage", way, "bytes", at) for way in ("up", "down") for at in (0, 3, 40, 400, 2000, 3500)]}
STALLS = {
    "never answered": Fault("mute", part="connect", times=0),
    "refused": Fault("refuse"),
    "half-open in the request": Fault("swallow", "up", "body", 0.5, times=0),
    "half-open before the answer": Fault("swallow", "down", "head", times=0),
    "half-open in the answer": Fault("swallow", "down", "body", 0.5, times=0),
    "answer drips": Fault("drip", "down", "head", ms=200, times=0),
    "endless: header lines": Fault("endless", part="head", what="header lines", times=0),
    "endless: interim answers": Fault("endless", part="head", what="interim answers", times=0),
    "endless: body": Fault("endless", part="head", what="body", times=0),
}


def faults_of(place):
    if place.kind == "frames":
        return FRAME_FAULTS
    if place.kind == "raw":
        return {**RAW_FAULTS, **(TLS_FAULTS if place.path.name == "csv-zerobus-tls" else {})}
    return HTTP_FAULTS


ALL = [(place.name, fault) for place in PLACES.values() for fault in faults_of(place)]
STOPS = [(place.name, stall) for place in HTTP_PLACES for stall in STALLS]


def chosen(cases, share):
    """In an order by chance, so that one that is broken off has seen something of everything."""
    count = max(1, int(SAMPLE * share)) if SAMPLE else len(cases)
    return random.Random(SEED).sample(cases, min(len(cases), count))


class Run:
    """A run and what it came to."""

    def __init__(self, tow):
        self.began = time.monotonic()
        self.process = tow.start("run", "job.cfg", stdin=subprocess.DEVNULL)
        self.peak = 0
        self.said = ""

    def wait(self, seconds):
        """Whether it ended in time. Its memory is looked at now and then."""
        until = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < until:
            self.look()
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                pass
        in_time = self.process.poll() is not None
        if not in_time:
            self.process.kill()
        self.said = self.process.communicate(timeout=60)[1].decode(errors="replace")
        self.seconds = time.monotonic() - self.began
        return in_time

    def look(self):
        try:
            with open(f"/proc/{self.process.pid}/status") as status:
                found = re.search(r"VmHWM:\s+(\d+)", status.read())
        except (FileNotFoundError, ProcessLookupError):
            return
        self.peak = max(self.peak, int(found[1]) if found else 0)

    @property
    def message(self):
        errors = [line for line in self.said.splitlines() if "error" in line] or self.said.splitlines()
        return errors[-1] if errors else ""


class Stage:
    """A place with its proxy: what is tried there, and what came of it."""

    def __init__(self, place, tow, sandbox, fault):
        self.place, self.tow, self.sandbox, self.fault = place, tow, sandbox, fault
        self.seed = zlib.crc32(f"{SEED} {place.name} {fault}".encode())
        self.proxy = Proxy(place.url(sandbox), place.kind, self.seed)
        self.told = []
        self.codes, self.counts, self.longest, self.peak = Counter(), Counter(), 0, 0
        self.message = ""
        self.began = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proxy.close()
        if RESULTS:
            names = ("runs", "faults", "rows", "lost", "doubled", "unclear", "hangs")
            line = {"campaign": "network", "path": self.place.name, **{name: self.counts[name] for name in names}}
            line |= {"longest_s": round(self.longest, 2), "seconds": round(time.monotonic() - self.began, 1)}
            line |= {"note": "; ".join(self.told)[:1500]}
            line |= {"fault": self.fault, "codes": dict(self.codes), "peak_kib": self.peak, "message": self.message}
            with open(RESULTS, "a") as file:
                file.write(json.dumps(line) + "\n")

    def prepare(self, turn):
        url = {self.place.server: self.proxy.url}
        return self.place.path().prepare(self.tow, self.sandbox, ROWS, random.Random(self.seed + turn), via=url)

    def undisturbed(self):
        """How many exchanges there are; what happens to the first of them happens to all such places."""
        path = self.prepare(0)
        hurry(self.tow)
        self.proxy.mend()
        path.finish()
        return len(self.proxy.lines)

    def judge(self, path, run, in_time, spoiled, codes=CODES):
        wrong = []
        if spoiled.way == "up" and spoiled.do in SILENT:
            codes = REFUSED
        code = run.process.returncode
        self.counts["runs"] += 1
        self.counts["faults"] += self.proxy.hits
        self.counts["rows"] += ROWS
        self.longest, self.peak = max(self.longest, run.seconds), max(self.peak, run.peak)
        self.codes[code if in_time else "hang"] += 1
        self.counts["hangs"] += not in_time
        if not in_time:
            wrong.append(f"it did not end: {run.said[-1000:]}")
        elif code not in codes:
            wrong.append(f"exit {code}: {run.said[-1500:]}")
        elif code not in (0, 143, -9, -15) and "127.0.0.1" not in run.said and spoiled.do not in SILENT:
            wrong.append(f"exit {code} names no host: {run.said[-1500:]}")
        if code in (2, 3, 6):
            self.message = run.message
        if run.peak > MEMORY and not os.environ.get("SANITIZERS"):
            wrong.append(f"{run.peak} KiB resident")
        self.proxy.mend()
        path.settle()
        wrong += self.account(path, run, spoiled)
        self.told += [f"{spoiled}, exit {code} after {run.seconds:.1f} s: {line}" for line in wrong]

    def account(self, path, run, spoiled):
        try:
            path.finish()
            account = path.account()
        except (AssertionError, subprocess.TimeoutExpired) as error:
            self.counts["unclear"] += 1
            return [f"the next run: {str(error)[-1500:]}\nafter {run.said[-1500:]}"]
        if spoiled.way == "up" and spoiled.do in LATE:
            account.left_over = []
        for name in ("lost", "doubled"):
            self.counts[name] += getattr(account, name)
        self.counts["unclear"] += len(account.unclear)
        faults = account.faults(path.exact)
        return [f"{faults} after {run.said[-1500:]}"] if faults else []

    def verdict(self):
        assert not self.told, f"{len(self.told)} wrong\n" + "\n\n".join(self.told)


def positions(stage, faults, rng):
    """Each fault at some exchanges: one early, others anywhere. Connections have their position already."""
    if stage.place.kind != "http":
        return faults if not SAMPLE else [rng.choice(faults)]
    count = stage.undisturbed()
    found = []
    for number in range(1 if SAMPLE else POSITIONS):
        for fault in [rng.choice(faults)] if SAMPLE or number else faults:
            found.append(replace(fault, skip=rng.randrange(max(1, count if number else 3))))
    return found


@pytest.mark.parametrize("name, fault", chosen(ALL, 0.7))
def test_a_fault_passes_or_is_told_and_every_row_arrives(tow, sandbox, name, fault):
    place = PLACES[name]
    with Stage(place, tow, sandbox, fault) as stage:
        rng = random.Random(stage.seed)
        for turn, spoiled in enumerate(positions(stage, faults_of(place)[fault], rng)):
            path = stage.prepare(turn)
            hurry(tow)
            stage.proxy.spoil(spoiled)
            run = Run(tow)
            in_time = run.wait(DEADLINE)
            stage.judge(path, run, in_time, spoiled)
        stage.verdict()


@pytest.mark.parametrize("name, stall", chosen(STOPS, 0.3))
def test_a_stop_is_heeded_whatever_is_waited_for(tow, sandbox, name, stall):
    with Stage(PLACES[name], tow, sandbox, f"stopped: {stall}") as stage:
        rng = random.Random(stage.seed)
        for turn in range(1 if SAMPLE else 2):
            path = stage.prepare(turn)
            drain(tow, "500ms")
            spoiled = replace(STALLS[stall], skip=rng.randrange(3))
            stage.proxy.spoil(spoiled)
            run = Run(tow)
            if not stage.proxy.acted.wait(10):
                run.process.kill()  # it has come to its end without so many exchanges
            # For the program to get into whatever it waits in; nobody sees it turned away.
            time.sleep(rng.uniform(0, 0.2) + 0.4 * (spoiled.do == "refuse"))
            before = time.monotonic()
            run.process.send_signal(signal.SIGTERM)
            in_time = run.wait(STOP + 10)
            took = time.monotonic() - before
            if took > STOP:
                stage.told.append(f"{stall}: {took:.1f} s from SIGTERM to the end")
            stage.judge(path, run, in_time, spoiled, STOPPED)
            stage.longest = took
        stage.verdict()
