"""Sources and sinks that are files, and the pieces that other paths take from them."""

import csv
import gzip
import io
import json
import random
from collections import Counter

from helpers import columns
from path import STREAMS, Path

TYPES = columns(
    'name = "id"; from = "id"; type = "int64"',
    'name = "stream"; from = "stream"',
    'name = "n"; from = "n"; type = "int64"',
    'name = "note"; from = "note"',
)


def store(path, text, pack):
    """A file that appears as a whole."""
    data = text.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.new")
    hidden.write_bytes(gzip.compress(data) if pack else data)
    hidden.rename(path)


def text_rows(folder):
    """Rows of all files in a folder, as csv and ndjson have them; only what has its final name."""
    for path in sorted(folder.glob("[!.]*")):
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
        if ".ndjson" in path.name:
            yield from (json.loads(line) for line in text.split("\n") if line)
        else:
            yield from csv.DictReader(io.StringIO(text, newline=""))


class CsvSource(Path):
    """Files of CSV, each loaded once, or one file that each load reads. Some rows have a bad number, some cannot be
    read, some have line ends in their text."""

    source = 'plugin = "csv"; path = "in"; incremental = "file";'

    def note(self, number):
        return f'two\nlines of {number}, ""quoted""' if number % 53 == 7 else f"text of row {number}"

    def fields(self, number, note):
        """The row's fields behind its number; a bad one's as well."""
        return [STREAMS[number * 7919 % 5], "bad" if number in self.bad else number, f'"{note}"']

    def value(self, number, note):
        """What the far end shall have of it."""
        return note.replace('""', '"')

    def add(self, first, count):
        text = "id,stream,n,note\n"
        for number in range(first, first + count):
            note = self.note(number)
            if number % 97 == 13 or number % 101 == 29:
                self.bad.add(number)
            if number % 101 == 29:
                self.unreadable.add(number)
                text += f'{number},x,1,"x"y\n'
                continue
            text += ",".join(map(str, [number, *self.fields(number, note)])) + "\n"
            if number not in self.bad:
                self.expect(number, self.value(number, note))
        self.write(text)

    def write(self, text):
        self.files += 1
        pack = self.rng.random() < 0.5
        store(self.tow.folder / "in" / f"{self.files:05}.csv{'.gz' if pack else ''}", text, pack)


class EventsSource(Path):
    """Exports of events, each file read once; some lines are no events."""

    source = 'plugin = "events"; path = "in";'
    columns = ""

    def add(self, first, count):
        text = ""
        for number in range(first, first + count):
            if number % 97 == 13:
                self.bad.add(number)
                self.unreadable.add(number)
                text += f'{{"id":{number}, bad\n'
                continue
            data = json.dumps({"n": number, "text": f"row {number}"}, separators=(",", ":"))
            self.expect(number, data)
            text += (
                f'{{"id":{number},"ly_event_ts":"2026-01-02T03:04:05.678Z","ly_receive_ts":1767323046,'
                f'"stream":"{STREAMS[number * 7919 % 5]}","data":{data}}}\n'
            )
        self.files += 1
        self.write_events(f"{self.files:05}.ndjson", text)

    def write_events(self, name, text):
        pack = self.rng.random() < 0.5
        store(self.tow.folder / "in" / (name + (".gz" if pack else "")), text, pack)

    def raw_id(self, raw):
        return int(raw.split(":")[1].split(",")[0])


class FileSink(Path):
    """A file for each load; all of them together must have each row once."""

    needs_sandbox = False
    parallel = False
    output = "{load}.ndjson"
    output_options = ""
    text_column = "note"

    @property
    def sink(self):
        return f'plugin = "file"; path = "out/{self.output}"; mkdirs = true; {self.output_options}'

    def arrived(self):
        return Counter((int(row["id"]), row[self.text_column]) for row in text_rows(self.tow.folder / "out"))


class CsvFile(FileSink, CsvSource):
    name = "csv-file"

    def set_up(self):
        self.job(self.source, self.sink, TYPES)


class CsvFileGzip(CsvFile):
    name = "csv-file-gz"
    output = "{load}.csv.gz"


class CsvFileParts(CsvFile):
    name = "csv-file-parts"
    output = "{load}-{part}.csv"
    output_options = "max_rows = 300;"


class EventsFile(FileSink, EventsSource):
    name = "events-file"
    text_column = "data"

    def set_up(self):
        self.job(self.source, self.sink)


class EventsTail(EventsFile):
    """Lines that are added to files, which are renamed now and then."""

    name = "events-tail-file"
    source = 'plugin = "events"; path = "in/*"; tail = true;'

    def write_events(self, name, text):
        path = self.tow.folder / "in" / random.Random(name).choice(["a.log", "b.log"])
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as out:
            out.write(text)
        if self.rng.random() < 0.2:
            path.rename(path.with_suffix(f".{self.files}"))


FILE_PATHS = [CsvFile, CsvFileGzip, CsvFileParts, EventsFile, EventsTail]
