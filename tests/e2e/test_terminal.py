"""What the program does differently where it talks to a terminal."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios

import pytest


class Terminal:
    """A pseudo terminal; `theirs` is the program's end."""

    def __init__(self, columns=80):
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.seen = b""

    def close_theirs(self):
        os.close(self.theirs)
        self.theirs = -1

    def read_until(self, text):
        """Reads until the text has come; without it, to the end."""
        while text is None or text not in self.seen:
            assert select.select([self.ours], [], [], 60)[0], self.seen
            try:
                more = os.read(self.ours, 4096)
            except OSError:  # the program's end is closed
                more = b""
            if not more:
                assert text is None, self.seen
                break
            self.seen += more
        return self.seen

    def close(self):
        os.close(self.ours)
        if self.theirs >= 0:
            self.close_theirs()


@pytest.fixture
def terminal():
    made = []

    def make(**kwargs):
        made.append(Terminal(**kwargs))
        return made[-1]

    yield make
    for each in made:
        each.close()


def live_lines(seen):
    """What stood in the live line, time after time."""
    parts = seen.replace(b"\r\n", b"\n").split(b"\r\x1b[K")[1:]
    return [part for part in parts if b" rows  " in part or b" rows" == part[-5:]]


def test_a_run_shows_a_live_line_that_is_wiped_at_the_end(tow, terminal):
    screen = terminal(columns=200)
    tow.job(source='plugin = "csv"; path = "-";')
    process = tow.start("run", "job.cfg", stderr=screen.theirs)
    screen.close_theirs()
    process.stdin.write(b"a\n" + b"1\n" * 1000)
    process.stdin.flush()
    screen.read_until(b"in flight")
    process.stdin.close()
    process.stdin = None
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    seen = screen.read_until(None)
    line = live_lines(seen)[0].decode()
    for part in (" rows  ", " rows/s  ", "B/s  ", "in flight ", "rejected 0", "00:0"):
        assert part in line
    assert seen.rstrip().rfind(b"\r\x1b[K") >= seen.rfind(b"in flight")
    assert b"accepted" in out


def test_the_live_line_fits_a_narrow_terminal(tow, terminal):
    screen = terminal(columns=30)
    tow.job(source='plugin = "csv"; path = "-";')
    process = tow.start("run", "job.cfg", stderr=screen.theirs)
    screen.close_theirs()
    process.stdin.write(b"a\n" + b"1\n" * 1000)
    process.stdin.flush()
    screen.read_until(b" rows  ")
    process.stdin.close()
    process.stdin = None
    process.communicate(timeout=60)
    lines = live_lines(screen.read_until(None))
    assert lines and all(len(line) <= 29 for line in lines)


@pytest.mark.parametrize("args", [["-q"], ["--log-format", "json"]])
def test_no_live_line_where_it_is_not_wanted(tow, terminal, args):
    screen = terminal()
    tow.write("in.csv", "a\n1\n")
    tow.job()
    process = tow.start("run", "job.cfg", *args, stderr=screen.theirs)
    screen.close_theirs()
    process.communicate(timeout=60)
    assert b"\x1b" not in screen.read_until(None)


def error_on(tow, terminal, **env):
    screen = terminal()
    process = subprocess.Popen(
        [tow.program, "runs", "show", "7"],
        cwd=tow.folder,
        env={**tow.env, "TERM": "xterm", **env},
        stdin=subprocess.DEVNULL,
        stderr=screen.theirs,
    )
    tow.started.append(process)
    screen.close_theirs()
    assert process.wait(60) == 2
    return screen.read_until(None)


def test_levels_are_coloured_on_a_terminal(tow, terminal):
    assert b"\x1b[31merror\x1b[0m" in error_on(tow, terminal)


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_declined(tow, terminal, env):
    assert b"\x1b" not in error_on(tow, terminal, **env)


def test_a_failure_is_told_once_on_one_screen(tow, terminal):
    screen = terminal()
    tow.write("in.csv", "a\nx\n")
    tow.job(more='  columns = ( { name = "a"; from = "a"; type = "int8"; } ); rejects = { max = 0; };')
    process = tow.start("run", "job.cfg", stdout=screen.theirs, stderr=screen.theirs)
    screen.close_theirs()
    assert process.wait(60) == 5
    assert screen.read_until(None).count(b"rejects.max is 0") == 1


@pytest.mark.parametrize("answer, code, left", [(b"y\n", 0, False), (b"\n", 2, True), (b"\x04", 2, True)])
def test_a_reset_asks_first(people, terminal, answer, code, left):
    people.run("run", "job.cfg")
    screen = terminal()
    process = people.start("state", "reset", "job", stdin=screen.theirs, stderr=screen.theirs)
    screen.close_theirs()
    screen.read_until(b"[y/N]")
    os.write(screen.ours, answer)
    assert process.wait(60) == code
    assert (people.json("state", "show", "job")["checkpoint"] is not None) == left


# ---- top ---------------------------------------------------------------------------------------


def test_top_is_renewed_until_it_is_stopped(tow, terminal):
    screen = terminal(columns=40)
    tow.job("a_job_with_a_long_name", source='plugin = "csv"; path = "-";')
    run = tow.start("run", "a_job_with_a_long_name.cfg")
    top = tow.start("top", stdout=screen.theirs)
    screen.close_theirs()
    screen.read_until(b"1 running")
    screen.read_until(b"a_job_with_a_long_name")
    run.stdin.write(b"a\n1\n")
    tow.finish(run, 0)
    screen.read_until(b"0 running")
    top.send_signal(signal.SIGINT)
    assert top.wait(60) == -signal.SIGINT
    shots = screen.read_until(None).replace(b"\r\n", b"\n").split(b"\x1b[H\x1b[J")[1:]
    assert len(shots) > 1
    assert max(len(line) for shot in shots for line in shot.split(b"\n")) <= 39
