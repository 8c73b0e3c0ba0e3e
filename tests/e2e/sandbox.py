"""The sandbox for tests: fake services in a process of their own, one for a session, reset for each
test. tests/sandbox/README.md tells what it can do."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "sandbox"
MODULES = ["duckdb", "numpy", "pyarrow", "sqlglot", "lz4.frame", "botocore", "grpc", "google.protobuf"]
START_TIMEOUT = 60
TIMEOUT = 60


class Refused(AssertionError):
    """An answer that is no success."""

    def __init__(self, status, body):
        super().__init__(f"HTTP {status}: {body[:2000]!r}")
        self.status = status
        self.body = body


class StatementFailed(AssertionError):
    """A statement that did not succeed; `answer` is what the API said."""

    def __init__(self, answer):
        super().__init__(json.dumps(answer["status"]))
        self.answer = answer


class Sandbox:
    """A running sandbox, talked to by plain HTTP."""

    def __init__(self, *flags, env=None):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "towpath_sandbox", *flags],
            cwd=FOLDER,
            env={**os.environ, **(env or {}), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        line = self._process.stdout.readline()
        assert line, "the sandbox did not start"
        about = json.loads(line)
        self.url = about["url"]
        self.storage_url = about["storage_url"]
        self.token = about["token"]
        self.client_id = about["client_id"]
        self.client_secret = about["client_secret"]
        self.warehouse_id = about["warehouse_id"]
        self.http_path = f"/sql/1.0/warehouses/{self.warehouse_id}"
        self.s3_endpoint = about["s3_endpoint"]
        self.access_key = about["access_key"]
        self.secret_key = about["secret_key"]
        self.region = about["region"]
        self.ttd_token = about["ttd_token"]
        self.lytics_url = about["lytics_url"]
        self.lytics_bulk_url = about["lytics_bulk_url"]
        self.lytics_token = about["lytics_token"]
        self.zerobus_url = about["zerobus_url"]
        self.zerobus_tls_url = about["zerobus_tls_url"]
        self.zerobus_ca = about["zerobus_ca"]

    def close(self):
        """Ends it. It also ends by itself with whoever holds its standard input."""
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process.stdout.close()

    def env(self):
        """What a towpath job reads from its environment to get here."""
        return {
            "DATABRICKS_HOST": self.url,
            "DATABRICKS_TOKEN": self.token,
            "DATABRICKS_WAREHOUSE_ID": self.warehouse_id,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "TTD_TOKEN": self.ttd_token,
            "TTD_URL": self.url,
            "LYTICS_TOKEN": self.lytics_token,
            "LYTICS_API_URL": self.lytics_url,
            "LYTICS_BULK_URL": self.lytics_bulk_url,
        }

    # -- HTTP --------------------------------------------------------------------------------------

    def request(self, method, path, body=None, headers=None, login=True):
        """One exchange with the workspace: status, headers, body. Any status is an answer."""
        url = path if path.startswith("http") else self.url + path
        all_headers = {"Authorization": f"Bearer {self.token}"} if login else {}
        all_headers.update(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            all_headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(url, data=body, headers=all_headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def call(self, method, path, body=None, **kwargs):
        """The same for an answer that must be a success in JSON."""
        status, _, data = self.request(method, path, body, **kwargs)
        if status >= 300:
            raise Refused(status, data)
        return json.loads(data) if data else None

    # -- SQL ---------------------------------------------------------------------------------------

    def execute(self, text, **fields):
        """Runs a statement to its end: the last answer of the API, whatever the state."""
        body = {
            "statement": text,
            "warehouse_id": self.warehouse_id,
            "wait_timeout": "30s",
            **fields,
        }
        answer = self.call("POST", "/api/2.0/sql/statements", body)
        while answer["status"]["state"] in ("PENDING", "RUNNING"):
            answer = self.call("GET", f"/api/2.0/sql/statements/{answer['statement_id']}")
        return answer

    def sql(self, text, **fields):
        """The rows of a statement that must succeed; each cell is text or None."""
        answer = self.execute(text, **fields)
        if answer["status"]["state"] not in ("SUCCEEDED", "CLOSED"):
            raise StatementFailed(answer)
        part = answer.get("result") or {}
        rows = part.get("data_array") or []
        while part.get("next_chunk_index"):
            part = self.call(
                "GET",
                f"/api/2.0/sql/statements/{answer['statement_id']}/result/chunks/{part['next_chunk_index']}",
            )
            rows += part["data_array"]
        return rows

    def value(self, text):
        """The only cell of a statement's result."""
        ((cell,),) = self.sql(text)
        return cell

    def count(self, table):
        return int(self.value(f"SELECT count(*) FROM {table}"))

    # -- files -------------------------------------------------------------------------------------

    def put(self, path, content):
        """A file in a volume."""
        body = content.encode() if isinstance(content, str) else content
        status, _, data = self.request("PUT", f"/api/2.0/fs/files{quote(path)}?overwrite=true", body)
        assert status == 204, (status, data)

    def get(self, path):
        status, _, data = self.request("GET", f"/api/2.0/fs/files{quote(path)}")
        assert status == 200, (status, data)
        return data

    def list(self, path):
        """Names in a folder of a volume; [] where there is none."""
        status, _, data = self.request("GET", f"/api/2.0/fs/directories{quote(path)}")
        return [item["name"] for item in json.loads(data).get("contents", [])] if status == 200 else []

    # -- control -----------------------------------------------------------------------------------

    def reset(self):
        self.call("POST", "/_sandbox/reset")

    def set(self, **settings):
        """Settings of tests/sandbox/towpath_sandbox/settings.py, until the test ends."""
        self.call("POST", "/_sandbox/settings", settings)

    def faults(self, rules, add=False):
        """The rules in force from now on, or further ones."""
        self.call("POST", "/_sandbox/faults" + ("?add=1" if add else ""), rules)

    def log(self, path="", method=""):
        """Requests that came, oldest first: those whose path holds `path`."""
        return [
            entry
            for entry in self.call("GET", "/_sandbox/log")
            if path in entry["path"] and method in ("", entry["method"])
        ]

    def statements(self):
        """Texts of all statements that were submitted, oldest first."""
        return [item["statement"] for item in self.call("GET", "/_sandbox/statements")]

    def hold(self, name="hold", seconds=30):
        """Waits until a rule with do = "hold" holds something."""
        held = self.held(name, seconds)
        assert held, f"nothing came to {name!r}"
        return held

    def held(self, name="hold", seconds=0):
        """What a rule of this name holds, as soon as there is something, or after so many seconds."""
        return self.call("GET", f"/_sandbox/holds?name={quote(name)}&seconds={seconds}")

    def release(self, name=None):
        """Lets go what is held, under one name or at all, and holds no more."""
        return self.call("POST", "/_sandbox/release", {"name": name} if name else {})["released"]

    def folder(self):
        """Where volumes (Volumes/) and buckets (s3/) lie, to look into; another after each reset."""
        return Path(self.call("GET", "/_sandbox/about")["folder"])

    def ttd(self):
        """What the Data API took: {"requests", "items": [{"endpoint", "item", "error_code"}]}."""
        return self.call("GET", "/_sandbox/ttd")

    def seed(self, **things):
        """Puts things into Lytics: segments, fields, streams, events, metrics and more (README.md)."""
        self.call("POST", "/_sandbox/lytics", things)

    def lytics(self):
        """What uploads brought to Lytics: {"streams": {name: [record]}, "uploads": [...]}."""
        return self.call("GET", "/_sandbox/lytics")

    def expire_cursors(self):
        """Ends all page tokens of Lytics' scans."""
        self.call("POST", "/_sandbox/expire_cursors", {})

    def expire_tokens(self):
        """Ends all OAuth tokens that were given out."""
        self.call("POST", "/_sandbox/expire_tokens")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def missing_modules():
    """Which modules of the sandbox this Python lacks."""
    missing = []
    for name in MODULES:
        try:
            __import__(name)
        except ImportError:
            missing.append(name)
    return missing


def need_modules():
    """Skips the test where the sandbox cannot run; fails it where that must not be."""
    missing = missing_modules()
    if not missing:
        return
    reason = f"the sandbox needs {', '.join(missing)}: ./quickstart installs them into build/venv"
    if os.environ.get("TOWPATH_SANDBOX") == "required":
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)


@pytest.fixture(scope="session")
def sandbox_process():
    need_modules()
    process = Sandbox()
    yield process
    process.close()


@pytest.fixture
def sandbox(sandbox_process):
    """An empty workspace with nothing wrong with it."""
    sandbox_process.reset()
    return sandbox_process
