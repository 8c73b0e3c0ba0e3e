"""Runs the sandbox: prints one line of JSON about itself, and ends with its standard input, or with
SIGTERM, or Ctrl-C."""

import json
import logging
import os
import signal
import sys
import threading

from towpath_sandbox.app import Sandbox
from towpath_sandbox.settings import from_arguments


def main() -> None:
    settings = from_arguments()
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    sandbox = Sandbox(settings)
    sandbox.start()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: over.set())
    print(json.dumps(sandbox.describe()), flush=True)
    threading.Thread(target=_until_input_ends, args=(over,), daemon=True).start()
    over.wait()
    sandbox.close()
    sys.stdout.flush()
    os._exit(0)  # threads may still be busy with requests


def _until_input_ends(over: threading.Event) -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    over.set()


if __name__ == "__main__":
    main()
