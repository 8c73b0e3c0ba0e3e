#!/usr/bin/env python3
"""Makes the site of README.md and docs: `make site`.

    build.py --venv FOLDER --out FOLDER

The packages of requirements.lock are put into the venv where they are not there yet. The site asks no other
machine for anything.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]


def in_venv(folder):
    """Begins again with the Python of the lock file, which is installed where it is not yet."""
    lock, made, python = HERE / "requirements.lock", folder / "made", folder / "bin/python3"
    if not made.exists() or made.read_text() != lock.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing the generator into {folder}", file=sys.stderr)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        for command in ([sys.executable, "-m", "venv", folder], [*pip, "--require-hashes", "-r", lock]):
            if subprocess.run(command, check=False).returncode:
                sys.exit("site: the generator cannot be installed")
        made.write_text(lock.read_text())
    if Path(sys.prefix).resolve() != folder.resolve():
        os.execv(python, [python, *sys.argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if not shutil.which("mandoc"):
        sys.exit("site: mandoc makes HTML of the manual pages, and is not here: apt-get install mandoc")
    in_venv(args.venv)

    from sphinx.cmd.build import main as sphinx
    from stage import stage

    pages = args.out.with_name(args.out.name + "-pages")
    stage(SOURCE, pages)
    shutil.rmtree(args.out, ignore_errors=True)
    flags = ["-q", "-W", "--keep-going", "-b", "html", "-c", str(HERE), "-d", str(pages / ".doctrees")]
    if sphinx([*flags, str(pages), str(args.out)]):
        sys.exit("site: see above")
    print(f"{args.out}/index.html")


if __name__ == "__main__":
    main()
