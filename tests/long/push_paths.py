"""Sinks that cannot tell a row that comes again: The Trade Desk, Zerobus, Lytics."""

from collections import Counter

from file_paths import TYPES, CsvSource
from helpers import columns
from path import STREAMS, TABLE, Path

TTD_COLUMNS = columns(
    'name = "id_type"; value = "TDID"',
    'name = "id_value"; from = "note"',
    'name = "segment_name"; from = "stream"',
    'name = "ttl_in_minutes"; from = "n"; type = "int32"',
)
TTD = 'plugin = "ttd"; endpoint = "advertiser"; advertiser_id = "a"; token = "${env:TTD_TOKEN}"; server_url = "${env:TTD_URL}";'


def steps_of(**match):
    """Before a request, in its middle, and when it is done and nobody knows; early and later."""
    return {
        f"{words} {what}": {"point": point, "skip": skip, **match, **more}
        for skip, what in ((0, "its first request"), (3, "a later request"))
        for words, point, more in (
            ("before", "before", {}),
            ("in the middle of", "receiving", {"after_bytes": 50}),
            ("after", "after", {}),
        )
    }


class TtdSink(Path):
    """Some ids are none, and The Trade Desk says so."""

    exact = False
    steps = steps_of(method="POST", path="^/data/")
    requests = "^/data/"

    @property
    def sink(self):
        return f"{TTD} batch_rows = {self.rng.choice([7, 50, 300])};"

    def note(self, number):
        if number % 89 == 5:
            self.bad.add(number)
            return f"none-{number}"
        return f"00000000-0000-0000-0000-{number:012}"

    def fields(self, number, note):
        return [STREAMS[number * 7919 % 5], "bad" if number % 97 == 13 else 60, note]

    def arrived(self):
        taken = (entry["item"]["TDID"] for entry in self.sandbox.ttd()["items"] if not entry["error_code"])
        return Counter((int(value[-12:]), value) for value in taken)


class CsvTtd(TtdSink, CsvSource):
    name = "csv-ttd"

    def set_up(self):
        self.job(self.source, self.sink, TTD_COLUMNS)


class CsvRouteTtd(CsvTtd):
    """A segment's rows each to an advertiser of its own."""

    name = "csv-route-ttd"

    def set_up(self):
        route = '  route = { by = "segment_name"; advertiser_id = "of-{segment_name}"; };'
        self.job(self.source, self.sink.replace(' advertiser_id = "a";', ""), f"{TTD_COLUMNS}\n{route}")


class CsvZerobus(CsvSource):
    name = "csv-zerobus"
    exact = False
    parallel = False
    steps = {
        "before its login": {"point": "before", "path": "/oidc/"},
        "before it has the table's columns": {"point": "before", "path": "/unity-catalog/"},
    }
    requests = "/oidc/|/unity-catalog/"

    def set_up(self):
        self.sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, stream STRING, n BIGINT, note STRING)")
        self.sandbox.set(zerobus_ack_seconds=self.rng.choice([0.0, 0.02]))
        self.tow.env |= {
            "DATABRICKS_AUTH_TYPE": "oauth-m2m",
            "ID": self.sandbox.client_id,
            "SECRET": self.sandbox.client_secret,
        }
        endpoint = self.via.get("zerobus", self.sandbox.zerobus_url)
        self.job(
            self.source,
            f'plugin = "zerobus"; endpoint = "{endpoint}"; workspace_id = "1"; table = "{TABLE}"; proxy = "";'
            ' client_id = "${env:ID}"; client_secret = "${env:SECRET}"; recovery_backoff_ms = 10;'
            f' max_ingest_payload_bytes = {self.rng.choice([2000, 100000])};'
            f' format = "{self.rng.choice(["proto", "json"])}";',
            TYPES,
        )

    def arrived(self):
        return Counter((int(number), note) for number, note in self.sandbox.sql(f"SELECT id, note FROM {TABLE}"))


class CsvLytics(CsvSource):
    name = "csv-lytics"
    exact = False
    steps = steps_of(path="/collect/")
    requests = "/collect/"
    forms = ['format = "csv";', 'format = "json";', "dryrun_first = true;", "gzip = false;"]

    def set_up(self):
        form = self.rng.choice(self.forms)
        self.job(
            self.source,
            'plugin = "lytics"; token = "${env:LYTICS_TOKEN}"; api_url = "${env:LYTICS_API_URL}";'
            f' bulk_url = "${{env:LYTICS_BULK_URL}}"; rate_wait = "1ms"; stream = "s"; timestamp_field = ""; {form}',
            TYPES,
        )

    def arrived(self):
        records = self.sandbox.lytics()["streams"].get("s", [])
        return Counter((int(record["id"]), record["note"]) for record in records)


PUSH_PATHS = [CsvTtd, CsvRouteTtd, CsvZerobus, CsvLytics]
