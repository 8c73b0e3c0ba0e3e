"""Alerts of the daemon: one message a change, delivered in spite of failures, secrets kept."""

import contextlib
import json
import os
import sqlite3
import subprocess
import threading

import pytest
from daemon import daemon  # noqa: F401
from recorder import recorder  # noqa: F401

SECRET = "T0KEN-in-the-url"


def alerts(on='[ "failure", "recovery", "rejects", "late" ]', more=""):
    return f'  alerts = ( {{ on = {on}; url = "${{env:HOOK}}"; {more} }} );'


def hook(daemon, server):
    daemon.tow.env["HOOK"] = f"{server.url}/services/{SECRET}"
    return server


def messages(server):
    return [json.loads(body) for _, _, body in list(server.requests)]


def run(daemon, name, count):
    assert daemon.request(f"/api/jobs/{name}/run", "POST")[0] == 202
    daemon.ended(name, count)
    daemon.wait_for(lambda: daemon.job_state(name)["state"] == "idle")


def check_secret(daemon):
    assert SECRET not in daemon.said()
    for file in daemon.tow.state.parent.iterdir():
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file


# ---- changes ------------------------------------------------------------------------------------


def test_a_change_is_told_once_and_so_is_the_way_back(daemon, recorder):
    server = hook(daemon, recorder())
    data = daemon.tow.folder / "x.csv"
    daemon.job("orders", source='plugin = "csv"; path = "../x.csv";', more=alerts())
    daemon.start()
    run(daemon, "orders", 1)
    run(daemon, "orders", 2)
    data.write_text("id\n1\n")
    run(daemon, "orders", 3)
    run(daemon, "orders", 4)
    data.unlink()
    run(daemon, "orders", 5)
    daemon.wait_for(lambda: len(server.requests) >= 3)
    daemon.wait_for(lambda: "towpath_alerts_pending 0" in daemon.request("/metrics")[2])
    assert [(m["event"], m["run"]) for m in messages(server)] == [("failure", 1), ("recovery", 3), ("failure", 5)]
    path, headers, _ = server.requests[0]
    assert path == f"/services/{SECRET}" and headers["content-type"] == "application/json"
    first = messages(server)[0]
    assert first["job"] == "orders" and first["status"] == "failed" and first["exit_code"] == 3
    assert "x.csv" in first["error"] and "failed: run 1, exit code 3" in first["text"]
    assert first["host"] == os.uname().nodename and first["start"] and first["end"] and first["slot"] is None
    check_secret(daemon)
    daemon.stop()


def test_a_failure_is_told_when_no_try_is_left(daemon, recorder):
    server = hook(daemon, recorder())
    daemon.job("bad", 'first_run = "now"; every = "1h"; tries = 2; retry_wait = "1s";', source='plugin = "csv"; path = "../none.csv";', more=alerts())
    daemon.start()
    daemon.wait_for(lambda: server.requests)
    (message,) = messages(server)
    assert message["event"] == "failure" and message["run"] == 2
    daemon.stop()


def test_rejects_are_told_when_they_begin(daemon, recorder):
    server = hook(daemon, recorder())
    daemon.job("typed", more='  columns = ( { name = "id"; }, { name = "name"; type = "int32"; } );\n' + alerts())
    daemon.start()
    run(daemon, "typed", 1)
    run(daemon, "typed", 2)
    (daemon.tow.folder / "in.csv").write_text("id,name\n1,1\n")
    run(daemon, "typed", 3)
    (daemon.tow.folder / "in.csv").write_text("id,name\n1,x\n")
    run(daemon, "typed", 4)
    daemon.wait_for(lambda: len(server.requests) >= 2)
    assert [(m["event"], m["run"], m["rejected"]) for m in messages(server)] == [("rejects", 1, 2), ("rejects", 4, 1)]
    daemon.stop()


def test_a_slot_that_does_not_start_is_late(daemon, recorder):
    server = hook(daemon, recorder())
    os.mkfifo(daemon.tow.folder / "slow.fifo")
    daemon.job("a_slow", 'first_run = "now"; every = "1h";', source='plugin = "csv"; path = "../slow.fifo"; header = false; columns = ["a"];')
    daemon.job("b_waits", 'every = "1s";', more=alerts(more='late_after = "2s";'))
    daemon.start("--max-runs", "1")
    daemon.wait_for(lambda: server.requests)
    (message,) = messages(server)
    assert message["event"] == "late" and message["job"] == "b_waits" and message["run"] is None
    assert message["slot"] and "is late" in message["text"]
    assert daemon.job_state("b_waits")["late"]
    os.kill(daemon.job_state("a_slow")["running"]["pid"], 9)
    daemon.ended("b_waits", 2)
    daemon.wait_for(lambda: not daemon.job_state("b_waits")["late"])
    daemon.stop()


def test_only_what_was_asked_for_is_told(daemon, recorder):
    server = hook(daemon, recorder())
    daemon.job("bad", source='plugin = "csv"; path = "../none.csv";', more=alerts(on='"recovery"'))
    daemon.start()
    run(daemon, "bad", 1)
    (daemon.tow.folder / "none.csv").write_text("id\n1\n")
    run(daemon, "bad", 2)
    daemon.wait_for(lambda: server.requests)
    assert [m["event"] for m in messages(server)] == ["recovery"]
    daemon.stop()


# ---- forms --------------------------------------------------------------------------------------


def test_a_template_holds_values_as_json_has_them(daemon, recorder):
    slack, own = recorder(), recorder()
    daemon.tow.env.update(SLACK=slack.url, OWN=own.url)
    body = r'{\"blocks\":[{\"j\":\"{job}\",\"e\":\"{error}\",\"n\":{run},\"x\":\"{none} {Job} {}\"}]}'
    daemon.job(
        "bad",
        source=r'plugin = "csv"; path = "../no \"quotes\"\\here.csv";',
        more='  alerts = ( { on = "failure"; url = "${env:SLACK}"; format = "slack"; },\n'
        f'    {{ on = "failure"; url = "${{env:OWN}}"; body = "{body.replace("{none} ", "")}"; }} );',
    )
    daemon.start()
    run(daemon, "bad", 1)
    daemon.wait_for(lambda: slack.requests and own.requests)
    (said,) = messages(slack)
    assert list(said) == ["text"] and said["text"].startswith("Job bad on ")
    (made,) = messages(own)
    (block,) = made["blocks"]
    assert block["j"] == "bad" and block["n"] == 1 and 'no "quotes"\\here.csv' in block["e"] and block["x"] == "{Job} {}"
    daemon.stop()


@pytest.mark.parametrize(
    "entry, says",
    [
        ('on = "failur"; url = "https://x.example";', 'did you mean "failure"'),
        ('on = "failure"; url = "http://x.example";', "plain http to another machine"),
        ('on = "failure"; url = "ftp://x.example";', "must start with https://"),
        ('on = "failure"; url = "https://";', "names no host"),
        ('on = "failure"; url = "https://u:p@x.example";', "holds a user name"),
        ('on = "failure"; url = "http://localhost.x.example";', "plain http to another machine"),
        ('on = "failure"; url = "https://x.example/a b";', "blank or control"),
        ('url = "https://x.example";', '"on"'),
        ('on = "failure"; url = "https://x.example"; body = "{jbo}";', 'did you mean "job"'),
        ('on = "failure"; url = "https://x.example"; late_after = "1ms";', "late_after"),
        ('on = "failure"; url = "https://x.example"; format = "teams";', "format"),
    ],
)
def test_check_refuses_alerts_that_could_not_be_delivered(tow, entry, says):
    tow.write("in.csv", "id\n1\n")
    tow.job(more=f"  alerts = ( {{ {entry} }} );")
    said = tow.run("check", "job.cfg", code=2).stderr
    assert says in said and "x.example" not in said.replace("is plain", "")


# ---- delivery -----------------------------------------------------------------------------------


def test_a_delivery_that_fails_is_made_again_by_the_next_daemon_too(daemon, recorder):
    server = hook(daemon, recorder(replies=[{"status": 503}]))
    daemon.job("bad", source='plugin = "csv"; path = "../none.csv";', more=alerts())
    daemon.start()
    run(daemon, "bad", 1)
    daemon.wait_said('"failure" was not delivered, again in')
    assert "HTTP status 503" in daemon.said()
    daemon.kill()
    daemon.start()
    daemon.wait_for(lambda: len(server.requests) >= 2)
    daemon.wait_said('bad: "failure" is delivered')
    assert messages(server)[0] == messages(server)[1]
    check_secret(daemon)
    daemon.stop()


def test_an_alert_that_is_due_waits_until_the_job_files_are_read(daemon, recorder):
    server = hook(daemon, recorder(replies=[{"status": 503}]))
    daemon.job("bad", source='plugin = "csv"; path = "../none.csv";', more=alerts())
    daemon.start()
    run(daemon, "bad", 1)
    daemon.wait_said('"failure" was not delivered, again in')
    daemon.kill()
    with contextlib.closing(sqlite3.connect(daemon.tow.state)) as state, state:
        state.execute("UPDATE alerts SET due_us = 1")
    daemon.start()
    daemon.wait_said('bad: "failure" is delivered')
    assert len(server.requests) == 2
    daemon.stop()


def test_an_alert_of_a_job_that_is_not_there_is_kept(daemon, recorder):
    server = hook(daemon, recorder(replies=[{"status": 503}]))
    daemon.job("bad", source='plugin = "csv"; path = "../none.csv";', more=alerts())
    daemon.start()
    run(daemon, "bad", 1)
    daemon.wait_said('"failure" was not delivered, again in')
    daemon.kill()
    file = daemon.folder / "bad.cfg"
    file.rename(daemon.tow.folder / "bad.cfg")
    with contextlib.closing(sqlite3.connect(daemon.tow.state)) as state, state:
        state.execute("UPDATE alerts SET due_us = 1")
    daemon.start()
    daemon.wait_said('bad: "failure" waits: there is no such job here')
    assert "towpath_alerts_pending 1" in daemon.request("/metrics")[2]
    daemon.stop()
    assert len(server.requests) == 1


def test_a_receiver_that_says_nothing_holds_up_no_run(daemon, recorder):
    server = hook(daemon, recorder(replies=[{"end": "stall"}]))
    daemon.job("bad", source='plugin = "csv"; path = "../none.csv";', more=alerts())
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    run(daemon, "bad", 1)
    daemon.wait_for(lambda: server.requests)
    count = len(daemon.runs("tick"))
    daemon.ended("tick", count + 2)
    daemon.stop()


def test_redirects_are_not_followed(daemon, recorder):
    elsewhere = recorder()
    server = hook(daemon, recorder(replies=[{"status": 302, "headers": {"Location": elsewhere.url}}]))
    daemon.job("bad", source='plugin = "csv"; path = "../none.csv";', more=alerts())
    daemon.start()
    run(daemon, "bad", 1)
    daemon.wait_said("HTTP status 302")
    assert len(server.requests) == 1 and not elsewhere.requests
    daemon.stop()


def test_an_alert_that_nobody_wants_any_more_is_dropped(daemon, recorder):
    hook(daemon, recorder(replies=[{"status": 500}] * 9))
    daemon.job("bad", source='plugin = "csv"; path = "../none.csv";', more=alerts())
    daemon.start()
    run(daemon, "bad", 1)
    daemon.wait_said("was not delivered")
    daemon.job("bad", source='plugin = "csv"; path = "../none.csv";')
    daemon.kill()
    daemon.start()
    daemon.wait_said('"failure" is dropped')
    assert "towpath_alerts_pending 0" in daemon.request("/metrics")[2]
    daemon.stop()


def deliver(tow, letter, env=None):
    helper = os.path.join(os.path.dirname(tow.program), "towpath-alert")
    return subprocess.run([helper], input=letter, capture_output=True, env={**os.environ, **(env or {})}, timeout=60, check=False)


def test_a_certificate_that_nobody_vouches_for_is_refused(tow):
    """TLS to a server whose certificate is not trusted fails before anything is sent."""
    import http.server
    import ssl

    folder = tow.folder
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
        + ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True,
        capture_output=True,
    )
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        letter = f"https://localhost:{server.server_address[1]}/{SECRET}\n{{}}".encode()
        refused = deliver(tow, letter)
        assert refused.returncode == 1 and not got
        assert b"certificate" in refused.stdout.lower() and SECRET.encode() not in refused.stdout + refused.stderr
        assert deliver(tow, letter, {"SSL_CERT_FILE": str(folder / "cert.pem")}).returncode == 0
        assert got == [b"{}"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("letter", [b"", b"https://x.example", b"x" * (300 << 10)], ids=["empty", "no body", "too long"])
def test_a_letter_without_url_and_body_is_refused(tow, letter):
    refused = deliver(tow, letter)
    assert refused.returncode == 1 and b"standard input must bring" in refused.stdout
