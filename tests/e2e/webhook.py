"""A run of lytics_audience_changes that listens, and what is sent to it."""

import http.client
import json
import re
import signal

from helpers import until

AT = "2026-03-01T10:00:00.123456Z"
PORT = re.compile(r"listening on port (\d+)")


class Hook:
    """A run that listens, and a sender. `port` is None where the run ended before, and may do that."""

    def __init__(self, tow, *args, may_fail=False, **kwargs):
        self.tow = tow
        self.log = tow.folder / "log.txt"
        self.log.write_bytes(b"")
        with open(self.log, "ab") as log:
            self.process = tow.start("run", "job.cfg", *args, stderr=log, **kwargs)
        until(lambda: PORT.search(self.log.read_text()) or self.process.poll() is not None)
        found = PORT.search(self.log.read_text())
        assert found or may_fail, self.log.read_text()
        self.port = int(found.group(1)) if found else None

    def send(self, body, path="/lytics", headers=None, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        try:
            connection.request(method, path, text, headers or {})
            return connection.getresponse().status
        finally:
            connection.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.tow.finish(self.process, 128 + signal.SIGTERM)

    def kill(self):
        self.process.kill()
        self.process.communicate(timeout=60)


def event(kind="enter", slug="vip", at=AT, segment="seg-1"):
    return {"id": segment, "slug": slug, "event": kind, kind: at}


def payload(email, *events, **fields):
    return {"id": "1", "data": {"email": email, **fields, "segment_events": list(events)}, "meta": {}}
