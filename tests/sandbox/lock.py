#!/usr/bin/env python3
"""Writes requirements.lock: what requirements.in needs, all versions exact, with the hashes of the
wheels for the Pythons of Debian 12 and 13.

    python3 lock.py [REQUIREMENTS.IN]    wants pip 23 or later and a package index
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else __file__).parent
PYTHONS = ["3.11", "3.13"]
MACHINES = ["x86_64", "aarch64"]
PLATFORMS = [
    "manylinux_2_36",
    "manylinux_2_34",
    "manylinux_2_28",
    "manylinux_2_27",
    "manylinux_2_17",
    "manylinux2014",
]


def resolve(python: str, machine: str) -> dict[str, tuple[str, str]]:
    """Version and hash of every package, by its name, for one kind of machine."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        platforms = [f"--platform={platform}_{machine}" for platform in PLATFORMS]
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
            + [
                "--report",
                report,
                "--target",
                scratch,
                "--only-binary=:all:",
                "--python-version",
                python,
            ]
            + [*platforms, "-r", HERE / "requirements.in"],
            check=True,
        )
        installed = json.loads(report.read_text())["install"]
    found = {}
    for item in installed:
        name = item["metadata"]["name"].lower().replace("_", "-")
        found[name] = (
            item["metadata"]["version"],
            item["download_info"]["archive_info"]["hashes"]["sha256"],
        )
    return found


def main() -> None:
    versions: dict[str, str] = {}
    hashes: dict[str, set[str]] = {}
    for python in PYTHONS:
        for machine in MACHINES:
            for name, (version, sha256) in resolve(python, machine).items():
                if versions.setdefault(name, version) != version:
                    sys.exit(f"{name}: {version} for Python {python}, {versions[name]} for another")
                hashes.setdefault(name, set()).add(sha256)
    lines = ["# Made by lock.py of requirements.in; for Python 3.11 and 3.13 on x86_64 and aarch64."]
    for name in sorted(versions):
        marks = " \\\n".join(f"    --hash=sha256:{sha256}" for sha256 in sorted(hashes[name]))
        lines.append(f"{name}=={versions[name]} \\\n{marks}")
    (HERE / "requirements.lock").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
