"""Databricks: a table that is read, and tables that are loaded."""

from collections import Counter

import sqlcheck
from file_paths import TYPES, CsvSource, EventsSource, FileSink
from path import STREAMS, TABLE, VOLUME, Path

UPLOAD = {"method": "PUT", "path": "/fs/files/"}
REMOVAL = {"method": "DELETE", "path": "/fs/files/"}
COPY = {"sql": "^COPY INTO"}
SWAP = {"sql": "^(INSERT OVERWRITE|MERGE INTO)"}
COPY_STEPS = {
    "before its first upload": {"point": "arrived", **UPLOAD},
    "before a later upload": {"point": "arrived", "skip": 3, **UPLOAD},
    "in the middle of an upload": {"point": "receiving", "after_bytes": 100, "skip": 2, **UPLOAD},
    "after an upload that it does not know of": {"point": "after", "skip": 2, **UPLOAD},
    "after all uploads": {"point": "before", "method": "POST", **COPY},
    "while the copy runs": {"point": "execute", **COPY},
    "when the copy is done and it has not seen it": {"point": "executed", **COPY},
    "before the staged files are removed": {"point": "before", **REMOVAL},
    "when some of the staged files are removed": {"point": "after", "skip": 1, **REMOVAL},
    "before its very last call": {"point": "after", "method": "DELETE", "path": "/fs/directories/"},
}
SWAP_STEPS = {
    "while the table is swapped": {"point": "execute", **SWAP},
    "when the table is swapped and it has not seen it": {"point": "executed", **SWAP},
    "before the load table is dropped": {"point": "before", "method": "POST", "sql": "^DROP TABLE"},
}


class CopySink(Path):
    """Parts in a volume, and COPY INTO."""

    table = TABLE
    stage = VOLUME
    sink_options = ""
    text_column = "note"
    load_tables = ()  # other tables of the schema that may stay
    steps = COPY_STEPS
    requests = "/fs/files/|/sql/statements"
    finishing_runs = 2  # what a load could not remove from the volume, the next one does

    @property
    def sink(self):
        part = self.rng.choice(["1kB", "10kB", "64MB"])
        form = self.rng.choice(["csv", "ndjson"])
        return (
            f'plugin = "databricks_copy"; table = "{self.table}"; stage = "{self.stage}"; part_bytes = "{part}";'
            f' format = "{form}"; {self.sink_options}'
        )

    def tables(self):
        return [row[1] for row in self.sandbox.sql("SHOW TABLES IN main.crm")]

    def rows_of(self, table):
        return [(int(number), text) for number, text in self.sandbox.sql(f"SELECT id, {self.text_column} FROM {table}")]

    def arrived(self):
        return Counter(self.rows_of(self.table))

    def far_left_over(self):
        folders = self.sandbox.list(f"{VOLUME}/job")
        found = [f"{folder}/{name} is staged" for folder in folders for name in self.sandbox.list(f"{VOLUME}/job/{folder}")]
        found += [f"table {name}" for name in self.tables() if not self.is_table(name)]
        for text in {text for text in self.sandbox.statements() if "`" in text}:
            sqlcheck.check(text)
        return found

    def is_table(self, name):
        return name == self.table.split(".")[-1]


class CsvCopyAppend(CopySink, CsvSource):
    name = "csv-copy-append"

    def set_up(self):
        self.job(self.source, self.sink, TYPES)


class CsvCopyReplace(CsvCopyAppend):
    """One file, which each load reads from its first row to its last."""

    name = "csv-copy-replace"
    source = 'plugin = "csv"; path = "in.csv";'
    sink_options = 'mode = "replace";'
    grows = False
    reloads = True
    steps = {**COPY_STEPS, **SWAP_STEPS}

    def write(self, text):
        path = self.tow.folder / "in.csv"
        if path.exists():
            text = path.read_text() + text.split("\n", 1)[1]
        path.write_text(text)


class CsvCopyMerge(CsvCopyAppend):
    """Files with new rows and new texts of rows that are there already."""

    name = "csv-copy-merge"
    sink_options = 'mode = "merge"; keys = "id";'
    steps = {**COPY_STEPS, **SWAP_STEPS}

    def _outcomes(self):
        return []  # of a row that comes several times, each has one; see add()

    def add(self, first, count):
        super().add(first, count)
        self.turn = getattr(self, "turn", 0) + 1
        again = [number for number, _ in self.good if number < first and number % 3 == 0]
        if again:
            text = "id,stream,n,note\n"
            for number in again:
                (old,) = [key for key in self.good if key[0] == number]
                del self.good[old]
                self.expect(number, f"text {self.turn} of row {number}")
                text += f"{number},web,1,text {self.turn} of row {number}\n"
            self.write(text)


class EventsCopy(CopySink, EventsSource):
    name = "events-copy"
    text_column = "data"

    def set_up(self):
        self.job(self.source, self.sink)


class CsvRouteCopy(CopySink, CsvSource):
    """A table for each stream."""

    name = "csv-route-copy"
    checkpoints = ["200ms", "1s"]  # each of them uploads a file for each stream and worker
    table = "main.crm.stream_{stream}"

    def set_up(self):
        route = f'  route = {{ by = "stream"; table = "{self.table}"; open = {self.rng.choice([2, 3, 200])}; }};'
        self.job(self.source, self.sink.replace(f'table = "{self.table}"; ', ""), f"{TYPES}\n{route}")

    def arrived(self):
        return Counter(row for name in self.tables() if self.is_table(name) for row in self.rows_of(f"main.crm.`{name}`"))

    def is_table(self, name):
        return name.startswith("stream_")

    def finish(self):
        """Each stream's files are removed by the next load that has rows of it: these have some of all."""
        super().finish()
        self.grow(20)
        super().finish()


class CsvRollingCopy(CsvCopyAppend):
    """Loads that follow one another in one run."""

    name = "csv-rolling-copy"

    def set_up(self):
        rows = self.rng.choice([100, 300, 700])
        self.job(self.source, self.sink, f"{TYPES}\n  load = {{ max_rows = {rows}; }};")


class TableSource(Path):
    """A table that rows are added to, whose times are later than all before; each load reads what is new, from one
    version of the table."""

    finishing_runs = 2  # the first may go on with a load, and so with an older version

    source = f'plugin = "databricks"; table = "{TABLE}_source"; cursor = "at"; tie_break = "id";'
    steps = {
        "before the statement": {"point": "before", "method": "POST", "path": "/statements"},
        "while the statement runs": {"point": "execute", "sql": "ORDER BY"},
        "before a chunk": {"point": "before", "path": "^/storage/"},
        "when a chunk is on its way": {"point": "answer", "path": "^/storage/"},
    }
    requests = "/sql/statements|^/storage/"

    def make_table(self):
        self.sandbox.set(chunk_rows=self.rng.choice([100, 500, 5000]))
        self.sandbox.sql(f"CREATE TABLE {TABLE}_source (id BIGINT, at TIMESTAMP, stream STRING, n STRING, note STRING)")

    def add(self, first, count):
        self.bad.update(number for number in range(first, first + count) if number % 97 == 13)
        for number in range(first, first + count):
            if number not in self.bad:
                self.expect(number, f"text of row {number}")
        streams = ", ".join(f"'{name}'" for name in STREAMS)
        self.sandbox.sql(
            f"INSERT INTO {TABLE}_source SELECT id, timestamp_micros(1767225600000000 + ({first} +"
            f" CAST(floor((id - {first}) / 10) AS BIGINT)) * 1000000), element_at(array({streams}), CAST(id * 7919 % 5 AS INT) + 1), CASE WHEN id % 97 = 13"
            f" THEN 'bad' ELSE CAST(id AS STRING) END, concat('text of row ', id) FROM range({first}, {first + count})"
        )


class DatabricksFile(TableSource, FileSink):
    name = "databricks-file"
    needs_sandbox = True

    def set_up(self):
        self.make_table()
        self.job(self.source, self.sink, TYPES)


LAKE_PATHS = [
    CsvCopyAppend,
    CsvCopyReplace,
    CsvCopyMerge,
    CsvRouteCopy,
    CsvRollingCopy,
    EventsCopy,
    DatabricksFile,
]
