"""What can be set: by flag at the start, and at run time by POST /_sandbox/settings."""

import argparse
from dataclasses import dataclass, field, fields, replace
from typing import Any


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Settings:
    # Only at the start.
    port: int = _setting(0, "port of the workspace; 0: any free one")
    storage_port: int = _setting(0, "port that external links point to; 0: any free one")
    root: str = _setting("", "folder of volumes and buckets; none: one that is removed at the end")

    # Logging in.
    token: str = _setting("dapi-sandbox", "the personal access token")
    client_id: str = _setting("sandbox-client", "of the service principal")
    client_secret: str = _setting("sandbox-secret", "of the service principal")
    token_seconds: float = _setting(3600.0, "how long an OAuth token lives")

    # The warehouse.
    warehouse_id: str = _setting("5a4db0c5a4db0c00", "the only SQL warehouse")
    warehouse_state: str = _setting("RUNNING", "its state at the start: RUNNING, STOPPED, DELETED")
    warehouse_polls: int = _setting(0, "polls (of it or of a statement) that it takes to start")
    warehouse_seconds: float = _setting(0.0, "time that it takes to start")
    warehouse_starts: bool = _setting(True, "whether it ever does")
    statement_polls: int = _setting(0, "polls that find a finished statement still RUNNING")
    strict_names: bool = _setting(
        False, "catalogs, schemas and volumes must be created; else they appear when named"
    )
    timezone: str = _setting("Etc/UTC", "the session's time zone")

    # Results.
    chunk_rows: int = _setting(0, "rows of a chunk at most; 0: chunk_bytes decides")
    chunk_bytes: int = _setting(20_000_000, "bytes of a chunk at most, uncompressed")
    batch_bytes: int = _setting(1 << 20, "bytes of a record batch in a chunk, about")
    padding_rows: int = _setting(0, "rows in an Arrow chunk beyond its row_count")
    compression: bool = _setting(True, "whether result_compression is honoured")
    external_links: bool = _setting(True, "whether the workspace allows EXTERNAL_LINKS")
    link_seconds: float = _setting(899.0, "how long a link lives")
    link_uses: int = _setting(0, "how often a link can be used; 0: without limit")
    link_headers: bool = _setting(False, "whether links want the http_headers that came with them")
    link_url: str = _setting("", "where links point to, instead of the storage port")
    inline_limit: int = _setting(26_214_400, "bytes of an INLINE result at most")
    retention_seconds: float = _setting(3600.0, "how long a result is kept")

    # Files.
    page_size: int = _setting(1000, "entries of a folder's listing at most")
    access_key: str = _setting("AKIASANDBOX", "of the S3 buckets")
    secret_key: str = _setting("sandbox-secret-key", "of the S3 buckets")
    session_token: str = _setting("", "of the S3 buckets; none: not asked for")
    region: str = _setting("us-east-1", "of the S3 buckets")
    s3_page: int = _setting(1000, "keys of a page of a bucket's list at most")

    # Zerobus.
    zerobus_ack_requests: int = _setting(1, "requests that one acknowledgement is for; 0: none comes")
    zerobus_ack_seconds: float = _setting(0.0, "how long an acknowledgement takes")
    zerobus_close_requests: int = _setting(0, "requests after which a stream is signalled to close; 0: never")
    zerobus_close_seconds: float = _setting(1.0, "how long it may go on then")
    zerobus_fail_requests: int = _setting(0, "requests after which a stream ends with an error; 0: never")
    zerobus_fail_code: int = _setting(14, "the error's code")
    zerobus_poison: str = _setting("", "a record that holds this is refused")

    # The Trade Desk.
    ttd_token: str = _setting("ttd-sandbox", "its API token")
    ttd_allowed: bool = _setting(True, "whether the token may use the endpoints")
    ttd_max_bytes: int = _setting(4_000_000, "bytes of a request, uncompressed, at most")

    # Lytics.
    lytics_token: str = _setting("at.sandbox.lytics", "its API token")
    lytics_account_id: str = _setting("5a4db0c5a4db0c5a4db0c5a4db0c0000", "the account's id")
    lytics_aid: int = _setting(1234, "the account's number")
    lytics_text_status: bool = _setting(False, 'whether answers of version 1 have "success" as status')
    lytics_next_name: str = _setting("_next", "what a scan calls the next page's token: _next or next")
    lytics_cursor_seconds: float = _setting(300.0, "how long a page token lives")
    lytics_cursor_pages: int = _setting(0, "pages after which a scan's tokens are refused; 0: never")
    lytics_event_order: str = _setting("desc", "order of system events by time: asc or desc")
    lytics_event_bounds: str = _setting("exclusive", "whether before and after are exclusive or inclusive")
    lytics_event_meta: bool = _setting(True, "whether pages of events say that there are more")
    lytics_now: float = _setting(0.0, "the time by which metrics are seen, seconds since 1970; 0: the clock's")
    lytics_api_bytes: int = _setting(10_000_000, "bytes of an upload to the API's host at most")
    lytics_bulk_bytes: int = _setting(1_000_000_000, "bytes of one to the bulk host at most")
    lytics_record_bytes: int = _setting(16_384, "bytes of a record at most")


FIXED = frozenset({"port", "storage_port", "root"})


class BadSetting(ValueError):
    """A setting that there is not, or a value that it cannot have."""


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """The settings with these changes, each of which must have its setting's type."""
    types = {item.name: type(item.default) for item in fields(Settings)}
    for name, value in changes.items():
        if name not in types or name in FIXED:
            raise BadSetting(f"no setting {name!r} can be changed")
        wanted = (int, float) if types[name] is float else types[name]
        if not isinstance(value, wanted) or (isinstance(value, bool) and types[name] is not bool):
            raise BadSetting(f"{name} is a {types[name].__name__}, not {value!r}")
    return replace(settings, **changes)


def from_arguments(arguments: list[str] | None = None) -> Settings:
    parser = argparse.ArgumentParser(prog="towpath_sandbox", description=__doc__)
    for item in fields(Settings):
        name = "--" + item.name.replace("_", "-")
        text = item.metadata["help"] + (f" ({item.default})" if item.default != "" else "")
        if isinstance(item.default, bool):
            parser.add_argument(name, default=item.default, action=argparse.BooleanOptionalAction, help=text)
        else:
            parser.add_argument(name, default=item.default, type=type(item.default), help=text)
    return Settings(**vars(parser.parse_args(arguments)))
