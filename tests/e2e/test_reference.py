"""The reference in docs is what the program's tables say, and leaves nothing out."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
DOCS = TOP / "docs"
PLUGINS = DOCS / "plugins"


def copy(folder):
    """The pages of plugins in another folder, to be written over."""
    for name in ("plugins", "man7"):
        (folder / name).mkdir()
        for path in (DOCS / name).iterdir():
            shutil.copyfile(path, folder / name / path.name)
    return folder / "plugins"


@pytest.fixture(scope="module")
def written(program, tmp_path_factory):
    """A copy of the reference, written anew from the tables of the program under test."""
    folder = tmp_path_factory.mktemp("docs")
    copy(folder)
    script = [sys.executable, DOCS / "reference.py", program, folder]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def plugins(tow):
    names = [path.stem for path in sorted(PLUGINS.glob("*.md")) if path.name != "README.md"]
    assert len(names) >= 13
    return [tow.json("plugins", "show", name) for name in names]


def test_the_pages_of_plugins_are_those_of_their_option_tables(written):
    """`make docs-plugins` mends it."""
    for kind in ("plugins", "man7"):
        names = sorted(path.name for path in (written / kind).iterdir())
        assert names == sorted(path.name for path in (DOCS / kind).iterdir())
        for name in names:
            assert (DOCS / kind / name).read_text() == (written / kind / name).read_text(), name


def test_the_schema_of_job_files_is_that_of_the_tables(written):
    assert (DOCS / "job.schema.json").read_text() == (written / "job.schema.json").read_text()


def test_an_option_that_is_not_as_the_page_has_it_is_found(program, tmp_path):
    """The comparison above sees a page that somebody changed by hand."""
    page = copy(tmp_path) / "csv.md"
    true = page.read_text()
    page.write_text(true.replace("| `header` | boolean |", "| `heading` | string |"))
    assert page.read_text() != true
    subprocess.run([sys.executable, DOCS / "reference.py", program, tmp_path], timeout=120, check=True)
    assert page.read_text() == true


def test_a_page_without_its_marks_is_refused(program, tmp_path):
    (copy(tmp_path) / "csv.md").write_text("# csv\n")
    script = [sys.executable, DOCS / "reference.py", program, tmp_path]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and "csv.md: the marks are not there" in done.stderr


def test_each_plugin_has_a_page_that_says_more_than_its_table(plugins):
    for plugin in plugins:
        text = (PLUGINS / f"{plugin['name']}.md").read_text()
        words = text.split("<!--")[0]
        assert len(words) > 120 and "\n\nWhat it guarantees: " in words, plugin["name"]
        for option in plugin["options"]:
            assert f"| `{option['name']}` |" in text, (plugin["name"], option["name"])


def test_each_plugin_has_a_manual_page_that_is_installed(plugins):
    makefile = (DOCS / "Makefile.inc").read_text()
    for plugin in plugins:
        text = (DOCS / f"man7/towpath-{plugin['name']}.7").read_text()
        assert f"%D%/man7/towpath-{plugin['name']}.7" in makefile
        for option in plugin["options"]:
            assert f".It Ic {option['name']}\n" in text, (plugin["name"], option["name"])


def test_plugins_show_tells_the_words_of_sources_and_sinks(tow):
    shown = tow.json("plugins", "show", "file")
    assert shown["sink_words"] == "load|part" and "source_words" not in shown
    assert "words for its own options: {load|part}" in tow.run("plugins", "show", "file").stdout
    shown = tow.json("plugins", "show", "lytics_metrics")
    assert shown["source_words"] == "aid" and shown["source_remote"] is True
    assert "words" not in tow.run("plugins", "show", "csv").stdout


@pytest.mark.parametrize("path", sorted(PLUGINS.glob("*.md")), ids=lambda path: path.name)
def test_links_of_a_page_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / link).exists(), link
