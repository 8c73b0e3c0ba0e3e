"""The daemon over HTTP: what it answers, whom it refuses, and metrics that Prometheus can read."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest
from daemon import daemon  # noqa: F401
from helpers import CSV
from recorder import recorder  # noqa: F401

TOKEN = "tok-7fd1-secret"


def talk(daemon, text, wait=10):
    """Sends bytes as they are; what comes back until the far end closes, or None where it does not."""
    host, port = daemon.base.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=wait) as line:
        line.sendall(text)
        answer = b""
        try:
            while block := line.recv(65536):
                answer += block
        except TimeoutError:
            return None
        except ConnectionResetError:
            pass
        return answer


# ---- what it answers ----------------------------------------------------------------------------


def test_health_and_readiness(daemon):
    daemon.job("one")
    daemon.start()
    status, headers, text = daemon.request("/healthz")
    assert (status, text) == (200, "ok\n")
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
    assert daemon.get("/readyz") == {"ready": True, "reason": None, "job_files": 1, "job_files_broken": 0}
    daemon.stop()


def test_it_is_not_ready_while_it_reads_its_job_files(daemon):
    daemon.job("hangs", source='plugin = "fault"; at = "check"; how = "hang";')
    daemon.start(ready=False)
    daemon.wait_said("listening on")
    daemon.base = "http://" + re.findall(r"listening on (\S+)", daemon.said())[-1]
    status, _, text = daemon.request("/readyz")
    assert status == 503 and json.loads(text)["reason"] == "the job files are being read"
    assert daemon.request("/healthz")[0] == 200
    daemon.stop()


def test_jobs_and_runs_are_told(daemon):
    daemon.job("bad", source='plugin = "csv"; path = "../in.csv";', more='  columns = ( { name = "id"; type = "int32"; }, { name = "name"; type = "int32"; } );')
    daemon.job("good", 'every = "30d";')
    daemon.start()
    for name in ("bad", "good"):
        status, headers, text = daemon.request(f"/api/jobs/{name}/run", "POST")
        assert status == 202 and json.loads(text)["job"] == name and headers["Content-Type"] == "application/json"
    daemon.ended("bad")
    daemon.ended("good")
    daemon.wait_for(lambda: all(job["state"] == "idle" and job["last"] for job in daemon.get("/api/jobs")["jobs"]))
    bad, good = daemon.get("/api/jobs")["jobs"]
    assert bad["rejecting"] and bad["next"] is None and not bad["scheduled"]
    assert good["last"]["status"] == "ok" and good["next"] and not good["failing"]
    runs = daemon.get("/api/runs")["runs"]
    assert sorted(run["job"] for run in runs) == ["bad", "good"]
    (run,) = daemon.get("/api/runs?job=bad&last=1")["runs"]
    told = daemon.tow.json("runs", "show", run["run"])
    assert {name: told[name] for name in run} == run
    assert daemon.get("/api/runs?job=nobody") == {"runs": []}
    for wrong in ("0", "1001", "x", "-1"):
        assert daemon.request(f"/api/runs?last={wrong}")[0] == 400
    daemon.stop()


def test_what_is_not_there_and_what_is_not_done_is_refused(daemon):
    daemon.job("one")
    daemon.start()
    assert daemon.request("/")[0] == 404
    assert daemon.request("/api/jobs/none/run", "POST")[0] == 404
    status, headers, _ = daemon.request("/api/jobs/one/run")
    assert status == 405 and headers["Allow"] == "POST"
    status, headers, _ = daemon.request("/metrics", "POST")
    assert status == 405 and headers["Allow"] == "GET, HEAD"
    assert daemon.request("/api/jobs/../run", "POST")[0] in (404, 405)
    assert daemon.request("/healthz", "HEAD")[2] == ""
    daemon.stop()


# ---- whom it refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"])
def test_an_address_of_others_needs_a_token_and_tls(daemon, address):
    daemon.job("one")
    said = daemon.tow.run("daemon", "-C", "jobs", "--listen", address, code=2).stderr
    assert "a token is needed: set TOWPATH_DAEMON_TOKEN" in said
    said = daemon.tow.run("daemon", "-C", "jobs", "--listen", address, code=2, env={"TOWPATH_DAEMON_TOKEN": TOKEN}).stderr
    assert "TLS is needed" in said and TOKEN not in said


def test_an_address_that_is_none_is_refused(daemon):
    daemon.job("one")
    for wrong in ("9477", "127.0.0.1", "127.0.0.1:99999", "somewhere:80", "[::1:80", ""):
        said = daemon.tow.run("daemon", "-C", "jobs", "--listen", wrong, code=2).stderr
        assert "is no address such as" in said


def test_an_address_that_is_taken_ends_the_daemon(daemon):
    daemon.job("one")
    daemon.start()
    address = daemon.base.removeprefix("http://")
    said = daemon.tow.run("daemon", "-C", "jobs", "--listen", address, code=3).stderr
    assert "Address already in use" in said
    daemon.stop()


def test_with_a_token_all_but_health_ask_for_it(daemon):
    daemon.job("one")
    daemon.tow.env["TOWPATH_DAEMON_TOKEN"] = TOKEN
    daemon.start()
    for path in ("/healthz", "/readyz"):
        assert daemon.request(path)[0] == 200
    for path in ("/metrics", "/api/jobs", "/api/runs", "/nothing"):
        assert daemon.request(path)[0] == 401
        for wrong in (TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer ", f"Basic {TOKEN}"):
            status, headers, text = daemon.request(path, headers={"Authorization": wrong})
            assert status == 401 and headers["WWW-Authenticate"] == "Bearer" and TOKEN not in text
        assert daemon.request(path, headers={"Authorization": f"Bearer {TOKEN}", "Host": "elsewhere"})[0] in (200, 404)
    assert daemon.request("/api/jobs/one/run", "POST")[0] == 401
    assert not daemon.runs()
    assert daemon.request("/api/jobs/one/run", "POST", {"Authorization": f"Bearer {TOKEN}"})[0] == 202
    daemon.ended("one")
    assert TOKEN not in daemon.said()
    daemon.stop()


def test_runs_do_not_learn_the_token(daemon):
    os.mkfifo(daemon.tow.folder / "slow.fifo")
    daemon.job("slow", 'first_run = "now"; every = "1h";', source='plugin = "csv"; path = "../slow.fifo"; header = false; columns = ["a"];')
    daemon.tow.env["TOWPATH_DAEMON_TOKEN"] = TOKEN
    daemon.start()
    (child,) = daemon.wait_for(daemon.children)
    assert TOKEN.encode() not in daemon.environment(child)
    daemon.stop()


def test_other_names_of_this_machine_are_refused_without_a_token(daemon):
    """Of a page whose name leads to 127.0.0.1, the browser sends its own name as Host."""
    daemon.job("one")
    daemon.start()
    for host in ("attacker.example", "127.0.0.1.attacker.example", "localhost.attacker.example:80", "[::1].x", ""):
        assert daemon.request("/api/jobs", headers={"Host": host})[0] in (400, 403), host
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:9477", "[::1]:80", "127.1.2.3"):
        assert daemon.request("/api/jobs", headers={"Host": host})[0] == 200, host
    daemon.stop()


def test_web_pages_start_no_runs(daemon):
    daemon.job("one")
    daemon.start()
    for header in ({"Origin": "http://attacker.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert daemon.request("/api/jobs/one/run", "POST", header)[0] == 403
    assert not daemon.runs()
    daemon.stop()


# ---- limits -------------------------------------------------------------------------------------


def test_bodies_and_heads_have_a_limit(daemon):
    daemon.job("one")
    daemon.start()
    assert daemon.request("/api/jobs/one/run", "POST", body=b"x" * 5000)[0] == 413
    endless = b"POST /api/jobs/one/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n"
    assert talk(daemon, endless).split(b" ")[1] in (b"400", b"413")
    chunked = b"POST /api/jobs/one/run HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + 2 * (b"1000\r\n" + b"x" * 4096 + b"\r\n") + b"0\r\n\r\n"
    assert b"202" not in talk(daemon, chunked).split(b"\r\n")[0]
    answer = talk(daemon, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 40000 + b"\r\n\r\n")
    assert b" 200 " not in answer.split(b"\r\n")[0]
    assert not daemon.runs()
    assert daemon.request("/healthz")[0] == 200
    daemon.stop()


POST = b"POST /api/jobs/one/run HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /api/jobs HTTP/1.1\r\nHost: localhost\r\n"
LIST = b"GET /api/jobs HTTP/1.1\r\n"
# What a proxy in front could take for another request than this server does, and what is no request.
MALFORMED = {
    "both lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both, turned": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n12345",
    "a list of lengths": POST + b"Content-Length: 0, 0\r\n\r\n",
    "a sign": POST + b"Content-Length: +0\r\n\r\n",
    "less than nothing": POST + b"Content-Length: -1\r\n\r\n",
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "two hosts": LIST + b"Host: localhost\r\nHost: attacker.example\r\n\r\n",
    "two hosts, turned": LIST + b"Host: attacker.example\r\nHost: localhost\r\n\r\n",
    "two logins": GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "a folded host": LIST + b"Host: localhost\r\n attacker.example\r\n\r\n",
    "no host": LIST + b"\r\n",
    "no version": b"GET /api/jobs\r\n\r\n",
    "another version": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another place": b"GET http://attacker.example/api/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an escape": b"GET /api/%6aobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an escaped slash": POST.replace(b"one/run", b"one%2Frun") + b"Content-Length: 0\r\n\r\n",
    "an escaped end": b"GET /api/jobs%00/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "dots": b"GET /healthz/../api/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "slashes": b"GET //api//jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "small letters": b"get /api/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "trace": b"TRACE /api/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "connect": b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "too many headers": GET + b"".join(b"X%d: 1\r\n" % i for i in range(5000)) + b"\r\n",
    "a long path": b"GET /" + b"a" * 50000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


def statuses(daemon, text):
    """Of the answers to what is sent, up to the first one and what comes with it."""
    host, port = daemon.base.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(text)
        try:
            return [int(status) for status in re.findall(rb"HTTP/1\.\d (\d+)", line.recv(65536))]
        except ConnectionResetError:
            return []


def test_requests_that_can_be_read_in_two_ways_are_refused(daemon):
    daemon.job("one")
    daemon.start()
    for what, text in MALFORMED.items():
        found = statuses(daemon, text)
        assert not [status for status in found if status < 400], (what, found)
    assert not daemon.runs()
    # One that hides in the body of another is a body.
    hidden = b"POST /api/jobs/one/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    carrier = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(hidden)
    assert talk(daemon, carrier + hidden).count(b"HTTP/1.1 ") == 1
    # One that follows another is looked at by itself.
    assert statuses(daemon, GET + b"\r\n" + POST.replace(b"localhost", b"attacker.example") + b"Content-Length: 0\r\n\r\n")[-1:] in ([200], [403])
    assert not daemon.runs()
    assert daemon.request("/healthz")[0] == 200
    daemon.stop()


def test_whoever_says_nothing_is_hung_up_on(daemon):
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    started = time.monotonic()
    assert talk(daemon, b"GET /healthz HT", wait=30) == b""
    assert time.monotonic() - started < 25
    daemon.stop()


def test_many_connections_do_not_stop_the_daemon(daemon):
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    host, port = daemon.base.removeprefix("http://").rsplit(":", 1)
    lines = [socket.create_connection((host, int(port)), timeout=10) for _ in range(100)]
    count = len(daemon.runs())
    daemon.ended("tick", count + 2)
    for line in lines:
        line.close()

    def answers():
        """Until it has seen them go, it may still take a new one for one too many."""
        try:
            return daemon.request("/healthz")[0] == 200
        except OSError:
            return False

    daemon.wait_for(answers)
    daemon.stop()


# ---- TLS ----------------------------------------------------------------------------------------


def test_https(daemon):
    daemon.job("one")
    folder = daemon.tow.folder
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
        + ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True,
        capture_output=True,
    )
    daemon.start("--listen", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
    port = int(daemon.base.rsplit(":", 1)[1].split()[0])
    context = ssl.create_default_context(cafile=folder / "cert.pem")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line, context.wrap_socket(line, server_hostname="127.0.0.1") as tls:
        tls.sendall(b"GET /api/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while block := tls.recv(65536):
            answer += block
    assert answer.startswith(b"HTTP/1.1 200 ") and b'"one"' in answer
    daemon.stop()
    (folder / "key.pem").write_text("no key")
    said = daemon.tow.run("daemon", "-C", "jobs", "--listen", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem", code=2).stderr
    assert "no server could be started there with the certificate" in said
    assert "go together" in daemon.tow.run("daemon", "-C", "jobs", "--tls-key", "key.pem", code=2).stderr


# ---- metrics ------------------------------------------------------------------------------------

SAMPLE = re.compile(r'^([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.e+-]+)$')


def read_metrics(text):
    """Prometheus' text format, strictly: {(name, labels): value}, {name: type}."""
    assert text.endswith("\n")
    types, helps, samples, current = {}, set(), {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, explanation = line[7:].split(" ", 1)
            assert explanation and name not in helps
            helps.add(name)
            current = name
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == current and name not in types and kind in ("counter", "gauge", "summary")
            types[name] = kind
        else:
            match = SAMPLE.match(line)
            assert match, line
            name, labels, value = match.groups()
            family = re.sub(r"_(sum|count)$", "", name) if types.get(current) == "summary" else name
            assert family == current and family in types, line  # one group a family
            key = (name, tuple(sorted(re.findall(r'([a-z_]+)="([^"]*)"', labels or ""))))
            assert key not in samples, line
            samples[key] = float(value)
    for name, kind in types.items():
        assert name in helps and name.startswith("towpath_")
        assert (kind == "counter") == name.endswith("_total"), name
        assert kind == "summary" or not name.endswith(("_count", "_sum", "_bucket")), name
    return samples, types


def metric(daemon, name, **labels):
    samples, _ = read_metrics(daemon.request("/metrics")[2])
    return samples.get((name, tuple(sorted(labels.items()))))


def test_metrics_can_be_read(daemon):
    daemon.job("a.b-c_D", 'every = "1s";')
    daemon.job("idle")
    daemon.start()
    daemon.ended("a.b-c_D", 2)
    status, headers, text = daemon.request("/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples, types = read_metrics(text)
    jobs = {dict(labels)["job"] for _, labels in samples if "job" in dict(labels)}
    assert jobs == {"a.b-c_D", "idle"}
    for name in (
        "towpath_build_info towpath_rows_total towpath_bytes_total towpath_retries_total towpath_runs_total"
        " towpath_run_duration_seconds towpath_job_running towpath_job_next_run_timestamp_seconds"
        " towpath_job_checkpoint_age_seconds towpath_job_rows_in_flight towpath_job_ack_lag_seconds"
    ).split():
        assert name in types, name
    assert samples["towpath_job_next_run_timestamp_seconds", (("job", "a.b-c_D"),)] > time.time() - 60
    assert ("towpath_job_next_run_timestamp_seconds", (("job", "idle"),)) not in samples
    daemon.stop()


def test_metrics_agree_with_the_runs_and_outlive_the_daemon(daemon):
    daemon.job("some", source=CSV.replace("in.csv", "../in.csv"), more='  columns = ( { name = "id"; type = "int32"; }, { name = "name"; type = "int32"; } );')
    daemon.start()
    for count in (1, 2, 3):
        daemon.request("/api/jobs/some/run", "POST")
        daemon.ended("some", count)
        daemon.wait_for(lambda: daemon.job_state("some")["state"] == "idle")
        assert metric(daemon, "towpath_rows_total", job="some", outcome="rejected") == 2 * count
        assert metric(daemon, "towpath_rows_total", job="some", outcome="accepted") == 0
        assert metric(daemon, "towpath_runs_total", job="some", status="ok") == count
        assert metric(daemon, "towpath_run_duration_seconds_count", job="some") == count
    seconds = metric(daemon, "towpath_run_duration_seconds_sum", job="some")
    daemon.kill()
    daemon.start()
    assert metric(daemon, "towpath_rows_total", job="some", outcome="rejected") == 6
    assert metric(daemon, "towpath_run_duration_seconds_sum", job="some") == seconds
    assert metric(daemon, "towpath_job_last_success_timestamp_seconds", job="some") > time.time() - 100
    daemon.stop()


def test_promtool_has_nothing_to_say(daemon):
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed")
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    daemon.ended("tick", 1)
    text = daemon.request("/metrics")[2]
    checked = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True, timeout=60, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    daemon.stop()


def test_what_is_in_flight_is_told(daemon, recorder):
    """The far end takes rows and says nothing: they are in flight, and the lag grows."""
    far_end = recorder(otherwise=lambda *_: {"end": "stall"})
    daemon.tow.env["TTD_TOKEN"] = "t"
    (daemon.tow.folder / "in.csv").write_text("id\n1\n2\n3\n")
    daemon.job(
        "stuck",
        sink=f'plugin = "ttd"; endpoint = "advertiser"; advertiser_id = "a"; token = "${{env:TTD_TOKEN}}"; server_url = "{far_end.url}";',
        more='  columns = ( { name = "id_type"; value = "TDID"; }, { name = "id_value"; from = "id"; }, { name = "segment_name"; value = "s"; } );',
    )
    daemon.start()
    assert metric(daemon, "towpath_job_ack_lag_seconds", job="stuck") == 0
    daemon.request("/api/jobs/stuck/run", "POST")
    daemon.wait_for(lambda: metric(daemon, "towpath_job_rows_in_flight", job="stuck") == 3)
    lag = daemon.wait_for(lambda: metric(daemon, "towpath_job_ack_lag_seconds", job="stuck"))
    daemon.wait_for(lambda: metric(daemon, "towpath_job_ack_lag_seconds", job="stuck") > lag)
    assert metric(daemon, "towpath_rows_total", job="stuck", outcome="accepted") == 0
    assert metric(daemon, "towpath_job_running", job="stuck") == 1
    daemon.stop(how=signal.SIGKILL, code=-signal.SIGKILL)
