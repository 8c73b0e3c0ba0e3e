"""A daemon over a folder of job files, as its service manager and its users see it."""

import json
import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

PATIENCE = 40


class Daemon:
    """`towpath daemon -C jobs`, started with a notify socket and HTTP on a free port."""

    def __init__(self, tow, name="daemon"):
        self.tow = tow
        self.folder = tow.folder / "jobs"
        self.folder.mkdir(exist_ok=True)
        self.log = tow.folder / f"{name}.log"
        self.process = None
        self.base = None
        self.heard = []
        path = str(tow.folder / f"{name}.notify")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(path)
        self.path = path
        # A crash is to be one under the address sanitizer, too.
        tow.env["ASAN_OPTIONS"] = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "handle_segv=0"]))

    def job(self, name, schedule="", source="", sink="", more="", file=None):
        """jobs/NAME.cfg: from in.csv to NAME.ndjson, both beside the folder."""
        source = source or 'plugin = "csv"; path = "../in.csv";'
        sink = sink or f'plugin = "file"; path = "../{name}.ndjson";'
        schedule = f"  schedule = {{ {schedule} }};\n" if schedule else ""
        return self.tow.job(name, source, sink, schedule + more, file=f"jobs/{file or name}.cfg")

    def start(self, *options, ready=True, preexec=None):
        listen = () if "--listen" in options or "--no-listen" in options else ("--listen", "127.0.0.1:0")
        self.seen = self.log.stat().st_size if self.log.exists() else 0
        self.tow.env["NOTIFY_SOCKET"] = self.path
        with open(self.log, "ab") as log:
            self.process = self.tow.start(
                "daemon", "-C", "jobs", *listen, *options, stdin=None, stdout=log, stderr=log, preexec_fn=preexec
            )
        if ready:
            self.hear("READY=1")
        found = re.findall(r"listening on (\S+)", self.said())
        self.base = f"http://{found[-1]}" if found else None
        return self

    def said(self):
        """What was logged since the last start."""
        return self.log.read_bytes()[self.seen :].decode(errors="replace")

    def hear(self, wanted):
        """Waits until the service manager hears this; all that it heard before."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in self.heard:
            self.notify.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                self.heard += self.notify.recv(4096).decode().split("\n")
            except TimeoutError:
                raise AssertionError((wanted, self.heard, self.said())) from None
        before = self.heard[: self.heard.index(wanted)]
        del self.heard[: self.heard.index(wanted) + 1]
        return before

    def wait_for(self, condition, what=""):
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < deadline, (what, self.said()[-4000:])
            assert self.process.poll() is None or "ended" in what, self.said()[-4000:]
            time.sleep(0.01)
        return found

    def wait_said(self, text):
        self.wait_for(lambda: text in self.said(), text)

    def runs(self, job=None):
        """Oldest first."""
        args = [job] if job else []
        return self.tow.json("runs", *args, "--last", "0")[::-1]

    def ended(self, job=None, count=1, **members):
        """Waits for runs that ended and have these members."""

        def found():
            runs = [
                run
                for run in self.runs(job)
                if run["status"] != "running" and all(run[name] == value for name, value in members.items())
            ]
            return runs if len(runs) >= count else None

        return self.wait_for(found, f"{count} runs of {job} with {members}")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)
        self.hear("READY=1")

    def stop(self, code=0, how=signal.SIGTERM):
        self.process.send_signal(how)
        assert self.process.wait(PATIENCE) == code, self.said()[-4000:]

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def request(self, path, method="GET", headers=None, body=None):
        """(status, headers, text)"""
        request = urllib.request.Request(self.base + path, method=method, headers=headers or {}, data=body)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read().decode()

    def get(self, path):
        status, _, text = self.request(path)
        assert status == 200, (status, text)
        return json.loads(text)

    def job_state(self, name):
        return next(job for job in self.get("/api/jobs")["jobs"] if job["job"] == name)

    def environment(self, pid):
        """What a process was started with; of runs, which hide their memory, only root gets to know."""
        try:
            return Path(f"/proc/{pid}/environ").read_bytes()
        except PermissionError:
            pytest.skip("the environment of a run is for root to see")

    def children(self):
        """Processes whose parent is the daemon."""
        pids = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    text = open(f"/proc/{entry}/stat").read()
                except OSError:
                    continue
                if int(text.rsplit(")", 1)[1].split()[1]) == self.process.pid:
                    pids.append(int(entry))
        return pids


@pytest.fixture
def daemon(tow):
    tow.write("in.csv", "id,name\n1,Ann\n2,Bob\n")
    made = Daemon(tow)
    yield made
    # Runs lead process groups of their own; those whose daemon was killed go with their job.
    for pid in made.children() if made.process and made.process.poll() is None else []:
        os.kill(pid, signal.SIGKILL)
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                command = open(f"/proc/{name}/cmdline", "rb").read()
            except OSError:
                continue
            if str(tow.state).encode() in command:
                try:
                    os.kill(int(name), signal.SIGKILL)
                except ProcessLookupError:
                    pass
    made.notify.close()
