"""Everything that can be made to go wrong, and the log of it."""

import http.client
import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

STATEMENTS = "/api/2.0/sql/statements"
LINKS = {"disposition": "EXTERNAL_LINKS", "format": "ARROW_STREAM"}
FILE = "/api/2.0/fs/files/Volumes/main/crm/stage/f?overwrite=true"


def link(sandbox, text="SELECT id FROM range(10000)"):
    (first,) = sandbox.execute(text, **LINKS)["result"]["external_links"]
    return first["external_link"]


def get(sandbox, url):
    return sandbox.request("GET", url, login=False)


def warehouse(sandbox):
    return sandbox.request("GET", f"/api/2.0/sql/warehouses/{sandbox.warehouse_id}")


def connection(sandbox):
    return http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=30)


def test_a_status_with_retry_after_for_so_many_times(sandbox):
    sandbox.faults([{"do": "answer", "path": "warehouses", "status": 429, "retry_after": "2", "times": 2}])
    for _ in range(2):
        status, headers, body = warehouse(sandbox)
        assert (status, headers["Retry-After"]) == (429, "2")
        assert json.loads(body)["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert warehouse(sandbox)[0] == 200


def test_which_occurrence_goes_wrong_can_be_said(sandbox):
    sandbox.faults([{"do": "answer", "path": "warehouses", "skip": 1, "times": 1}])
    assert [warehouse(sandbox)[0] for _ in range(3)] == [200, 503, 200]


def test_a_share_of_the_requests_goes_wrong_always_the_same_ones(sandbox):
    seen = []
    for _ in range(2):
        sandbox.faults([{"do": "answer", "path": "warehouses", "probability": 0.5, "seed": 7}])
        seen.append([warehouse(sandbox)[0] for _ in range(20)])
    assert seen[0] == seen[1]
    assert set(seen[0]) == {200, 503}


def test_bodies_of_every_shape(sandbox):
    sandbox.faults(
        [
            {"do": "answer", "path": "warehouses", "status": 400, "error_code": 400, "times": 1},
            {
                "do": "answer",
                "path": "warehouses",
                "status": 400,
                "body": "BAD_REQUEST: text",
                "times": 1,
                "skip": 0,
            },
        ]
    )
    assert json.loads(warehouse(sandbox)[2])["error_code"] == 400
    sandbox.faults([{"do": "html", "path": "warehouses", "status": 502, "title": "Bad Gateway"}])
    status, headers, body = warehouse(sandbox)
    assert (status, headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert b"<title>Bad Gateway</title>" in body
    sandbox.faults([{"do": "redirect", "path": "warehouses", "location": "https://login.invalid/"}])
    status, headers, _ = warehouse(sandbox)
    assert (status, headers["Location"]) == (302, "https://login.invalid/")


def test_rules_about_a_statement_look_at_its_text(sandbox):
    sandbox.faults([{"do": "answer", "method": "POST", "sql": "select\\s+2", "status": 503}])
    assert sandbox.sql("SELECT 1") == [["1"]]
    body = {"statement": "SELECT\n2", "warehouse_id": sandbox.warehouse_id}
    assert sandbox.request("POST", STATEMENTS, body)[0] == 503


def test_an_answer_can_be_lost_after_the_effect(sandbox):
    sandbox.sql("CREATE TABLE main.crm.t (id BIGINT)")
    sandbox.faults([{"do": "cut", "point": "after", "method": "POST", "sql": "INSERT", "times": 1}])
    with pytest.raises((http.client.HTTPException, OSError)):
        sandbox.sql("INSERT INTO main.crm.t VALUES (1)")
    assert sandbox.count("main.crm.t") == 1


def test_a_connection_can_be_cut_before_the_effect(sandbox):
    sandbox.faults([{"do": "cut", "point": "before", "method": "PUT", "times": 1}])
    with pytest.raises((http.client.HTTPException, OSError)):
        sandbox.request("PUT", FILE, b"1")
    assert sandbox.list("/Volumes/main/crm/stage") == []


@pytest.mark.parametrize("do", ["cut", "short"])
def test_a_body_can_end_too_early(sandbox, do):
    url = link(sandbox)
    sandbox.faults([{"do": do, "path": "^/storage/", "after_bytes": 1000, "times": 1}])
    with pytest.raises((http.client.IncompleteRead, OSError)):
        get(sandbox, url)
    assert sandbox.log("/storage/")[0]["sent"] == 1000
    assert get(sandbox, url)[0] == 200


def test_a_body_can_come_slowly(sandbox):
    url = link(sandbox)
    sandbox.faults([{"do": "slow", "path": "^/storage/", "bytes_per_second": 800000}])
    start = time.monotonic()
    assert len(get(sandbox, url)[2]) > 80000
    assert time.monotonic() - start >= 0.1


def test_a_delay(sandbox):
    sandbox.faults([{"do": "delay", "path": "warehouses", "seconds": 0.2}])
    start = time.monotonic()
    assert warehouse(sandbox)[0] == 200
    assert time.monotonic() - start >= 0.2


def test_a_link_ends_by_time_and_by_use(sandbox):
    sandbox.set(link_seconds=0.0)
    status, _, body = get(sandbox, link(sandbox))
    assert status == 403 and b"Request has expired" in body
    sandbox.set(link_seconds=60.0, link_uses=1)
    url = link(sandbox)
    assert [get(sandbox, url)[0] for _ in range(2)] == [200, 403]


def test_a_fresh_link_of_the_same_chunk_works_again(sandbox):
    sandbox.set(link_uses=1)
    answer = sandbox.execute("SELECT 1", **LINKS)
    (first,) = answer["result"]["external_links"]
    assert [get(sandbox, first["external_link"])[0] for _ in range(2)] == [200, 403]
    again = sandbox.call("GET", f"{STATEMENTS}/{answer['statement_id']}/result/chunks/0")["external_links"][0]
    assert get(sandbox, again["external_link"])[0] == 200


def test_a_link_can_want_the_headers_that_came_with_it(sandbox):
    sandbox.set(link_headers=True)
    (first,) = sandbox.execute("SELECT 1", **LINKS)["result"]["external_links"]
    url, headers = first["external_link"], first["http_headers"]
    assert sandbox.request("GET", url, login=False)[0] == 403
    assert sandbox.request("GET", url, headers=headers, login=False)[0] == 200


def test_links_can_point_to_a_host_that_nobody_reaches(sandbox):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        sandbox.set(link_url=f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(OSError):
            get(sandbox, link(sandbox))


def test_a_result_is_kept_for_a_while(sandbox):
    answer = sandbox.execute("SELECT 1", **LINKS)
    sandbox.set(retention_seconds=0.0)
    path = f"{STATEMENTS}/{answer['statement_id']}"
    late = sandbox.call("GET", path)
    assert late["status"]["state"] == "CLOSED" and "manifest" not in late
    assert sandbox.request("GET", f"{path}/result/chunks/0")[0] == 404
    assert get(sandbox, answer["result"]["external_links"][0]["external_link"])[0] == 404


# -- statements ------------------------------------------------------------------------------------


def test_a_statement_fails_with_the_class_that_was_asked_for(sandbox):
    sandbox.faults(
        [
            {
                "do": "fail",
                "sql": "^COPY",
                "error_class": "COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED",
                "times": 1,
            },
            {
                "do": "fail",
                "sql": "^SELECT",
                "error_class": "INSUFFICIENT_PERMISSIONS",
                "message": "no SELECT",
            },
        ]
    )
    status = sandbox.execute("SELECT 1")["status"]
    assert status["sql_state"] == "42501"
    assert status["error"]["message"].startswith(
        "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: no SELECT"
    )


def test_a_statement_can_end_closed_with_its_result(sandbox):
    sandbox.faults([{"do": "close", "point": "executed"}])
    answer = sandbox.execute("SELECT 1")
    assert answer["status"]["state"] == "CLOSED"
    assert answer["result"]["data_array"] == [["1"]]


def test_a_statement_can_fail_after_its_effect(sandbox):
    sandbox.sql("CREATE TABLE main.crm.t (id BIGINT)")
    sandbox.faults([{"do": "fail", "point": "executed", "sql": "INSERT", "error_class": "INTERNAL_ERROR"}])
    assert sandbox.execute("INSERT INTO main.crm.t VALUES (1)")["status"]["state"] == "FAILED"
    assert sandbox.count("main.crm.t") == 1


# -- holding ---------------------------------------------------------------------------------------


def put_and_leave(sandbox, body, length):
    """Begins an upload of `length` bytes; the connection stays open."""
    client = connection(sandbox)
    client.putrequest("PUT", FILE)
    client.putheader("Authorization", f"Bearer {sandbox.token}")
    client.putheader("Content-Length", str(length))
    client.endheaders()
    client.send(body)
    return client


def gone(sandbox, number):
    """Waits until a request in the log has come to its end."""
    deadline = time.monotonic() + 30
    while True:
        entry = next(entry for entry in sandbox.log() if entry["number"] == number)
        if entry["milliseconds"] is not None:
            return entry
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_client_that_goes_away_in_the_middle_of_an_upload_leaves_nothing(sandbox):
    sandbox.faults(
        [{"do": "hold", "name": "middle", "point": "receiving", "method": "PUT", "after_bytes": 100}]
    )
    client = put_and_leave(sandbox, b"x" * 1000, 2000)
    sandbox.hold("middle")
    (entry,) = sandbox.log("/fs/files")
    assert entry["received"] >= 100 and entry["status"] is None
    client.close()
    assert gone(sandbox, entry["number"])["status"] == 0
    assert sandbox.list("/Volumes/main/crm/stage") == []


def test_it_leaves_nothing_also_where_all_of_it_was_on_its_way_already(sandbox):
    """What a client has handed to its kernel arrives also when it is killed."""
    sandbox.faults(
        [{"do": "hold", "name": "middle", "point": "receiving", "method": "PUT", "after_bytes": 100}]
    )
    client = put_and_leave(sandbox, b"x" * 500000, 500000)
    sandbox.hold("middle")
    client.close()
    assert gone(sandbox, sandbox.log("/fs/files")[0]["number"])["status"] == 0
    assert sandbox.list("/Volumes/main/crm/stage") == []


def test_an_upload_that_is_held_in_the_middle_can_go_on(sandbox):
    data = bytes(range(256)) * 4000
    sandbox.faults([{"do": "hold", "name": "middle", "point": "receiving", "after_bytes": 70000, "times": 1}])
    upload = threading.Thread(target=sandbox.put, args=("/Volumes/main/crm/stage/f", data))
    upload.start()
    sandbox.hold("middle")
    sandbox.release("middle")
    upload.join(30)
    assert sandbox.get("/Volumes/main/crm/stage/f") == data


def test_a_client_that_goes_away_after_the_upload_leaves_the_file(sandbox):
    sandbox.faults([{"do": "hold", "name": "after", "point": "after", "method": "PUT"}])
    client = put_and_leave(sandbox, b"x" * 1000, 1000)
    sandbox.hold("after")
    client.close()
    assert gone(sandbox, sandbox.log("/fs/files")[0]["number"])["status"] == 0
    assert sandbox.get("/Volumes/main/crm/stage/f") == b"x" * 1000


def test_an_upload_whose_client_went_away_can_come_late(sandbox):
    sandbox.faults([{"do": "hold", "name": "late", "point": "before", "method": "PUT", "stays": True}])
    client = put_and_leave(sandbox, b"x" * 1000, 1000)
    sandbox.hold("late")
    client.close()
    time.sleep(0.1)
    assert sandbox.list("/Volumes/main/crm/stage") == []
    sandbox.release("late")
    gone(sandbox, sandbox.log("/fs/files")[0]["number"])
    assert sandbox.get("/Volumes/main/crm/stage/f") == b"x" * 1000


def test_a_client_that_goes_away_before_the_upload_counts_leaves_nothing(sandbox):
    sandbox.faults([{"do": "hold", "name": "before", "point": "before", "method": "PUT"}])
    client = put_and_leave(sandbox, b"x" * 1000, 1000)
    sandbox.hold("before")
    client.close()
    gone(sandbox, sandbox.log("/fs/files")[0]["number"])
    assert sandbox.list("/Volumes/main/crm/stage") == []


def test_what_is_held_goes_on_when_released(sandbox):
    sandbox.faults([{"do": "hold", "name": "h", "path": "warehouses"}])
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(warehouse(sandbox)[0])) for _ in range(2)]
    for thread in threads:
        thread.start()
    sandbox.hold("h")
    assert answers == []
    assert sandbox.release("h") >= 1
    for thread in threads:
        thread.join(30)
    assert answers == [200, 200]


def test_a_statement_runs_on_without_its_client(sandbox):
    sandbox.sql("CREATE TABLE main.crm.t (id BIGINT)")
    sandbox.faults([{"do": "hold", "name": "running", "point": "execute", "sql": "INSERT"}])
    body = {
        "statement": "INSERT INTO main.crm.t VALUES (1)",
        "warehouse_id": sandbox.warehouse_id,
        "wait_timeout": "0s",
    }
    statement = sandbox.call("POST", STATEMENTS, body)["statement_id"]
    sandbox.hold("running")
    assert sandbox.call("GET", f"{STATEMENTS}/{statement}")["status"]["state"] == "RUNNING"
    sandbox.release("running")
    sandbox.faults([])
    deadline = time.monotonic() + 30
    while sandbox.count("main.crm.t") == 0:
        assert time.monotonic() < deadline


# -- log, settings, reset --------------------------------------------------------------------------


def test_the_log_tells_what_came_and_no_secret(sandbox):
    get(sandbox, link(sandbox))
    entries = sandbox.log()
    assert [(e["method"], e["status"], e["authorization"]) for e in entries] == [
        ("POST", 200, True),
        ("GET", 200, False),
    ]
    assert entries[0]["sql"] == "SELECT id FROM range(10000)"
    assert entries[1]["sent"] > 80000
    text = json.dumps(entries)
    assert sandbox.token not in text
    assert "Signature=..." in entries[1]["query"]


def test_statements_are_listed_with_their_texts(sandbox):
    sandbox.sql("SELECT 1")
    sandbox.execute("SELECT nope")
    assert sandbox.statements() == ["SELECT 1", "SELECT nope"]


def test_reset_forgets_everything(sandbox):
    sandbox.sql("CREATE TABLE main.crm.t (id BIGINT)")
    sandbox.put("/Volumes/main/crm/stage/f", b"1")
    sandbox.faults([{"do": "answer", "path": "warehouses"}])
    sandbox.set(chunk_rows=1)
    folder = sandbox.folder()
    sandbox.reset()
    assert sandbox.log() == [] and sandbox.statements() == []
    assert warehouse(sandbox)[0] == 200
    assert sandbox.sql("SHOW TABLES IN main.crm") == []
    assert sandbox.list("/Volumes/main/crm/stage") == []
    assert not folder.exists()
    assert sandbox.call("GET", "/_sandbox/settings")["chunk_rows"] == 0


@pytest.mark.parametrize(
    "rule, reason",
    [
        ({}, "do"),
        ({"do": "explode"}, "do is one of"),
        ({"do": "cut", "point": "nowhere"}, "point is one of"),
        ({"do": "answer", "where": "x"}, "no 'where'"),
        ({"do": "answer", "path": "("}, "unterminated"),
        ({"do": "fail", "point": "before"}, "does not go with"),
    ],
)
def test_rules_that_cannot_be_are_refused(sandbox, rule, reason):
    status, _, body = sandbox.request("POST", "/_sandbox/faults", [rule])
    assert status == 400 and reason in json.loads(body)["error"]


def test_settings_that_cannot_be_are_refused(sandbox):
    for value in ({"nothing": 1}, {"chunk_rows": "1"}, {"port": 1}, {"strict_names": 1}):
        assert sandbox.request("POST", "/_sandbox/settings", value)[0] == 400
