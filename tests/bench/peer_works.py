"""The works that make bench measures: towpath's job, the peers that do the same, and the bars."""

from dataclasses import dataclass, field

from peer_columns import COLUMNS

JOB = """version = 1;
job = {{
  name = "{name}";
  source = {{ plugin = "csv"; path = "{source}"; }};
  columns = ( {columns} );
  sink = {{ {sink} }};
}};
"""


@dataclass
class Bar:
    """A figure of the work, and the least (most, where `most`) that it should be."""

    figure: str  # "MB/s" (bytes), "rows/s", "rss" (MiB), or a peer's name for the ratio of CPU time
    limit: float
    most: bool = False


@dataclass
class Work:
    name: str  # also of its job
    title: str
    kind: str  # of the input
    does: str  # what peer_tools.py knows it as
    peers: dict = field(default_factory=dict)  # name: share of the input that it is given
    bars: list = field(default_factory=list)
    gzip: bool = False  # the input
    env: dict = field(default_factory=dict)

    @property
    def writes_file(self):
        return self.does in ("ndjson", "csv.gz", "csv")

    def job(self, source, out, sink=None):
        columns = ", ".join(f'{{ name = "{name}"; type = "{type_}"; }}' for name, type_ in COLUMNS[self.kind].items())
        sink = sink or {"typed": 'plugin = "null";', "records": 'plugin = "records";'}.get(
            self.does, f'plugin = "file"; path = "{out}";'
        )
        return JOB.format(name=self.name, source=source, columns=columns, sink=sink)


AVX2 = {"TOWPATH_CSV_INDEX": "avx2"}
TYPED = {"duckdb": 1, "polars": 1, "pyarrow": 1, "python": 0.05}

WORKS = [
    Work("typed-wide", "csv to typed batches, wide", "wide", "typed", TYPED, [Bar("duckdb", 4)]),
    Work("typed-narrow", "csv to typed batches, narrow", "narrow", "typed", TYPED, [Bar("duckdb", 4)]),
    Work("typed-wide-avx2", "the same, wide, by AVX2", "wide", "typed", bars=[Bar("MB/s", 1500e6)], env=AVX2),
    Work("typed-narrow-avx2", "the same, narrow, by AVX2", "narrow", "typed", env=AVX2),
    Work("ndjson-narrow", "csv to ndjson, narrow", "narrow", "ndjson", {"duckdb": 1, "polars": 1, "miller": 0.2},
         [Bar("MB/s", 600e6), Bar("duckdb", 4), Bar("miller", 15), Bar("rss", 16, most=True)]),
    Work("gz-narrow", "csv to csv.gz, narrow", "narrow", "csv.gz", {"duckdb": 0.2, "polars": 1, "dlt": 0.2, "sling": 0.1},
         [Bar("MB/s", 320e6), Bar("duckdb", 10), Bar("polars", 3), Bar("rss", 16, most=True)]),
    Work("gz-wide", "csv to csv.gz, wide", "wide", "csv.gz", {"duckdb": 0.2, "polars": 1},
         [Bar("MB/s", 320e6), Bar("duckdb", 10), Bar("polars", 3), Bar("rss", 16, most=True)]),
    Work("gz-gz-narrow", "csv.gz to csv.gz, narrow", "narrow", "csv.gz", {"duckdb": 0.2, "polars": 1},
         [Bar("MB/s", 230e6), Bar("duckdb", 8), Bar("rss", 16, most=True)], gzip=True),
    Work("ttd", "csv to bodies for The Trade Desk", "audience", "ttd", bars=[Bar("rows/s", 4e6)]),
    Work("records", "csv to batches of Zerobus records", "narrow", "records", bars=[Bar("rows/s", 6e6)]),
]  # fmt: skip
