"""Metrics: GET and POST /v2/metric, in buckets."""

import json
import time
from collections.abc import Callable
from typing import Any

from towpath_sandbox.lytics import moments
from towpath_sandbox.lytics.answers import new, refuse_new
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import Request, Response

DIMENSIONS = frozenset(
    (
        "segment experience experiencegroup stream flow inflight works auths bandit attribution "
        "contentenrich acct_quotas segmovement cooccurrent_counts cloudconnect_connections "
        "cloudconnect_tablesync cloudconnect_segmentsync e2e_profile_latency e2e_trigger_latency "
        "segmentmodel_summaries_ts accountgoalcount accountgoalvalue"
    ).split()
)
AGGREGATIONS: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "max": max,
    "min": min,
    "first": lambda values: values[0],
    "diff": lambda values: values[-1] - values[0],
    "smooth": lambda values: sum(values) / len(values),
}
REQUESTS_MAX = 100
BUCKETS_MAX = 200_000


class Metrics:
    """Points, of which those up to now are seen. A bucket that is still open grows with the time."""

    def __init__(self) -> None:
        self._points: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
        self._broken: set[str] = set()
        self._cache: dict[str, dict[str, Any]] = {}

    def seed(self, points: list[dict[str, Any]]) -> None:
        for point in points:
            key = (point["dimension"], point["dimension_id"], point["dimension_type"])
            at = point["ts"] if isinstance(point["ts"], int) else moments.parse(point["ts"]) // 1000
            self._points.setdefault(key, []).append((at * 1000, point["value"]))
            self._points[key].sort()

    def break_ids(self, ids: list[str]) -> None:
        """Ids whose answers have errors; replaces those before."""
        self._broken = set(ids)

    def answer(self, request: Request, settings: Settings) -> Response:
        if request.method == "GET":
            query = {**request.query}
            for name in ("include_empty_rows", "refresh_cache"):
                query[name] = query.get(name) == "true"  # type: ignore[assignment]
            return new([self._one(query, settings)])
        try:
            wanted = json.loads(request.read())
        except ValueError:
            raise refuse_new(400, "the body is no JSON", "JSON-BADREQ-025") from None
        if not isinstance(wanted, list) or not wanted or len(wanted) > REQUESTS_MAX:
            raise refuse_new(400, f"the body must be an array of 1 to {REQUESTS_MAX} requests")
        return new([self._one(one, settings) for one in wanted])

    def _one(self, wanted: dict[str, Any], settings: Settings) -> dict[str, Any]:
        for name in ("dimension", "dimension_id", "dimension_type", "aggregation"):
            if not isinstance(wanted.get(name), str) or not wanted[name]:
                raise refuse_new(400, f"{name} is required")
        if wanted["dimension"] not in DIMENSIONS:
            raise refuse_new(400, f"unknown dimension {wanted['dimension']}")
        if wanted["aggregation"] not in AGGREGATIONS:
            raise refuse_new(400, f"unknown aggregation {wanted['aggregation']}")
        key = json.dumps({name: wanted[name] for name in sorted(wanted) if name != "refresh_cache"})
        if key in self._cache and not wanted.get("refresh_cache"):
            return {**self._cache[key], "is_cached": True}
        result = {**wanted, **self._values(wanted, settings)}
        self._cache[key] = result
        return {**result, "is_cached": False}

    def _values(self, wanted: dict[str, Any], settings: Settings) -> dict[str, Any]:
        if wanted["dimension_id"] in self._broken:
            return {"values": None, "errors": [f"no series for {wanted['dimension_id']}"]}
        now = int(settings.lytics_now * 1_000_000) or time.time_ns() // 1000
        start, end, step = self._range(wanted, now)
        points = self._points.get(
            (wanted["dimension"], wanted["dimension_id"], wanted["dimension_type"]), []
        )
        buckets: dict[int, list[float]] = {}
        if wanted.get("include_empty_rows"):
            buckets = {at: [] for at in range(start - start % step, end, step)}
        for at, value in points:
            if start <= at < end and at <= now:
                buckets.setdefault(at - at % step, []).append(value)
        aggregate = AGGREGATIONS[wanted["aggregation"]]
        values = [
            {"ts": str(at // 1000), "value": aggregate(found) if found else 0}
            for at, found in sorted(buckets.items())
        ]
        return {"values": values, "sum": sum(item["value"] for item in values)}

    @staticmethod
    def _range(wanted: dict[str, Any], now: int) -> tuple[int, int, int]:
        try:
            step = int(moments.span(wanted.get("interval", "2h")).total_seconds() * 1_000_000)
            if "range" in wanted:
                start, end = moments.friendly("now-" + wanted["range"], now), now
            else:
                start = moments.friendly(wanted["start_date"], now)
                end = moments.friendly(wanted["end_date"], now)
        except (KeyError, TypeError, ValueError) as error:
            raise refuse_new(400, f"range or dates: {error}") from error
        if start > end or (end - start) // step > BUCKETS_MAX:
            raise refuse_new(400, "the range is empty, or has too many buckets")
        return start, end, step
