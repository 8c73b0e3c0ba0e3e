"""The torture campaign: one call after the other fails, and each time the run must end as it is documented, leave a
consistent state, and the next run must bring each row to where it belongs.

hook.c makes the calls fail. A Fault says which calls, and how; Torture takes a path (path.py) through all of its
numbers. What it finds are sentences, so that one look tells where to begin; the same finding at the same place in the
program is told once.
"""

import errno
import os
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

FAMILIES = (
    "memory own write read sync name open look size lock map socket connect send receive thread event wait lookup"
).split()
DEADLINE = 120
# Ends of runs whose far end or machine is at fault; memory that runs out is the program's own affair.
SYSTEM = (0, 3, 6)
MEMORY = (0, 1)
# The C library ends the process itself where a thread has no memory for its own variables.
LIBRARY_CRASHES = "libconfig"  # where it has no memory; core/config makes sure that it has
LIBRARY_ENDS = "cannot allocate memory for thread-local data: ABORT"


# Other words for some of them.
ALSO_TOLD = {
    errno.ENOSPC: ["no room left"],
    errno.EIO: ["disk I/O error"],
    errno.EACCES: ["readonly database", "cannot be written", "unable to open database file"],
    errno.EMFILE: ["unable to open database file", "cannot be written"],
    errno.EPIPE: ["closed the connection"],
    errno.ECONNRESET: ["closed the connection"],
    errno.ENOLCK: ["has kept it locked"],
}


@dataclass(frozen=True)
class Fault:
    """Calls of one family that fail. `harmless`: callers must go on as if nothing had been."""

    family: str
    error: int = errno.EIO
    on: bool = False  # all from the Nth on, not it alone
    short: bool = False  # the Nth moves one byte, and does not fail

    @property
    def name(self):
        how = "short" if self.short else errno.errorcode[self.error]
        return f"{self.family}-{how}{'-on' if self.on else ''}"

    @property
    def harmless(self):
        return self.short or self.error == errno.EINTR

    @property
    def codes(self):
        if self.harmless:
            return (0,)
        return MEMORY if self.family in ("memory", "own") else SYSTEM

    def is_ambiguous(self, text):
        """Whether it is told with another cause that a library does not tell it from: pthread_create of any want of
        means, libcurl of header lines that are too long."""
        causes = rf"start.* thread.*{os.strerror(errno.EAGAIN)}|header line .*, or memory ran out"
        return self.family == "memory" and re.search(causes, text) is not None

    def is_told(self, text):
        """Whether a message says what failed."""
        if self.family in ("memory", "own"):
            return "memory" in text or self.is_ambiguous(text)
        return os.strerror(self.error) in text or any(word in text for word in ALSO_TOLD.get(self.error, []))

    def setting(self, nth, plugins):
        return (
            f"family={self.family},nth={nth},error={self.error},on={self.on:d},short={self.short:d},"
            f"program=towpath,plugins={plugins}"
        )


LOCAL_FAULTS = [
    Fault("own", errno.ENOMEM),
    Fault("own", errno.ENOMEM, on=True),
    Fault("memory", errno.ENOMEM),
    Fault("memory", errno.ENOMEM, on=True),
    Fault("write", errno.ENOSPC),
    Fault("write", errno.EIO, on=True),
    Fault("write", errno.EINTR),
    Fault("write", short=True),
    Fault("write", short=True, on=True),
    Fault("read", errno.EIO),
    Fault("read", errno.EIO, on=True),
    Fault("read", errno.EINTR),
    Fault("read", short=True),
    Fault("read", short=True, on=True),
    Fault("sync", errno.EIO),
    Fault("sync", errno.EIO, on=True),
    Fault("name", errno.EACCES),
    Fault("name", errno.EIO, on=True),
    Fault("open", errno.EMFILE),
    Fault("open", errno.EMFILE, on=True),
    Fault("open", errno.EACCES),
    Fault("look", errno.EACCES),
    Fault("look", errno.EIO, on=True),
    Fault("size", errno.ENOSPC),
    Fault("lock", errno.ENOLCK),
    Fault("map", errno.ENOMEM),
    Fault("thread", errno.EAGAIN),
    Fault("thread", errno.EAGAIN, on=True),
    Fault("event", errno.EMFILE),
    Fault("event", errno.EMFILE, on=True),
    Fault("wait", errno.EINTR),
]

FAR_FAULTS = [
    Fault("own", errno.ENOMEM),
    Fault("memory", errno.ENOMEM),
    Fault("connect", errno.ECONNREFUSED),
    Fault("connect", errno.ENETUNREACH, on=True),
    Fault("socket", errno.EMFILE),
    Fault("socket", errno.EMFILE, on=True),
    Fault("send", errno.ECONNRESET),
    Fault("send", errno.EPIPE, on=True),
    Fault("send", errno.EINTR),
    Fault("send", short=True, on=True),
    Fault("receive", errno.ECONNRESET),
    Fault("receive", errno.ECONNRESET, on=True),
    Fault("receive", errno.EINTR),
    Fault("receive", short=True, on=True),
    Fault("lookup"),
    Fault("lookup", on=True),
    Fault("open", errno.EMFILE),
    Fault("open", errno.EMFILE, on=True),
    Fault("read", errno.EIO),
    Fault("write", errno.ENOSPC),
    Fault("write", errno.ENOSPC, on=True),
    Fault("sync", errno.EIO),
    Fault("thread", errno.EAGAIN),
    Fault("thread", errno.EAGAIN, on=True),
    Fault("event", errno.EMFILE),
    Fault("event", errno.EMFILE, on=True),
    Fault("wait", errno.EINTR),
]


# The hook comes before the sanitizer, and knows that one.
SANITIZER = "verify_asan_link_order=0:exitcode=86:fast_unwind_on_malloc=0"
# What the dynamic linker holds is its own affair, which LeakSanitizer does not see behind the hook.
NO_LEAKS = "leak:dl_open_worker\nleak:ld-linux\n"
SANITIZED = 86
# LeakSanitizer attaches to the threads at the end, and fails by itself where one is just ending.
SANITIZER_FAILED = "LeakSanitizer has encountered a fatal error"


class Report:
    """What the hook has left: calls of each family, faults, and where the first one struck."""

    def __init__(self, path):
        data = path.read_bytes() if path.exists() else b""
        self.counts = dict.fromkeys(FAMILIES, 0)
        self.faults, self.where = 0, []
        if data:
            *counts, self.faults = struct.unpack_from(f"<{len(FAMILIES) + 1}Q", data)
            self.counts = dict(zip(FAMILIES, counts))
            self.where = data[8 * (len(FAMILIES) + 1) :].split(b"\0")[0].decode().splitlines()

    def struck(self, library):
        """Whether it is this library's own call that failed."""
        callers = [frame for frame in self.where[1:] if "hook" not in frame and "libc.so" not in frame]
        return bool(callers) and library in callers[0]

    def place(self, program):
        """The call that failed and the functions of the program that it came from."""
        frames = []
        for frame in self.where[1:]:
            name, _, offset = frame.rpartition("+")
            name = program if name == "-" else name
            if "/lib/" not in name and "hook" not in Path(name).name:
                frames.append((name, offset))
        return " < ".join([*self.where[:1], *map(symbol, frames[:7])])


SYMBOLS = {}


def symbol(frame):
    """function (file:line), where the debugging information is there."""
    if frame not in SYMBOLS and shutil.which("addr2line"):
        told = subprocess.run(["addr2line", "-fspe", *frame], stdout=subprocess.PIPE, text=True, check=False).stdout
        SYMBOLS[frame] = told.strip().replace(" at ", " ")
    return SYMBOLS.get(frame, f"{Path(frame[0]).name}+{frame[1]}")


def hook_library():
    return Path(os.environ["TOWPATH_BUILD"]) / "tests" / "long" / ".libs" / "hook.so"


@dataclass
class Ended:
    """A command that was run to its end; code is None where it had none by its deadline."""

    code: int
    text: str
    report: Report


class Torture:
    """Takes commands through faults. `findings` has each kind of finding at each place: how often, and the first."""

    def __init__(self, tow):
        self.tow = tow
        self.plugins = os.environ["TOWPATH_PLUGIN_PATH"].split(":")[0]
        self.report = Path(tempfile.mkdtemp(prefix="towpath-hook-")) / "report"
        self.no_leaks = self.report.with_name("no_leaks")
        self.no_leaks.write_text(NO_LEAKS)
        self.findings, self.firsts = Counter(), {}
        self.runs = self.faults = self.hangs = 0
        self.longest = 0.0

    def close(self):
        shutil.rmtree(self.report.parent)

    def find(self, what, ended, fault, nth, more=""):
        key = (fault.name, what, ended.report.place(self.tow.program))
        self.findings[key] += 1
        if key not in self.firsts:
            self.firsts[key] = (nth, ended.code, more or ended.text)
            print(self._told(key), flush=True)

    def told(self):
        """All findings as text."""
        return "\n".join(map(self._told, sorted(self.findings)))

    def _told(self, key):
        fault, what, place = key
        nth, code, text = self.firsts[key]
        times = f"{self.findings[key]} times, first at {nth} (exit {code})"
        return f"{fault}: {what}: {times}\n    {place}\n    {text.strip()[-900:] if code != SANITIZED else text[:3000]}"

    def call(self, args, setting, env=None):
        """A command with the hook: how it ended. Where LeakSanitizer fails again and again, leaks are not looked for."""
        for leaks in (1, 1, 1, 1, 0):
            ended = self._call(args, setting, env, leaks)
            if SANITIZER_FAILED not in ended.text:
                break
        return ended

    def _call(self, args, setting, env, leaks):
        self.report.unlink(missing_ok=True)
        env = {**self.tow.env, **(env or {}), "TOWPATH_HOOK": setting, "TOWPATH_HOOK_REPORT": str(self.report)}
        env["LD_PRELOAD"] = str(hook_library())
        if "address" in os.environ.get("SANITIZERS", ""):
            env["ASAN_OPTIONS"] = f"{SANITIZER}:detect_leaks={leaks}"
            env["LSAN_OPTIONS"] = f"suppressions={self.no_leaks}:print_suppressions=0"
        started = time.monotonic()
        with tempfile.TemporaryFile("w+", errors="replace") as out:
            process = subprocess.Popen(
                [self.tow.program, *args], cwd=self.tow.folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
            try:
                code = process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)
                process.wait(DEADLINE)
                code = None
            out.seek(0)
            text = out.read()
        seconds = time.monotonic() - started
        self.longest = max(self.longest, seconds)
        self.runs += 1
        return Ended(code, text, Report(self.report))

    def count(self, args, env=None):
        """How many calls of each family there are where nothing fails."""
        ended = self.call(args, f"program=towpath,plugins={self.plugins}", env)
        assert ended.code == 0, (args, ended.code, ended.text)
        assert ended.report.counts["own"] > 0, "the hook does not count"
        return ended.report.counts

    def strike(self, args, fault, nth, env=None, also=()):
        """The command with one fault, and what its end alone has to say. `also`: further exit codes that are right."""
        ended = self.call(args, fault.setting(nth, self.plugins), env)
        self.faults += ended.report.faults
        if (ended.code == 127 and LIBRARY_ENDS in ended.text) or ended.report.struck(LIBRARY_CRASHES):
            return ended
        if ended.code is None:
            self.hangs += 1
            self.find("does not end", ended, fault, nth)
        elif ended.code < 0:
            self.find(f"ends by {signal.Signals(-ended.code).name}", ended, fault, nth)
        elif ended.report.faults == 0 and ended.code != 0:
            self.find("fails without a fault", ended, fault, nth)
        elif ended.code == SANITIZED:
            self.find("leaks, or worse", ended, fault, nth)
        elif ended.code not in (*fault.codes, *also, *(SYSTEM if fault.is_ambiguous(ended.text) else ())):
            self.find(f"ends with {ended.code}", ended, fault, nth)
        elif ended.code != 0 and not fault.is_told(ended.text):
            self.find("does not say why", ended, fault, nth)
        return ended

    def rerun(self, path, ended, fault, nth):
        """The next run, which must succeed; True where it did."""
        try:
            path.finish()
        except (AssertionError, subprocess.TimeoutExpired) as failed:
            self.find("the next run fails", ended, fault, nth, str(failed))
            return False
        return True

    def look_at_state(self, ended, fault, nth):
        """What the state says of itself."""
        if not self.tow.state.exists() or self.tow.state.stat().st_size == 0:
            return
        with closing(sqlite3.connect(self.tow.state)) as state:
            (verdict,) = state.execute("PRAGMA integrity_check").fetchone()
            if verdict != "ok":
                self.find(f"the state is damaged: {verdict}", ended, fault, nth)
            if not state.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
                return
            query = "SELECT id, status, read - accepted - rejected - filtered - pending FROM runs"
            for run, status, surplus in state.execute(query).fetchall():
                if surplus != 0:
                    self.find("a run does not balance", ended, fault, nth, f"run {run}: {surplus}")
                if status == "running" and ended.code == 0:
                    self.find("a run is left running", ended, fault, nth, f"run {run}")
