"""The built program, driven from outside, each test in a folder and with a state of its own.

TOWPATH names the program, TOWPATH_PLUGIN_PATH the folders with the plugins under test. Every process that a
test starts has a time limit, and is gone when the test ends.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

TIMEOUT = 60

# A shell that is not interactive ignores it for what it runs behind itself, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Towpath:
    """The program, with a working folder and a state of its own."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.state = folder / "state" / "state.db"
        self.env = dict(os.environ, HOME=str(folder), TOWPATH_STATE=str(self.state), LC_ALL="C.UTF-8")
        self.env.pop("NO_COLOR", None)
        self.started = []

    def run(self, *args, code=0, stdin="", stdout=subprocess.PIPE, env=None):
        """Runs a command to its end; the exit code must be `code` (None: any)."""
        done = subprocess.run(
            [self.program, *map(str, args)],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            input=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, (args, done.stdout, done.stderr)
        return done

    def json(self, *args, code=0):
        """A command's --json output, which must be one JSON document."""
        return json.loads(self.run(*args, "--json", code=code).stdout)

    def start(self, *args, env=None, **kwargs):
        """Starts a command and leaves it running; the fixture ends what is left of it."""
        kwargs.setdefault("stdin", subprocess.PIPE)
        kwargs.setdefault("stdout", subprocess.PIPE)
        kwargs.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [self.program, *map(str, args)], cwd=self.folder, env={**self.env, **(env or {})}, **kwargs
        )
        self.started.append(process)
        return process

    def finish(self, process, code):
        """Waits for a started command: its output, its messages."""
        out, err = process.communicate(timeout=TIMEOUT)
        assert process.returncode == code, (out, err)
        return (out or b"").decode(), (err or b"").decode()

    def finish_open(self, process, code):
        """The same, with the command's input held open until it has ended."""
        process.wait(TIMEOUT)
        return self.finish(process, code)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def job(self, name="job", source="", sink="", more="", file=None):
        """Writes NAME.cfg: from in.csv to out.ndjson, unless told otherwise."""
        source = source or 'plugin = "csv"; path = "in.csv";'
        sink = sink or 'plugin = "file"; path = "out.ndjson";'
        text = (
            f'version = 1;\njob = {{\n  name = "{name}";\n  source = {{ {source} }};\n'
            f"  sink = {{ {sink} }};\n{more}\n}};\n"
        )
        return self.write(file or f"{name}.cfg", text)

    def rows(self, name="out.ndjson"):
        text = (self.folder / name).read_text()  # which may hold what splitlines takes for line ends
        return [json.loads(line) for line in text.split("\n") if line]


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("TOWPATH")
    if not path or not Path(path).exists():
        pytest.fail("TOWPATH must name the built program")
    return path


@pytest.fixture
def tow(program, tmp_path):
    towpath = Towpath(program, tmp_path)
    yield towpath
    for process in towpath.started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(TIMEOUT)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()
