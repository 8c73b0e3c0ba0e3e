"""What several of the end-to-end tests use: files, tables, and what a run left behind."""

import csv
import gzip
import io
import json
import os
import resource
import subprocess
import time
from datetime import datetime

SANITIZED = bool(os.environ.get("SANITIZERS"))
IN = "id,name\n1,Ann\n2,Bob\n"
CSV = 'plugin = "csv"; path = "in.csv";'

# Values that a careless reader or writer of CSV gets wrong, by what is odd about them.
VALUES = {
    "quotes": '"',
    "quoted": '"all of it"',
    "delimiter": "a,b,,c",
    "line feed": "a\nb",
    "carriage return": "a\rb",
    "both": "a\r\nb\r\n",
    "line end": "\n",
    "tab": "\ta\tb\t",
    "four bytes": "\U0001f600\U0010ffff",
    "two and three bytes": "é€\u2028\ufeff",
    "spaces": "  a  ",
    "space": " ",
    "backslash": '\\n\\"\\',
    "control": "\x01\x1f\x7f\x85",
    "braces": '{"a": [1, null]}',
    "words": "null",
    "number": "007",
    "long": 'x,y"z\n' * 5000,
    "empty": "",
    "null": None,
}


def put(folder, files):
    """Files by name: text, bytes, or None for a folder."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def place(tow, data, name="in.csv"):
    """A file of these bytes, or of this text as it is."""
    put(tow.folder, {name: data})


def contents(folder):
    """All files under a folder but the state, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.relative_to(folder).parts[0] != "state"
    }


def launch(tow, code, *args, **kwargs):
    """Runs a command that needs more than tow.run offers: its output, its messages."""
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return tow.finish(tow.start(*args, **kwargs), code)


def until(condition):
    """Waits for what another process does; the last look decides."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def is_running(tow):
    return any(run["status"] == "running" for run in tow.json("runs"))


def limited(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def checkpoint(tow):
    """Where the job stands: its load and position, whichever run wrote them last."""
    found = tow.json("state", "show", "job")["checkpoint"]
    return found and {key: found[key] for key in found if key not in ("run", "saved")}


def counts(report):
    return [
        report["rows"][name] for name in ("read", "accepted", "rejected", "filtered", "pending")
    ]


def columns(*entries):
    return "  columns = ( " + ", ".join(f"{{ {entry} }}" for entry in entries) + " );"


def numbered(count, first=0):
    """CSV text with the rows first .. first+count-1."""
    rows = "".join(f"{i},text of row {i * 7919 % 100003}\n" for i in range(first, first + count))
    return "id,text\n" + rows


def ids(tow, name="out.ndjson"):
    return [int(row["id"]) for row in tow.rows(name)]


def table(tow, name):
    """What Python's csv reads from a file, or from a gzip file."""
    data = (tow.folder / name).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def rejected(tow, run):
    return [
        json.loads(line) for line in tow.run("rejects", run, "--json").stdout.split("\n") if line
    ]


def csv_field(value, quoted):
    if value is None:
        return ""
    if quoted or value == "" or any(c in value for c in '",\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def csv_text(rows, rng=None, end="\n"):
    """CSV of rows; null is an empty field without quotes, the empty string one with them."""
    lines = []
    for row in rows:
        fields = [csv_field(value, rng.random() < 0.3 if rng else False) for value in row]
        lines.append(",".join(fields))
    return end.join(lines) + end


def transfer(tow, data, source="", sink='path = "out.ndjson";', more=""):
    """The outcome of a run over in.csv, which holds this."""
    place(tow, data)
    tow.job(source=CSV + source, sink=f'plugin = "file"; {sink}', more=more)
    return tow.json("run", "job.cfg")


def keeps_its_promises(out):
    """What `plugins test` says of a plugin that does: it left out only memory, where a sanitizer counts it itself."""
    lines = out.splitlines()
    left_out = [line for line in lines if line.startswith("skip  ")]
    assert all("memory" in line for line in left_out) and (SANITIZED or not left_out), left_out
    assert lines[-1].endswith(f" passed, 0 failed, {len(left_out)} skipped")


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
