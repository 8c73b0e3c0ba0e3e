"""Lytics, by hand: shapes and rules as its API documents them."""

import gzip
import json
from urllib.parse import urlencode

import pytest
from towpath_sandbox.lytics import moments
from towpath_sandbox.lytics.strictcsv import BadCsv, records


class Lytics:
    def __init__(self, sandbox):
        self.sandbox = sandbox

    def raw(self, method, path, body=None, token=None, content="application/json", **query):
        headers = {"Authorization": self.sandbox.lytics_token if token is None else token}
        if body is not None:
            headers["Content-Type"] = content
        path += "?" + urlencode(query) if query else ""
        status, _, data = self.sandbox.request(method, path, body, headers, login=False)
        return status, json.loads(data)

    def get(self, path, **query):
        status, answer = self.raw("GET", path, **query)
        assert status == 200, answer
        return answer

    def refused(self, method, path, status, body=None, **query):
        got, answer = self.raw(method, path, body, **query)
        assert got == status, answer
        return answer

    def upload(self, stream, body, content="application/csv", code=200, **query):
        data = body.encode() if isinstance(body, str) else body
        status, answer = self.raw("POST", f"/bulk/collect/bulk/{stream}", data, content=content, **query)
        assert status == code, answer
        return answer


@pytest.fixture
def lytics(sandbox):
    return Lytics(sandbox)


# -- envelopes -------------------------------------------------------------------------------------


def test_a_wrong_token_is_refused_in_the_shape_of_version_1_everywhere(lytics):
    for path in ("/api/account", "/v2/segment", "/v2/event"):
        for token, words in (("x", "Not authorized"), ("at.x.y", "Expired Token"), ("Bearer at.x", "Not")):
            status, answer = lytics.raw("GET", path, token=token)
            assert status == 401
            assert set(answer) == {"message", "status"}
            assert answer["message"].startswith(words)


def test_both_versions_have_their_envelopes(lytics):
    assert set(lytics.get("/api/account")) == {"data", "status", "message"}
    assert set(lytics.get("/v2/segment")) == {"data", "status", "request_id"}
    refused = lytics.refused("GET", "/v2/segment/none", 404)
    assert refused["errors"][0]["code"] == "NOTFOUND-003"
    assert lytics.refused("GET", "/api/account/none", 404)["message"] == "no account none"
    lytics.sandbox.set(lytics_text_status=True)
    assert lytics.get("/api/account")["status"] == "success"


def test_a_missing_audience_is_not_found_with_a_200(lytics):
    assert lytics.get("/api/segment/none/scan") == {"data": None, "status": 200, "message": "Not Found"}


def test_an_account_is_known_by_id_and_number(lytics):
    account = lytics.get("/api/account/1234")["data"]
    assert account["aid"] == 1234
    assert lytics.get(f"/api/account/{account['id']}")["data"] == account
    assert lytics.get("/v2/segment", account_id=account["id"])["data"] == []
    assert lytics.refused("GET", "/v2/segment", 403, account_id="x")["errors"][0]["code"] == "FORBIDDEN-026"


# -- audiences -------------------------------------------------------------------------------------


def members(count):
    return [{"_uid": str(i), "n": i, "name": f"name {i}"} for i in range(count)]


@pytest.fixture
def audience(lytics):
    lytics.sandbox.seed(
        segments=[
            {"id": "s1", "slug_name": "vip", "members": members(25)},
            {"id": "s2", "slug_name": "broken", "invalid": True},
        ]
    )
    return lytics


def scan(lytics, name="vip", key="_next", **query):
    rows, start = [], {}
    while True:
        answer = lytics.get(f"/api/segment/{name}/scan", **query, **start)
        rows += answer["data"] or []
        if not answer[key]:
            return rows
        start = {"start": answer[key]}


def test_audiences_are_listed_and_found(audience):
    (only,) = audience.get("/v2/segment", table="user", kind="segment", valid="true", sizes="true")["data"]
    assert (only["id"], only["slug_name"], only["size"]) == ("s1", "vip", 25)
    assert len(audience.get("/v2/segment", valid="all")["data"]) == 2
    assert audience.get("/v2/segment/s1", sizes="true")["data"] == only
    assert audience.get("/api/segment/vip/size")["data"][0]["size"] == 25


def test_a_scan_brings_all_members_page_by_page(audience):
    assert scan(audience) == members(25)
    assert scan(audience, limit=100) == members(25)
    assert scan(audience, fields="n") == [{"n": i} for i in range(25)]
    assert scan(audience, sortfield="name", sortorder="desc", limit=7)[0]["name"] == "name 9"
    assert len(audience.get("/api/segment/vip/scan")["data"]) == 10
    assert audience.get("/api/segment/vip/scan")["total"] == 25
    audience.sandbox.set(lytics_next_name="next")
    assert scan(audience, key="next") == members(25)
    audience.refused("GET", "/api/segment/vip/scan", 400, limit=101)


def test_a_scan_tells_memberships_when_asked(audience):
    assert scan(audience, segments="true", fields="n")[3] == {"n": 3, "segments": ["vip"]}


def test_splits_are_disjoint_and_complete(audience):
    parts = [scan(audience, splits=",".join(map(str, range(at, at + 25)))) for at in range(0, 100, 25)]
    assert sorted(row["n"] for part in parts for row in part) == list(range(25))
    assert sum(1 for part in parts if part) > 1


def test_page_tokens_expire(audience):
    token = audience.get("/api/segment/vip/scan")["_next"]
    audience.refused("GET", "/api/segment/vip/scan", 400, start=token, fields="n")
    audience.get("/api/segment/vip/scan", start=token)
    audience.sandbox.expire_cursors()
    assert "expired" in audience.refused("GET", "/api/segment/vip/scan", 400, start=token)["message"]
    audience.sandbox.set(lytics_cursor_pages=1)
    token = audience.get("/api/segment/vip/scan")["_next"]
    audience.refused("GET", "/api/segment/vip/scan", 400, start=token)


def test_fields_have_types_in_both_versions(lytics):
    lytics.sandbox.seed(
        fields=[{"id": "email", "type": "string", "is_identifier": True}, {"id": "tags", "type": "[]string"}]
    )
    assert [item["id"] for item in lytics.get("/v2/schema/user/field")["data"]] == ["email", "tags"]
    assert [item["id"] for item in lytics.get("/v2/schema/user/field", filter="nonscalar")["data"]] == ["tags"]
    assert lytics.get("/v2/schema/user/fieldnames")["data"] == ["email", "tags"]
    old = lytics.get("/api/schema/user")["data"]
    assert old["by_fields"] == ["email"]
    assert [(item["as"], item["type"]) for item in old["columns"]] == [("email", "string"), ("tags", "[]string")]


# -- system events ---------------------------------------------------------------------------------


def event(number, second, **members):
    return {"id": f"e{number}", "timestamp": f"2026-01-01T00:00:{second:02d}Z", **members}


def page(lytics, **query):
    return [item["id"] for item in lytics.get("/v2/event", **query)["data"]]


def test_system_events_are_filtered_ordered_and_paged(lytics):
    lytics.sandbox.seed(
        events=[event(i, i, subject_type="work", subject_id=f"w{i % 2}", verb="status") for i in range(30)]
    )
    assert page(lytics)[0] == "e29"
    assert len(page(lytics)) == 20
    lytics.sandbox.set(lytics_event_order="asc")
    assert page(lytics, start=28) == ["e28", "e29"]
    assert page(lytics, id="w1", type="work", limit=2) == ["e1", "e3"]
    assert page(lytics, type="auth") == []
    between = {"after": "2026-01-01T00:00:03Z", "before": "2026-01-01T01:00:06+01:00"}
    assert page(lytics, **between) == ["e4", "e5"]
    lytics.sandbox.set(lytics_event_bounds="inclusive")
    assert page(lytics, **between) == ["e3", "e4", "e5", "e6"]
    assert lytics.get("/v2/event/e7")["data"]["subject_id"] == "w1"
    for query in ({"limit": 101}, {"type": "x"}, {"verb": "x"}, {"after": "yesterday"}, {"start": -1}):
        lytics.refused("GET", "/v2/event", 400, **query)


def test_events_arrive_between_two_pages(lytics):
    lytics.sandbox.seed(events=[event(1, 1), event(2, 2)], arriving_events=[event(3, 3)])
    assert page(lytics, limit=1) == ["e2"]
    assert page(lytics, limit=1, start=1) == ["e2"]


# -- metrics ---------------------------------------------------------------------------------------

HOUR = 3_600_000
NOON = 1_767_268_800_000  # 2026-01-01T12:00:00Z


def metric(lytics, **members):
    wanted = {
        "dimension": "segment",
        "dimension_id": "s1",
        "dimension_type": "size",
        "aggregation": "max",
        "start_date": "2026-01-01T08:00:00Z",
        "end_date": "2026-01-01T14:00:00Z",
        **members,
    }
    status, answer = lytics.raw("POST", "/v2/metric", [wanted])
    assert status == 200, answer
    (result,) = answer["data"]
    return result


def test_metrics_come_in_buckets_of_which_the_last_is_open(lytics):
    points = [(NOON - 3 * HOUR, 5), (NOON - 2 * HOUR, 7), (NOON - HOUR, 6), (NOON, 1), (NOON + HOUR, 2)]
    lytics.sandbox.seed(
        metrics=[
            {"dimension": "segment", "dimension_id": "s1", "dimension_type": "size", "ts": at, "value": value}
            for at, value in points
        ]
    )
    lytics.sandbox.set(lytics_now=NOON / 1000 + 1800)
    assert metric(lytics)["values"] == [
        {"ts": str(NOON - 4 * HOUR), "value": 5},
        {"ts": str(NOON - 2 * HOUR), "value": 7},
        {"ts": str(NOON), "value": 1},
    ]
    assert metric(lytics, interval="1h", aggregation="sum", include_empty_rows=True)["values"][0]["value"] == 0
    lytics.sandbox.set(lytics_now=NOON / 1000 + 7200)
    assert metric(lytics)["is_cached"]
    assert metric(lytics)["values"][-1]["value"] == 1
    assert metric(lytics, refresh_cache=True)["values"][-1]["value"] == 2
    assert metric(lytics, dimension_id="none")["values"] == []
    lytics.sandbox.seed(broken_metric_ids=["s1"])
    assert metric(lytics, refresh_cache=True)["errors"] == ["no series for s1"]


def test_metric_requests_that_cannot_be_are_refused(lytics):
    for change in ({"dimension": "x"}, {"aggregation": "x"}, {"start_date": "x"}, {"dimension_id": ""}):
        body = {"dimension": "segment", "dimension_id": "s", "dimension_type": "t", "aggregation": "sum"}
        body.update({"start_date": "2026-01-01", "end_date": "now", **change})
        lytics.refused("POST", "/v2/metric", 400, [body])
    lytics.refused("POST", "/v2/metric", 400, [])


def test_ids_of_dimensions_are_listed(lytics):
    lytics.sandbox.seed(streams=["b", "a"], jobs=[{"id": "w1"}], auths=[{"id": "a1"}], flows=[{"id": "f1"}])
    assert lytics.get("/v2/stream/names")["data"] == ["a", "b"]
    assert lytics.get("/v2/job", show_all="true")["data"] == [{"id": "w1"}]
    assert lytics.get("/v2/auth")["data"] == [{"id": "a1"}]
    assert lytics.get("/v2/flow/ui")["data"] == [{"id": "f1"}]


# -- uploads ---------------------------------------------------------------------------------------


def test_csv_is_taken_plain_and_packed(lytics):
    text = 'id,name\n1,"A ""b"", c"\r\n\n2,\n'
    answer = lytics.upload("web", text, timestamp_field="id", filename="a.csv")
    assert (answer["data"]["message_count"], answer["data"]["rejected_count"]) == (2, 0)
    assert answer["data"]["filename"] == "a.csv"
    lytics.upload("web", gzip.compress(text.encode()), append='{"source":"x"}')
    taken = lytics.sandbox.lytics()
    assert taken["streams"]["web"] == [
        {"id": "1", "name": 'A "b", c'},
        {"id": "2", "name": ""},
        {"id": "1", "name": 'A "b", c', "source": "x"},
        {"id": "2", "name": "", "source": "x"},
    ]
    assert [line["gzip"] for line in taken["uploads"]] == [False, True]
    assert lytics.get("/v2/stream/web")["data"]["count"] == 4


def test_csv_that_breaks_off_leaves_what_came_before(lytics):
    text = 'id,name\n1,a\n2,b"c\n3,d\n'
    assert "line 3" in lytics.upload("web", text, code=400)["message"]
    assert lytics.sandbox.lytics()["streams"]["web"] == [{"id": "1", "name": "a"}]
    answer = lytics.upload("all", text, droperrors="true")
    assert (answer["data"]["message_count"], answer["data"]["rejected_count"]) == (2, 1)


def test_a_dry_run_takes_nothing(lytics):
    assert lytics.upload("web", "id\n1\n", dryrun="true")["data"]["message_count"] == 1
    assert lytics.sandbox.lytics()["streams"] == {}


def test_uploads_have_limits(lytics):
    lytics.sandbox.set(lytics_api_bytes=10, lytics_record_bytes=20)
    status, answer = lytics.raw("POST", "/collect/bulk/web", b"id\n" + b"1\n" * 10, content="application/csv")
    assert status == 413, answer
    answer = lytics.upload("web", "id\n" + "x" * 30 + "\n1\n", droperrors="true")
    assert answer["data"]["rejected_count"] == 1
    lytics.upload("web", "id\n", content="text/plain", code=400)
    lytics.upload("web", "id\n1\n", timestamp_field="ts", code=400)


def test_json_with_objects_in_arrays_is_rejected(lytics):
    body = json.dumps([{"a": [1, 2], "b": {"c": 1}}, {"a": [{"b": 1}]}, 5])
    answer = lytics.upload("web", body, content="application/json")
    assert (answer["data"]["message_count"], answer["data"]["rejected_count"]) == (1, 2)


def test_csv_is_read_strictly():
    cases = {
        b"a,b\n1,2\n": [["a", "b"], ["1", "2"]],
        b"a\r\n\r\nb": [["a"], ["b"]],
        b'"x\ny","",z\n': [["x\ny", "", "z"]],
        b'"a"b\nc\n': ["text behind a closing quote", ["c"]],
        b'a"b\nc\n': ["a quote in a field that does not begin with one", ["c"]],
        b"\xff\n": ["the body is no UTF-8"],
    }
    for data, expected in cases.items():
        assert list(records(data, ",")) == expected
    with pytest.raises(BadCsv):
        list(records(b'a\n"b', ","))


def test_moments_are_read_to_the_microsecond():
    assert moments.parse("1970-01-01T00:00:01.123456789Z") == 1_123_456
    assert moments.parse("1970-01-01T01:00:00+01:00") == 0
    assert moments.render(1_500_000) == "1970-01-01T00:00:01.500000Z"
    with pytest.raises(ValueError):
        moments.parse("1970-01-01")
