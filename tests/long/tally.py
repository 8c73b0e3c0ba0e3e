"""What a campaign has tried on a path, and what came of it: a line of the file that TOWPATH_LONG_RESULTS names."""

import json
import os
import time
from dataclasses import asdict, dataclass, field


@dataclass
class Tally:
    campaign: str
    path: str
    runs: int = 0
    kills: int = 0
    faults: int = 0
    rows: int = 0
    lost: int = 0
    doubled: int = 0
    unclear: int = 0  # rows without exactly one outcome, and what should be gone and is not
    hangs: int = 0
    longest_s: float = 0.0  # of a run
    seconds: float = 0.0
    note: str = ""
    began: float = field(default_factory=time.monotonic, repr=False)

    def run(self, seconds):
        self.runs += 1
        self.longest_s = max(self.longest_s, seconds)

    def add(self, account):
        self.rows += account.rows
        self.lost += account.lost
        self.doubled += account.doubled
        self.unclear += len(account.unclear) + len(account.left_over)

    def write(self):
        """Tells what came of it, and keeps it."""
        self.seconds = time.monotonic() - self.began
        line = {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}
        del line["began"]
        print(json.dumps(line))
        name = os.environ.get("TOWPATH_LONG_RESULTS")
        if name:
            with open(name, "a") as out:
                out.write(json.dumps(line) + "\n")
