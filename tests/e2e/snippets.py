"""The fenced blocks of README.md and the guide, for the tests that hold them to their word.

TOWPATH_SOURCE names the source tree; without it, the one that these tests lie in.
"""

import os
import re
from pathlib import Path

SOURCE = Path(os.environ.get("TOWPATH_SOURCE") or Path(__file__).resolve().parents[2])
GUIDE = SOURCE / "docs" / "plugin-guide.md"
README = SOURCE / "README.md"


def blocks(page):
    """What stands between the fences of a page."""
    return re.findall(r"^```\w*\n(.*?)^```$", page.read_text(), re.M | re.S)


def jobs(page):
    return [block for block in blocks(page) if block.startswith("version = 1;")]


def commands(page, first):
    """The commands of a page that begin with the word, without comments; \\ joins lines."""
    lines = [line for block in blocks(page) for line in block.replace("\\\n", " ").splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.startswith(first + " ")]
