"""Lytics as a source: audiences, what changes in them, system events, metrics; its webhook."""

import http.client
import json
import threading
from collections import Counter
from datetime import datetime, timedelta, timezone

from file_paths import FileSink
from helpers import until
from lake_paths import COPY_STEPS, SWAP_STEPS, CopySink
from path import Path
from webhook import Hook, event, payload

LYTICS = (
    'token = "${env:LYTICS_TOKEN}"; api_url = "${env:LYTICS_API_URL}"; bulk_url = "${env:LYTICS_BULK_URL}";'
    ' rate_wait = "1ms";'
)
TABLE = "main.crm.lytics"
BUCKET = timedelta(hours=2)
BUCKETS = 30  # of each stream


def asking(path):
    return {
        "before its first question": {"point": "before", "path": path},
        "before a later question": {"point": "before", "path": path, "skip": 2},
        "when an answer is on its way": {"point": "answer", "path": path, "skip": 1},
    }


def moment(time):
    return time.isoformat().replace("+00:00", "Z")


class ToTable(CopySink):
    """Into a table of Databricks; what it holds of a row is asked for in SQL."""

    table = TABLE
    requests = "^/v2/|^/api/|/fs/files/|/sql/statements"
    key, text = "id", "id"

    def number_of(self, key):
        return int(key[1:])

    def row_id(self, row):
        return self.number_of(row[self.key.strip("`")])

    def rows_of(self, table):
        return [(self.number_of(key), text) for key, text in self.sandbox.sql(f"SELECT {self.key}, {self.text} FROM {table}")]


class AudienceCopy(ToTable):
    """The members of an audience, in place of those of the last run."""

    name = "lytics_audience-copy"
    sink_options = 'mode = "replace";'
    grows = False
    reloads = True
    key, text = "`_id`", "email"
    steps = {**asking("/scan"), **COPY_STEPS, **SWAP_STEPS}

    def set_up(self):
        self.members = []
        fields = [("_id", "string", True), ("email", "string", False), ("visits", "int", False)]
        self.sandbox.seed(fields=[{"id": name, "type": kind, "is_identifier": own} for name, kind, own in fields])
        self.job(f'plugin = "lytics_audience"; {LYTICS} audience = "vip";', self.sink)

    def add(self, first, count):
        for number in range(first, first + count):
            self.members.append({"_id": f"u{number}", "email": f"{number}@example.com", "visits": number})
            self.expect(number, f"{number}@example.com")
        self.sandbox.seed(segments=[{"id": "a1b2c3", "slug_name": "vip", "members": self.members}])


class ChangesCopy(ToTable):
    """Who entered and left an audience since the last reading of it."""

    name = "lytics_audience_changes-copy"
    grows = False
    finishing_runs = 3  # a reading that was begun tells of the members of that time
    key, text = "email", "exit"
    steps = {**asking("/scan"), **COPY_STEPS}

    def set_up(self):
        self.members = set()
        self.job(
            f'plugin = "lytics_audience_changes"; {LYTICS} mode = "poll_diff"; audiences = [ "vip" ]; id_field = "email";'
            ' spool = "spool"; existing_users = true;',
            self.sink,
        )

    def add(self, first, count):
        """New members; some of the old ones leave, some that left come back."""
        new = set(range(first, first + count))
        leaving = {number for number in self.members if number % 7 == 3}
        back = {number for number in range(first) if number % 7 == 3} - self.members
        for number in new | back:
            self.expect(number, "false")
        for number in leaving:
            self.expect(number, "true")
        self.members = (self.members | new | back) - leaving
        self.sandbox.seed(
            segments=[
                {
                    "id": "seg-1",
                    "slug_name": "vip",
                    "members": [{"email": f"u{number}", "_id": f"i{number}"} for number in sorted(self.members)],
                }
            ]
        )

    def row_id(self, row):
        return super().row_id(row), "true" if row["exit"] else "false"

    def wanted_outcomes(self):
        return Counter(self.good)


class SystemEventsCopy(ToTable):
    """Events of an account, each run those since the last one. What turns up has the time at which it does."""

    name = "lytics_system_events-copy"
    finishing_runs = 3  # a reading that was begun is about the time before it
    text = "notes"
    steps = {**asking("^/v2/event"), **COPY_STEPS}

    def set_up(self):
        self.base = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=10)
        self.job(f'plugin = "lytics_system_events"; {LYTICS}', self.sink)

    def add(self, first, count):
        events = []
        for number in range(first, first + count):
            self.latest = self.base + timedelta(seconds=number) if first == 0 else datetime.now(timezone.utc)
            at = moment(self.latest)
            events.append({"id": f"e{number}", "aid": 1234, "verb": "status", "notes": f"note {number}", "timestamp": at})
            self.expect(number, f"note {number}")
        self.sandbox.seed(events=events)

    def finish(self):
        """A run is about the seconds that were over when it began."""
        until(lambda: datetime.now(timezone.utc) > self.latest + timedelta(seconds=1))
        super().finish()


class MetricsCopy(ToTable):
    """Metrics of streams, in buckets of two hours that were over before the campaign began. There are no more than
    these: a bucket is exported once, and the next one takes hours."""

    name = "lytics_metrics-copy"
    grows = False
    key, text = "concat(dimension_id, ' ', CAST(value AS BIGINT))", "dimension_type"
    steps = {**asking("^/v2/metric"), **COPY_STEPS}

    def set_up(self):
        now = datetime.now(timezone.utc).timestamp()
        self.open = datetime.fromtimestamp(now - now % BUCKET.total_seconds(), timezone.utc)
        self.job(
            f'plugin = "lytics_metrics"; {LYTICS} dimension = "stream"; dimension_type = "size";'
            f" batch_requests = {self.rng.choice([2, 50])};",
            self.sink,
        )

    def grow(self, count):
        if not self.rows:
            super().grow(count)

    def add(self, first, count):
        points, streams = [], []
        for number in range(first, first + count):
            stream, back = f"stream{number // BUCKETS:04}", number % BUCKETS + 2
            streams.append(stream)
            at = moment(self.open - back * BUCKET + timedelta(seconds=60))
            points.append({"dimension": "stream", "dimension_id": stream, "dimension_type": "size", "ts": at, "value": back})
            self.expect(number, "size")
        self.sandbox.seed(streams=sorted(set(streams)), metrics=points)

    def number_of(self, key):
        stream, back = key.split(" ")
        return int(stream[6:]) * BUCKETS + int(back) - 2

    def row_id(self, row):
        return self.number_of(f"{row['dimension_id']} {int(row['value'])}")


class WebhookFile(FileSink):
    """Changes that are sent to a webhook, over and over until they are acknowledged; loads that follow one another."""

    name = "webhook-file"
    ends = False

    def set_up(self):
        self.waiting, self.threads, self.lock = [], [], threading.Lock()
        rows = self.rng.choice([50, 400])
        self.job(
            'plugin = "lytics_audience_changes"; audiences = [ "vip" ]; id_field = "email"; spool = "spool"; listen = "127.0.0.1:0";',
            self.sink,
            f'  load = {{ max_rows = {rows}; max_age = "100ms"; }};',
        )

    def add(self, first, count):
        for number in range(first, first + count):
            self.expect(number, "vip")
            self.waiting.append(number)

    def start(self, **kwargs):
        """A run that listens, and senders that bring it what is not acknowledged yet."""
        hook = Hook(self.tow, may_fail=True, **kwargs)
        if hook.port:
            self.threads = [threading.Thread(target=self.send, args=(hook,)) for _ in range(4)]
            for thread in self.threads:
                thread.start()
        return hook.process

    def send(self, hook):
        number = None
        try:
            while True:
                with self.lock:
                    if not self.waiting:
                        return
                    number = self.waiting.pop()
                if hook.send(payload(f"u{number}", event())) == 200:
                    number = None
        except (OSError, http.client.HTTPException):
            pass
        finally:
            if number is not None:
                with self.lock:
                    self.waiting.append(number)

    def settle(self):
        for thread in self.threads:
            thread.join(60)
        super().settle()

    def finish(self):
        process = self.start()
        for thread in self.threads:
            thread.join(60)
        assert not self.waiting, "not all changes were acknowledged"
        until(lambda: self.arrived().total() >= self.rows)
        process.terminate()
        assert process.wait(60) == 143

    def number_of(self, row):
        return int(row["email"][1:])

    def row_id(self, row):
        return self.number_of(row)

    def is_at_work(self, name):
        return list(self.loads())[-1] in name

    def arrived(self):
        paths = sorted((self.tow.folder / "out").glob("[!.]*"))
        rows = (json.loads(line) for path in paths for line in path.read_text().splitlines())
        return Counter((self.number_of(row), row["segment_slug"]) for row in rows)


LYTICS_PATHS = [AudienceCopy, ChangesCopy, SystemEventsCopy, MetricsCopy, WebhookFile]
