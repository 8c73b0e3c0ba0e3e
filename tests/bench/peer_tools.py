"""One run of a peer, as make bench starts it: python peer_tools.py TOOL WORK KIND INPUT OUTPUT

WORK is typed (values of all columns, and nothing done with them), ndjson or csv.gz. Prints one line of JSON:
rows, and the seconds by the clock and of CPU from after the imports on, so that starting Python counts for
nothing. Each peer is set to one thread and to what is fastest in it.
"""

import json
import os
import sys
import time
from pathlib import Path

from peer_columns import COLUMNS

DUCKDB = {"int64": "BIGINT", "int32": "INTEGER", "float64": "DOUBLE", "string": "VARCHAR", "bool": "BOOLEAN",
          "timestamp": "TIMESTAMP", "date": "DATE"}  # fmt: skip


def use_duckdb():
    import duckdb

    def run(work, kind, source, out):
        db = duckdb.connect()
        db.execute("SET threads = 1")
        types = {name: DUCKDB[type_] for name, type_ in COLUMNS[kind].items()}
        rows = f"read_csv('{source}', header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {types})"
        if work == "typed":
            asked = ", ".join(f"max({name})" for name in types)
            return db.execute(f"SELECT count(*), {asked} FROM {rows}").fetchone()[0]
        how = "FORMAT json" if work == "ndjson" else "FORMAT csv, HEADER, COMPRESSION gzip"
        return db.execute(f"COPY (SELECT * FROM {rows}) TO '{out}' ({how})").fetchone()[0]

    return run


def use_polars():
    import polars as pl

    types = {"int64": pl.Int64, "int32": pl.Int32, "float64": pl.Float64, "string": pl.String, "bool": pl.Boolean,
             "timestamp": pl.String, "date": pl.Date}  # fmt: skip

    def run(work, kind, source, out):
        times = [name for name, type_ in COLUMNS[kind].items() if type_ == "timestamp"]
        frame = pl.scan_csv(source, schema={name: types[type_] for name, type_ in COLUMNS[kind].items()})
        # "%+" is the fastest of the ways to read these.
        frame = frame.with_columns(pl.col(times).str.to_datetime("%+", time_unit="us"))
        if work == "ndjson":
            return frame.sink_ndjson(out)
        if work == "csv.gz":
            return frame.sink_csv(out, compression="gzip", compression_level=1)
        asked = frame.select(pl.len().alias("rows"), pl.all().max())
        return asked.collect(engine="streaming")["rows"][0]

    return run


def arrow_rows(kind, source):
    """Typed batches of pyarrow."""
    import pyarrow as pa
    from pyarrow import csv

    types = {"int64": pa.int64(), "int32": pa.int32(), "float64": pa.float64(), "string": pa.string(), "bool": pa.bool_(),
             "timestamp": pa.timestamp("ms", "UTC"), "date": pa.date32()}  # fmt: skip
    return csv.open_csv(
        source,
        read_options=csv.ReadOptions(use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types={name: types[type_] for name, type_ in COLUMNS[kind].items()},
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def use_pyarrow():
    import pyarrow.csv  # noqa: F401

    return lambda _work, kind, source, _out: sum(batch.num_rows for batch in arrow_rows(kind, source))


def use_python():
    import csv
    from datetime import date, datetime

    types = {"int64": int, "int32": int, "float64": float, "string": str, "bool": "true".__eq__,
             "timestamp": datetime.fromisoformat, "date": date.fromisoformat}  # fmt: skip

    def run(_work, kind, source, _out):
        converters = [types[type_] for type_ in COLUMNS[kind].values()]
        rows = 0
        with open(source, newline="") as file:
            lines = csv.reader(file)
            next(lines)
            for line in lines:
                _ = [convert(value) if value else None for convert, value in zip(converters, line, strict=True)]
                rows += 1
        return rows

    return run


def use_dlt():
    folder = Path(os.environ["BENCH_SCRATCH"]) / "dlt"
    os.environ.update(
        RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR", DLT_DATA_DIR=str(folder), DLT_PROJECT_DIR=str(folder),
        EXTRACT__WORKERS="1", NORMALIZE__WORKERS="1", LOAD__WORKERS="1",
    )  # fmt: skip
    import dlt
    import pyarrow as pa
    import pyarrow.csv  # noqa: F401
    from dlt.destinations import filesystem

    def run(_work, kind, source, out):
        @dlt.resource
        def rows():
            for batch in arrow_rows(kind, source):
                yield pa.Table.from_batches([batch])

        target = filesystem(bucket_url=f"file://{folder}/out")
        pipeline = dlt.pipeline("bench", destination=target, dataset_name="d", pipelines_dir=str(folder / "pipelines"))
        pipeline.run(rows(), table_name="t", loader_file_format="csv", write_disposition="replace")
        (file,) = (folder / "out/d/t").iterdir()
        file.rename(out)

    return run


def main():
    tool, work, kind, source, out = sys.argv[1:]
    run = {"duckdb": use_duckdb, "polars": use_polars, "pyarrow": use_pyarrow, "python": use_python, "dlt": use_dlt}[tool]()
    wall, cpu = time.monotonic(), time.process_time()
    rows = run(work, kind, source, out)
    print(json.dumps({"rows": rows, "wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
