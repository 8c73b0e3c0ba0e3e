#!/usr/bin/env python3
"""Draws the pictures: an SVG beside each .dot of docs/pictures, by Graphviz.

    draw.py FOLDER

What is checked in names the digest of its source: tests/e2e/test_pictures.py finds one that is stale
without drawing it anew, since other versions of Graphviz place things otherwise.
"""

import hashlib
import html
import re
import subprocess
import sys
from pathlib import Path


def mark(source):
    return f"<!-- Made by `make docs-pictures` of {source.name}, {hashlib.sha256(source.read_bytes()).hexdigest()} -->"


def draw(source):
    """The SVG, without what names Graphviz's version."""
    done = subprocess.run(["dot", "-Tsvg", source], stdout=subprocess.PIPE, check=True, timeout=60, text=True)
    text = re.sub(r"<!DOCTYPE.*?>\s*|<!--.*?-->\s*", "", done.stdout, flags=re.DOTALL)
    head, body = text.split("\n", 1)
    return f"{head}\n{mark(source)}\n{body}"


def words(svg):
    """The texts of a picture, in any order."""
    return sorted(html.unescape(text) for text in re.findall(r"<text[^>]*>(.*?)</text>", svg))


def main(folder):
    for source in sorted(Path(folder).glob("*.dot")):
        source.with_suffix(".svg").write_text(draw(source))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
