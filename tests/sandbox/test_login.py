"""Who may call: tokens, and the warehouse that one waits for."""

import base64
import json
import threading

import pytest

STATEMENTS = "/api/2.0/sql/statements"


def token(sandbox, secret=None, form="grant_type=client_credentials&scope=all-apis"):
    basic = base64.b64encode(f"{sandbox.client_id}:{secret or sandbox.client_secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    status, _, body = sandbox.request("POST", "/oidc/v1/token", form.encode(), headers)
    return status, json.loads(body)


def look(sandbox, bearer):
    path = f"/api/2.0/sql/warehouses/{sandbox.warehouse_id}"
    status, _, body = sandbox.request("GET", path, headers={"Authorization": f"Bearer {bearer}"})
    return status, json.loads(body)


def test_a_service_principal_gets_a_token_that_opens(sandbox):
    status, answer = token(sandbox)
    assert (status, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 3600)
    assert "refresh_token" not in answer
    assert look(sandbox, answer["access_token"])[0] == 200


def test_a_token_ends(sandbox):
    sandbox.set(token_seconds=0.0)
    status, answer = look(sandbox, token(sandbox)[1]["access_token"])
    assert (status, answer["error_code"]) == (401, "UNAUTHENTICATED")


def test_tokens_can_be_ended_in_the_middle(sandbox):
    bearer = token(sandbox)[1]["access_token"]
    assert look(sandbox, bearer)[0] == 200
    sandbox.expire_tokens()
    assert look(sandbox, bearer)[0] == 401
    assert look(sandbox, token(sandbox)[1]["access_token"])[0] == 200


def test_a_wrong_secret_and_a_wrong_grant_are_refused(sandbox):
    assert token(sandbox, secret="no") == (
        401,
        {"error": "invalid_client", "error_description": "Client authentication failed"},
    )
    assert token(sandbox, form="grant_type=password")[1]["error"] == "unsupported_grant_type"


def test_no_token_is_401_and_a_wrong_one_403(sandbox):
    assert sandbox.request("GET", f"{STATEMENTS}/x", login=False)[0] == 401
    assert look(sandbox, "no") == (403, {"error_code": 403, "message": "Invalid access token."})


def test_the_token_endpoint_can_be_discovered(sandbox):
    answer = sandbox.call("GET", "/oidc/.well-known/oauth-authorization-server", login=False)
    assert answer["token_endpoint"] == f"{sandbox.url}/oidc/v1/token"


# -- the warehouse ---------------------------------------------------------------------------------


def submit(sandbox, **fields):
    body = {"statement": "SELECT 1", "warehouse_id": sandbox.warehouse_id, "wait_timeout": "0s", **fields}
    return sandbox.request("POST", STATEMENTS, body)


def stop(sandbox):
    sandbox.call("POST", f"/api/2.0/sql/warehouses/{sandbox.warehouse_id}/stop")


def state(sandbox):
    return sandbox.call("GET", f"/api/2.0/sql/warehouses/{sandbox.warehouse_id}")["state"]


def test_a_statement_starts_a_stopped_warehouse_and_waits_for_it(sandbox):
    stop(sandbox)
    assert state(sandbox) == "STOPPED"
    sandbox.set(warehouse_polls=3)
    answer = json.loads(submit(sandbox, wait_timeout="30s")[2])
    states = [answer["status"]["state"]]
    while states[-1] in ("PENDING", "RUNNING"):
        states.append(sandbox.call("GET", f"{STATEMENTS}/{answer['statement_id']}")["status"]["state"])
    assert states[:3] == ["PENDING"] * 3
    assert states[-1] == "SUCCEEDED"
    assert state(sandbox) == "RUNNING"


def test_the_warehouse_can_be_put_into_a_state(sandbox):
    sandbox.set(warehouse_state="STOPPED", warehouse_polls=1)
    assert state(sandbox) == "STOPPED"
    assert sandbox.sql("SELECT 1") == [["1"]]
    sandbox.set(warehouse_state="DELETED")
    assert submit(sandbox)[0] == 404


def test_starting_by_hand_returns_at_once(sandbox):
    stop(sandbox)
    sandbox.set(warehouse_polls=2)
    sandbox.call("POST", f"/api/2.0/sql/warehouses/{sandbox.warehouse_id}/start")
    assert [state(sandbox) for _ in range(3)] == ["STARTING", "STARTING", "RUNNING"]


def test_a_warehouse_that_never_starts_keeps_statements_pending_until_cancelled(sandbox):
    stop(sandbox)
    sandbox.set(warehouse_starts=False)
    answer = json.loads(submit(sandbox)[2])
    path = f"{STATEMENTS}/{answer['statement_id']}"
    for _ in range(3):
        assert sandbox.call("GET", path)["status"]["state"] == "PENDING"
    sandbox.call("POST", f"{path}/cancel")
    assert sandbox.call("GET", path)["status"]["state"] == "CANCELED"


def test_a_warehouse_that_takes_time(sandbox):
    stop(sandbox)
    sandbox.set(warehouse_seconds=0.05)
    assert sandbox.sql("SELECT 1") == [["1"]]


def test_an_unknown_warehouse_is_404(sandbox):
    status, _, body = submit(sandbox, warehouse_id="0000000000000000")
    assert (status, json.loads(body)["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert submit(sandbox, warehouse_id="")[0] == 400


# -- waiting and cancelling ------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", ["4s", "51s", "-1s", "10", "x"])
def test_a_wait_timeout_outside_of_its_limits_is_refused(sandbox, seconds):
    assert submit(sandbox, wait_timeout=seconds)[0] == 400


def test_on_wait_timeout_cancel(sandbox):
    sandbox.faults([{"do": "hold", "point": "execute"}])
    answer = json.loads(submit(sandbox, on_wait_timeout="CANCEL")[2])
    assert answer["status"]["state"] == "CANCELED"


def test_a_running_query_can_be_cancelled(sandbox):
    text = "SELECT count(*) FROM range(100000) a CROSS JOIN range(100000) b WHERE a.id * b.id % 1000003 = 5"
    answer = json.loads(submit(sandbox, statement=text)[2])
    path = f"{STATEMENTS}/{answer['statement_id']}"
    sandbox.call("POST", f"{path}/cancel")
    assert sandbox.call("GET", path)["status"]["state"] == "CANCELED"
    # What was cancelled is over: the next one runs.
    done = threading.Event()
    threading.Thread(target=lambda: (sandbox.sql("SELECT 1"), done.set())).start()
    assert done.wait(30)


def test_polls_that_still_find_it_running(sandbox):
    sandbox.set(statement_polls=2)
    answer = json.loads(submit(sandbox, wait_timeout="10s")[2])
    assert answer["status"]["state"] == "RUNNING"
    path = f"{STATEMENTS}/{answer['statement_id']}"
    states = [sandbox.call("GET", path)["status"]["state"] for _ in range(3)]
    assert states == ["RUNNING", "RUNNING", "SUCCEEDED"]
