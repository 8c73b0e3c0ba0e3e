"""What `make dist` packs: every file of the tree. packaging/try-dist.sh builds from such a tarball."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from snippets import SOURCE

BUILD = Path(os.environ.get("TOWPATH_BUILD") or "/nowhere")
LEFT_OUT = {".gitignore"}


def lines(*words):
    ours = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(not BUILD.is_dir(), reason="TOWPATH_BUILD is not given")
@pytest.mark.skipif(not (SOURCE / ".git").exists() or not shutil.which("git"), reason="not a git tree")
def test_a_tarball_holds_every_file_of_the_tree():
    packed = {Path(line.removeprefix(f"{SOURCE}/").removeprefix("../")) for line in lines("make", "-s", "-C", BUILD, "dist-files")}
    tree = {Path(line) for line in lines("git", "-C", SOURCE, "ls-files") if (SOURCE / line).exists()}
    assert len(tree) > 1000
    missing = {path for path in tree if not packed & {path, *path.parents}}
    assert {str(path) for path in missing} - LEFT_OUT == set()
