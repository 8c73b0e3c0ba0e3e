"""What `make install` installs, and plugins built against it as docs/plugin-guide.md says.

TOWPATH_BUILD names the build tree; without it these tests are skipped. CC names the compiler.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from snippets import GUIDE, SOURCE, commands, jobs

BUILD = Path(os.environ.get("TOWPATH_BUILD") or "/nowhere")
# Those that this build makes, as the test harness names them: "csv.la file.la ...".
PLUGINS = {name.removesuffix(".la") for name in os.environ.get("PLUGINS", "").split()}

needs_build = pytest.mark.skipif(not BUILD.is_dir(), reason="TOWPATH_BUILD is not given")


def make(*words):
    """make in the build tree, by itself: not a part of the make that runs the tests."""
    ours = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "DESTDIR")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        ["make", "-s", "-C", BUILD, *words],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Installed:
    """towpath, installed under a folder that stands for the root."""

    def __init__(self, root):
        self.root = root
        make("install", f"DESTDIR={root}")
        (pc,) = root.rglob("towpath.pc")
        self.pc = pc.parent
        (self.program,) = root.rglob("bin/towpath")
        self.variables = dict(re.findall(r"^(\w+)=(.*)$", pc.read_text(), re.M))

    def folder(self, variable):
        """A variable of towpath.pc, as the installed program sees it."""
        value = self.variables[variable]
        while "${" in value:
            value = re.sub(r"\$\{(\w+)\}", lambda m: self.variables[m[1]], value)
        return value

    def under_root(self, variable):
        return Path(f"{self.root}{self.folder(variable)}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("root"))


def run(*words, **kwargs):
    kwargs.setdefault("check", True)
    return subprocess.run(words, capture_output=True, text=True, timeout=60, **kwargs)


@needs_build
def test_everything_is_where_the_program_looks_for_it(installed, tmp_path):
    """Without any variable the program searches the folder that the plugins were put in."""
    env = {"HOME": str(tmp_path)}
    wanted = run(installed.program, "plugins", "show", "nosuch", env=env, check=False)
    assert installed.folder("pluginsdir") in wanted.stderr
    plugins = installed.under_root("pluginsdir")
    assert {path.stem for path in plugins.glob("*.so")} == PLUGINS
    headers = installed.under_root("includedir") / "towpath"
    assert {h.name for h in headers.iterdir()} == {
        h.name for h in (SOURCE / "core/towpath").glob("*.h")
    }
    for page in ("man1/towpath.1", "man5/towpath-job.5", "man7/towpath-csv.7", "man8/towpath-daemon.8"):
        assert list(installed.root.rglob(page)), page


@needs_build
def test_installed_program_needs_no_variables(installed, tmp_path):
    """Where the prefix lies in the build tree (as quickstart has it), installed there for real."""
    prefix = Path(installed.folder("prefix"))
    if BUILD not in prefix.parents:
        pytest.skip(f"the prefix {prefix} is not the build tree's")
    make("install")
    out = run(prefix / "bin/towpath", "plugins", "list", env={"HOME": str(tmp_path)}).stdout
    assert PLUGINS <= {line.split()[0] for line in out.splitlines()}


@needs_build
def test_uninstall_leaves_nothing(tmp_path):
    make("install", f"DESTDIR={tmp_path}")
    make("uninstall", f"DESTDIR={tmp_path}")
    assert not [path for path in tmp_path.rglob("*") if not path.is_dir()]


@needs_build
@pytest.mark.skipif(not shutil.which("pkg-config"), reason="no pkg-config")
@pytest.mark.skipif(bool(os.environ.get("SANITIZERS")), reason="the kit needs a sanitizer's runtime")
def test_plugins_build_by_the_command_of_the_guide(installed, tow):
    (build,) = commands(GUIDE, "cc")
    build = (os.environ.get("CC") or "cc") + build.removeprefix("cc")
    (job,) = jobs(GUIDE)
    tow.write("count.cfg", job)
    env = {
        **tow.env,
        "PATH": f"{installed.program.parent}:{os.environ['PATH']}",
        "PKG_CONFIG_PATH": str(installed.pc),
        "PKG_CONFIG_SYSROOT_DIR": str(installed.root),
        "TOWPATH_PLUGIN_PATH": str(installed.under_root("pluginsdir")),
    }
    for name in ("counter", "tally"):
        shutil.copy(SOURCE / f"docs/guide/{name}.c", tow.folder)
        run("sh", "-c", build.replace("counter", name), cwd=tow.folder, env=env)
    lines = commands(GUIDE, "towpath")
    assert len(lines) == 3
    for line in lines:
        run(*shlex.split(line), cwd=tow.folder, env=env)
    assert len((tow.folder / "numbers.csv").read_text().split()) == 100_001
    tally = ("plugins", "test", "./tally.so", "--option", "path=count.txt")
    run(installed.program, *tally, cwd=tow.folder, env=env)


@needs_build
@pytest.mark.skipif(not shutil.which("pkg-config"), reason="no pkg-config")
@pytest.mark.skipif(bool(os.environ.get("SANITIZERS")), reason="the kit needs a sanitizer's runtime")
@pytest.mark.parametrize("kind, made", [("source", "out.csv"), ("sink", "count.txt")])
def test_a_new_plugin_builds_from_an_empty_folder(installed, tow, kind, made):
    env = {
        **{name: value for name, value in tow.env.items() if not name.startswith("MAKE")},
        "PKG_CONFIG_PATH": str(installed.pc),
        "PKG_CONFIG_SYSROOT_DIR": str(installed.root),
        "TOWPATH_PLUGIN_PATH": str(installed.under_root("pluginsdir")),
        "TOWPATH": str(installed.program),
    }
    run(installed.program, "plugins", "new", "weather_2", f"--{kind}", cwd=tow.folder, env=env)
    folder = tow.folder / "weather_2"
    run("make", "-s", "check", "install", f"DESTDIR={tow.folder / 'root'}", cwd=folder, env=env)
    assert (folder / made).stat().st_size > 0
    assert [path.name for path in (tow.folder / "root").rglob("*.so")] == ["weather_2.so"]
    again = run(installed.program, "plugins", "new", "weather_2", f"--{kind}", cwd=tow.folder, env=env, check=False)
    assert again.returncode == 3 and "File exists" in again.stderr


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="no pkg-config")
def test_a_new_plugin_says_what_it_lacks(tow):
    tow.run("plugins", "new", "weather", "--source")
    env = {**tow.env, "PKG_CONFIG_PATH": "", "PKG_CONFIG_LIBDIR": str(tow.folder)}
    done = run("make", "-s", "-C", "weather", cwd=tow.folder, env=env, check=False)
    assert done.returncode == 2 and "set PKG_CONFIG_PATH to the folder of towpath.pc" in done.stderr
    assert "batch.h" not in done.stderr


def test_a_new_plugin_needs_a_name_and_a_kind(tow):
    for name in ("", "Weather", "2weather", "we-ather", "a/b", "x" * 64):
        assert "cannot be a plugin's name" in tow.run("plugins", "new", name, "--source", code=2).stderr
    assert "--source or --sink" in tow.run("plugins", "new", "weather", code=2).stderr
    assert "--source or --sink" in tow.run("plugins", "new", "weather", "--source", "--sink", code=2).stderr


def test_every_file_of_this_suite_is_distributed():
    listed = (SOURCE / "tests/e2e/Makefile.inc").read_text()
    here = {path.name for path in (SOURCE / "tests/e2e").glob("*.py")}
    assert {name for name in here if f"%D%/{name}" not in listed} == set()
