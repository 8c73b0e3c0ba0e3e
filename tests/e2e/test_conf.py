"""Every example job of conf/ passes its check and can be planned, with no more than the environment
variables that it names."""

import re
import shutil
from pathlib import Path

import pytest

CONF = Path(__file__).resolve().parents[2] / "conf"
JOBS = [path for path in sorted(CONF.rglob("*.cfg")) if re.search(r"^job\b", path.read_text(), re.MULTILINE)]


@pytest.mark.parametrize("path", JOBS, ids=lambda path: str(path.relative_to(CONF)))
def test_an_example_job_is_sound(tow, path):
    folder = tow.folder / "conf"
    shutil.copytree(path.parent, folder)
    text = "".join(file.read_text() for file in folder.glob("*.cfg"))
    env = {
        name: "https://service.example.com" if name.endswith("_URL") else f"value-of-{name}"
        for name in re.findall(r"\$\{env:(\w+)\}", text)
    }
    tow.run("check", folder / path.name, env=env)
    tow.run("plan", folder / path.name, env=env)
    assert not tow.state.exists() and not (folder / "out").exists()
