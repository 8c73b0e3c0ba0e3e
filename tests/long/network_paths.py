"""Where the network campaign puts its proxy: a path of data, the server that it talks to, and how."""

import gzip
import re
from dataclasses import dataclass

from file_paths import EventsSource, FileSink
from lake_paths import CsvCopyAppend, DatabricksFile
from path import RETRY
from paths import PATHS
from push_paths import CsvLytics, CsvZerobus

BUCKET = "campaign"
# A broken network costs seconds, not minutes.
QUICK = '  retry = { base = "1ms"; cap = "20ms"; budget = "8s"; tries = 5; };'
LAKE_WAITS = 'connect_timeout = "1s"; stall_timeout = "1s"; start_timeout = "4s";'
WAITS = {
    "databricks": LAKE_WAITS,
    "databricks_copy": LAKE_WAITS,
    "events": 'connect_timeout = "1s"; stall_timeout = "1s";',
    "ttd": 'timeout = "1s";',
    "zerobus": "recovery_timeout_ms = 1000; server_lack_of_ack_timeout_ms = 1000; keepalive_ms = 300;"
    " keepalive_timeout_ms = 500; flush_timeout_ms = 4000; recovery_retries = 1;",
    **{f"lytics{rest}": 'timeout = "1s";' for rest in ("", "_audience", "_audience_changes", "_metrics", "_system_events")},
}


class DatabricksInline(DatabricksFile):
    """Rows within the statement's own answer, as JSON."""

    name = "databricks-inline-file"
    source = DatabricksFile.source + ' result = "inline";'


class EventsBucketFile(EventsSource, FileSink):
    """Exports in a bucket; plain ones have nothing of their own that tells whether they are whole."""

    name = "events-s3-file"
    needs_sandbox = True
    text_column = "data"

    def set_up(self):
        endpoint = self.via.get("s3", self.sandbox.s3_endpoint)
        self.job(f'plugin = "events"; path = "s3://{BUCKET}/in/"; aws_endpoint = "{endpoint}";', self.sink)

    def write_events(self, name, text):
        pack = self.rng.random() < 0.3
        path = self.sandbox.folder() / "s3" / BUCKET / "in" / (name + (".gz" if pack else ""))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if pack else text.encode())


class CopyFromBucket(CsvCopyAppend):
    """Parts in a bucket, and COPY INTO."""

    name = "csv-copy-s3"
    stage = f"s3://{BUCKET}/stage"

    @property
    def sink_options(self):
        return f'aws_endpoint = "{self.via.get("s3", self.sandbox.s3_endpoint)}"; aws_keys_in_sql = true;'

    def far_left_over(self):
        staged = (self.sandbox.folder() / "s3" / BUCKET).rglob("*.gz")
        return [f"{path.name} is staged" for path in staged]


class LyticsGzip(CsvLytics):
    """That an upload was cut within its last row is seen by what is compressed or encrypted alone."""

    forms = CsvLytics.forms[:-1]


class ZerobusTls(CsvZerobus):
    name = "csv-zerobus-tls"

    def set_up(self):
        self.via.setdefault("zerobus", self.sandbox.zerobus_tls_url)
        super().set_up()
        edit(self.tow, "zerobus", f'ca_file = "{self.sandbox.zerobus_ca}";')


@dataclass
class Place:
    """A path, and the server behind the proxy: a key of Path.prepare's `via`."""

    path: type
    server: str
    kind: str = "http"

    @property
    def name(self):
        return f"{self.path.name}@{self.server}" + ("" if self.kind == "http" else f":{self.kind}")

    def url(self, sandbox):
        if self.path is ZerobusTls:
            return sandbox.zerobus_tls_url
        return {
            "workspace": sandbox.url,
            "storage": sandbox.storage_url,
            "s3": sandbox.s3_endpoint,
            "lytics": sandbox.lytics_url,
            "bulk": sandbox.lytics_bulk_url,
            "zerobus": sandbox.zerobus_url,
        }[self.server]


def edit(tow, plugin, options):
    """Puts options behind the name of a plugin in job.cfg."""
    text = (tow.folder / "job.cfg").read_text()
    tow.write("job.cfg", re.sub(rf'plugin = "{plugin}";', lambda found: f"{found[0]} {options}", text))


def hurry(tow):
    """Short waits and few tries, so that what does not answer is soon given up."""
    for plugin, options in WAITS.items():
        edit(tow, plugin, options)
    text = (tow.folder / "job.cfg").read_text()
    assert RETRY in text
    tow.write("job.cfg", text.replace(RETRY, QUICK))


def drain(tow, wait):
    """How long what is in flight may take once the run is told to stop."""
    text = (tow.folder / "job.cfg").read_text()
    tow.write("job.cfg", text.replace("pipeline = {", f'pipeline = {{ drain = "{wait}";'))


HTTP_PLACES = [
    Place(PATHS["databricks-file"], "workspace"),
    Place(PATHS["databricks-file"], "storage"),
    Place(DatabricksInline, "workspace"),
    Place(PATHS["csv-copy-append"], "workspace"),
    Place(PATHS["csv-copy-merge"], "workspace"),
    Place(CopyFromBucket, "s3"),
    Place(EventsBucketFile, "s3"),
    Place(PATHS["csv-ttd"], "workspace"),
    Place(LyticsGzip, "bulk"),
    Place(PATHS["lytics_audience-copy"], "lytics"),
    Place(PATHS["lytics_audience_changes-copy"], "lytics"),
    Place(PATHS["lytics_system_events-copy"], "lytics"),
    Place(PATHS["lytics_metrics-copy"], "lytics"),
    Place(CsvZerobus, "workspace"),
]
FRAME_PLACES = [Place(CsvZerobus, "zerobus", "frames")]
RAW_PLACES = [Place(CsvZerobus, "zerobus", "raw"), Place(ZerobusTls, "zerobus", "raw")]
PLACES = {place.name: place for place in [*HTTP_PLACES, *FRAME_PLACES, *RAW_PLACES]}
