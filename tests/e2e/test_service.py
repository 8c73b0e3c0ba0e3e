"""The systemd unit: what systemd itself says of it, and where make installs it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from snippets import SOURCE, fences

ROOT = Path(__file__).resolve().parents[2]
ANALYZE = shutil.which("systemd-analyze")


@pytest.fixture
def unit(tow):
    """The unit with a program that is there."""
    text = (ROOT / "packaging" / "towpath.service.in").read_text()
    assert "@bindir@" in text
    bin_folder = tow.folder / "bin"
    bin_folder.mkdir()
    os.symlink(tow.program, bin_folder / "towpath")
    return tow.write("towpath.service", text.replace("@bindir@", str(bin_folder)))


def analyze(*args):
    if not ANALYZE:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run([ANALYZE, *map(str, args)], capture_output=True, text=True, timeout=60, check=False)


def test_systemd_understands_the_unit(unit):
    said = analyze("verify", "--man=no", unit)
    complaints = [line for line in said.stderr.splitlines() if "towpath.service" in line]
    assert not complaints, said.stderr


def test_systemd_understands_the_drop_in_of_the_manual(unit):
    (drop_in,) = [block.text for block in fences(SOURCE / "docs/operate.md") if block.info == "ini"]
    assert drop_in.startswith("[Service]\n")
    unit.write_text(f"{unit.read_text()}\n{drop_in}")
    said = analyze("verify", "--man=no", unit)
    assert "towpath.service" not in said.stderr, said.stderr


def test_the_sandbox_is_tight(unit):
    said = analyze("security", "--offline=true", "--threshold=20", unit)
    if "unrecognized option" in said.stderr:
        pytest.skip("this systemd-analyze judges no files")
    assert said.returncode == 0, said.stdout + said.stderr


def test_the_unit_says_what_the_daemon_keeps(unit):
    text = unit.read_text()
    for line in (
        "Type=notify",
        "DynamicUser=yes",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "StateDirectory=towpath",
        "WatchdogSec=60",
        "KillMode=mixed",
    ):
        assert f"\n{line}\n" in text, line
    # Longer than the daemon's own drain, which is a minute.
    assert int(text.split("TimeoutStopSec=")[1].split()[0]) > 60
