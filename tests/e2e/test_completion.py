"""`towpath completion`: scripts that shells take, with every command and option in them."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest
from conftest import COMMANDS


def options(tow, command):
    text = tow.run(*command.split(), "--help").stdout
    return set(re.findall(r"^ +(?:-\w, +)?--([a-z-]+)", text, re.M))


@pytest.mark.parametrize("shell, form", [("bash", "--{}"), ("zsh", "--{}"), ("fish", "-l {}")])
def test_every_command_and_option_is_completed(tow, shell, form):
    script = tow.run("completion", shell).stdout
    for command in COMMANDS:
        for word in command.split():
            assert re.search(rf"\b{word}\b", script)
        for option in options(tow, command):
            assert re.search(re.escape(form.format(option)) + r"\b", script), (command, option)


def complete(tow, line):
    """What bash offers behind this line, whose last word is the one to complete."""
    tow.write("towpath.bash", tow.run("completion", "bash").stdout)
    words = line.split(" ")
    code = f"""
        . ./towpath.bash
        compopt() {{ :; }}
        COMP_WORDS=({' '.join("'" + word + "'" for word in words)}) COMP_CWORD={len(words) - 1}
        _towpath
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-uc", code], cwd=tow.folder, env=tow.env, capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout.split()


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
@pytest.mark.parametrize(
    "line, offers",
    [
        ("towpath pl", ["plan", "plugins"]),
        ("towpath plugins s", ["show"]),
        ("towpath --log-level d", ["debug"]),
        ("towpath --state x.db state re", ["reset"]),
        ("towpath run --acc", ["--accept-schema-change"]),
        ("towpath run jo", ["job.cfg"]),
        ("towpath daemon -C . --max", ["--max-runs"]),
        ("towpath runs --js", ["--json"]),
    ],
)
def test_bash_completes(tow, line, offers):
    tow.write("job.cfg", "")
    assert sorted(complete(tow, line)) == offers


@pytest.fixture
def ran(people):
    """Where a job has run twice."""
    for _ in range(2):
        people.run("run", "job.cfg", "--quiet", code=None)
    program = os.path.dirname(os.path.abspath(people.program))
    people.env["PATH"] = f"{program}:{people.env['PATH']}"
    return people


def bash(tow, line):
    return complete(tow, line)


def fish(tow, line):
    tow.write("towpath.fish", tow.run("completion", "fish").stdout)
    code = f"source towpath.fish; complete -C '{line}'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", code], cwd=tow.folder, env=tow.env, capture_output=True, text=True, timeout=30, check=True
    )
    return [offer.split("\t")[0] for offer in done.stdout.splitlines()]


SHELLS = [pytest.param(f, marks=pytest.mark.skipif(not shutil.which(f.__name__), reason=f"no {f.__name__}")) for f in (bash, fish)]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "line, offers",
    [
        ("towpath plugins show cs", {"csv"}),
        ("towpath init cs", {"csv"}),
        ("towpath init csv nul", {"null"}),
        ("towpath rejects ", {"1", "2"}),
        ("towpath replay ", {"1", "2"}),
        ("towpath runs show ", {"1", "2"}),
        ("towpath runs ", {"job", "show"}),
        ("towpath state reset ", {"job"}),
        ("towpath completion z", {"zsh"}),
        ("towpath check jo", {"job.cfg"}),
        ("towpath version j", set()),
    ],
)
def test_words_that_only_towpath_knows_are_offered(ran, shell, line, offers):
    assert set(shell(ran, line)) == offers


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh")
@pytest.mark.parametrize(
    "line, whole",
    [
        ("towpath runs --js", "towpath runs --json"),
        ("towpath plugins sh", "towpath plugins show"),
        ("towpath plugins show cs", "towpath plugins show csv"),
        ("towpath --log-level=d", "towpath --log-level=debug"),
        ("towpath state reset j", "towpath state reset job"),
        ("towpath run jo", "towpath run job.cfg"),
        ("towpath run job.cfg --acc", "towpath run job.cfg --accept-schema-change"),
        ("towpath runs sh", "towpath runs show"),
    ],
)
def test_zsh_completes(ran, line, whole):
    """On a terminal: what is typed, a tab, and the line with "echo" before it."""
    ran.write("_towpath", ran.run("completion", "zsh").stdout)
    begin = "PS1=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -D -u; echo re''ady"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ran.folder)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**ran.env, "TERM": "dumb"})
    try:
        seen = talk(terminal, f"{begin}\n", "ready\r\n")
        seen += talk(terminal, f"{line}\t\x01echo '<' \x05 '>'\n", " >\r\n")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)
    assert re.search(rf"< {re.escape(whole)} ?>", seen.replace("\r\n", " ")), seen


def talk(terminal, typed, until):
    os.write(terminal, typed.encode())
    seen, end = "", time.monotonic() + 20
    while until not in seen:
        assert select.select([terminal], [], [], max(0, end - time.monotonic()))[0], seen
        seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_the_script(tow, shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    tow.write("script", tow.run("completion", shell).stdout)
    subprocess.run([shell, "-n", "script"], cwd=tow.folder, timeout=30, check=True)


def test_another_shell_is_refused(tow):
    assert "none of bash, zsh and fish" in tow.run("completion", "tcsh", code=2).stderr
