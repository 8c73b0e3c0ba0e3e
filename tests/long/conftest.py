"""The long campaigns have the fixtures of the end-to-end tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from sandbox import sandbox, sandbox_process  # noqa: E402, F401
from towpath import program, tow  # noqa: E402, F401
