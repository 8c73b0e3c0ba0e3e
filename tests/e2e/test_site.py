"""The site that `make site` makes of README.md and docs.

How pages are laid out is tested everywhere; the generator's work where `make site` has installed it.
"""

import importlib.util
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from snippets import MANUAL, SOURCE
from test_links import LINK, prose

SITE = SOURCE / "docs/site"
VENV = Path(os.environ.get("TOWPATH_BUILD") or "/nowhere") / "venv-site"
MADE = VENV / "made"

spec = importlib.util.spec_from_file_location("stage", SITE / "stage.py")
stage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stage)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "pages"
    stage.stage(SOURCE, folder)
    return folder


def test_each_link_leads_to_a_page_that_is_laid_out(pages):
    seen = 0
    for page in pages.rglob("*.md"):
        for link in LINK.findall(prose(page)):
            if not urlsplit(link).scheme:
                assert (page.parent / urlsplit(link).path).exists(), (page, link)
                seen += 1
    assert seen > 150


def test_links_in_code_stay_as_they_are():
    text = "[a](x.md#y) `[b](x.md)`\n```\n[c](x.md)\n```\n[`d`](x.md) ``[e`](x.md)``\n"
    changed = stage.map_links(text, lambda target: "new/" + target)
    assert changed == text.replace("(x.md#y)", "(new/x.md#y)").replace("[`d`](x.md)", "[`d`](new/x.md)")


def test_each_page_of_docs_has_its_place_on_the_side():
    listed = {place for _, places in stage.CONTENTS for place in places}
    for path in [*(SOURCE / "docs").glob("*.md"), *MANUAL]:
        assert f"docs/{path.name}" in listed, path.name
    text = "\n".join(path.read_text() for path in (SOURCE / "docs/plugins").glob("README.md"))
    for path in (SOURCE / "docs/plugins").glob("*.md"):
        assert path.name == "README.md" or f"({path.name})" in text, path.name


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not MADE.exists() or MADE.read_text() != (SITE / "requirements.lock").read_text():
        pytest.skip("the generator is not installed: make site")
    out = tmp_path_factory.mktemp("made") / "site"
    done = subprocess.run(
        [VENV / "bin/python3", SITE / "build.py", "--venv", VENV, "--out", out],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


def ids(page, known):
    if page not in known:
        known[page] = set(re.findall(r'\bid="([^"]*)"', page.read_text()))
    return known[page]


def test_each_link_of_the_site_leads_somewhere(site):
    known, seen = {}, 0
    for page in site.rglob("*.html"):
        for link in re.findall(r'\b(?:href|src)="([^"]*)"', page.read_text()):
            parts = urlsplit(link)
            if parts.scheme or not link.strip("#"):
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.exists(), (page, link)
            if parts.fragment and target.suffix == ".html":
                assert unquote(parts.fragment) in ids(target, known), (page, link)
            seen += 1
    assert seen > 2000


def test_the_site_asks_no_other_machine(site):
    for page in site.rglob("*.html"):
        assert not re.search(r'<(?:script|link|img|iframe)\b[^>]*(?:src|href)="(?:https?:)?//', page.read_text()), page
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", style.read_text()), style
