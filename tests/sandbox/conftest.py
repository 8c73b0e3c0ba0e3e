"""The sandbox as other tests have it."""

import sys
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).resolve().parent),
    str(Path(__file__).resolve().parent.parent / "e2e"),
]

from sandbox import sandbox, sandbox_process  # noqa: E402, F401
