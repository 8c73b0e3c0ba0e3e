"""The columns of the inputs that tests/bench/gen makes, and of what becomes of them."""

COLUMNS = {
    "narrow": {
        "id": "int64", "ts": "timestamp", "amount": "float64", "score": "float64",
        "segment": "string", "active": "bool", "day": "date", "note": "string",
    },
    "wide": {
        "id": "int64", "uid": "string", "email_sha256": "string", "segment": "string", "ttl": "int32",
        "event_ts": "timestamp", "day": "date", "value": "float64", "active": "bool", "note": "string",
        "code": "string", "quantity": "int32", "score": "float64", "updated_ts": "timestamp",
        "source": "string", "opt_out": "bool", "total": "float64", "region": "string",
        "weight": "float64", "last_day": "date",
    },
    "audience": {
        "id_type": "string", "id_value": "string", "segment_name": "string",
        "timestamp_utc": "timestamp", "ttl_in_minutes": "int32",
    },
}  # fmt: skip

# About so many bytes has a row.
ROW_BYTES = {"narrow": 97.8, "wide": 292.5, "audience": 91.5}
