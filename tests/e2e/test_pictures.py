"""The pictures of docs are those of their sources."""

import importlib.util
import re
import shutil

import pytest
from snippets import SOURCE

PICTURES = SOURCE / "docs/pictures"
SOURCES = sorted(PICTURES.glob("*.dot"))

spec = importlib.util.spec_from_file_location("draw", SOURCE / "docs/draw.py")
draw = importlib.util.module_from_spec(spec)
spec.loader.exec_module(draw)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_a_picture_was_made_of_its_source_as_it_stands(source):
    """`make docs-pictures` mends it."""
    svg = source.with_suffix(".svg").read_text()
    assert draw.mark(source) in svg
    for label in re.findall(r'label="([^"]*)"', source.read_text()):
        for line in label.split("\\n"):
            assert line in draw.words(svg), line


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not here")
def test_a_picture_says_what_a_new_drawing_says(source):
    assert draw.words(source.with_suffix(".svg").read_text()) == draw.words(draw.draw(source))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_a_picture_needs_nothing_else_and_shows_on_light_and_dark_pages(source):
    svg = source.with_suffix(".svg").read_text()
    assert not re.search(r"<(script|image|style|link|foreignObject)\b", svg)
    assert set(re.findall(r"https?://[^\"' ]+", svg)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    for colour in re.findall(r'(?:stroke|<text[^>]*fill)="(#[0-9a-f]{6})"', svg):
        shades = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert 70 < max(shades) < 190 or colour == "#1b2733", colour  # grey, or the boxes' own text


def test_there_is_a_picture():
    assert PICTURES / "overview.dot" in SOURCES
