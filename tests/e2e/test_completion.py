"""`towpath completion`: scripts that shells take, with every command and option in them."""

import re
import shutil
import subprocess

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
        ["bash", "--norc", "-euc", code], cwd=tow.folder, capture_output=True, text=True, timeout=30, check=True
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


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_the_script(tow, shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    tow.write("script", tow.run("completion", shell).stdout)
    subprocess.run([shell, "-n", "script"], cwd=tow.folder, timeout=30, check=True)


def test_another_shell_is_refused(tow):
    assert "none of bash, zsh and fish" in tow.run("completion", "tcsh", code=2).stderr
