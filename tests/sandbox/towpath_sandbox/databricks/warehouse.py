"""The SQL warehouse: its state, and what waits for it."""

import threading
import time
from collections.abc import Callable
from typing import Any

from towpath_sandbox.settings import Settings


class Warehouse:
    """Starts when asked to, or when a statement comes: after so many polls, or so much time, or never."""

    def __init__(self, settings: Settings) -> None:
        self._lock = threading.Condition()
        self._state = settings.warehouse_state
        self._polls = 0
        self._ready_at = 0.0

    def state(self, settings: Settings) -> str:
        with self._lock:
            self._advance(settings)
            return self._state

    def start(self, settings: Settings) -> None:
        with self._lock:
            if self._state in ("STOPPED", "STOPPING"):
                self._state = "STARTING"
                self._polls = settings.warehouse_polls
                self._ready_at = time.monotonic() + settings.warehouse_seconds
            self._advance(settings)

    def stop(self) -> None:
        with self._lock:
            self._state = "STOPPED"

    def poll(self, settings: Settings) -> None:
        """Somebody looked."""
        with self._lock:
            self._polls = max(0, self._polls - 1)
            self._advance(settings)

    def _advance(self, settings: Settings) -> None:
        if (
            self._state == "STARTING"
            and settings.warehouse_starts
            and not self._polls
            and time.monotonic() >= self._ready_at
        ):
            self._state = "RUNNING"
            self._lock.notify_all()

    def is_counted(self) -> bool:
        """Whether it starts by polls: then there is no use in waiting for it."""
        return self._state == "STARTING" and self._polls > 0

    def wait(self, settings: Callable[[], Settings], is_over: Callable[[], bool]) -> None:
        """Until it runs, or `is_over`."""
        self.start(settings())
        with self._lock:
            while self._state != "RUNNING" and not is_over():
                self._lock.wait(0.02)
                self._advance(settings())

    def describe(self, settings: Settings) -> dict[str, Any]:
        state = self.state(settings)
        health = {"status": "HEALTHY"} if state == "RUNNING" else {}
        return {
            "id": settings.warehouse_id,
            "name": "sandbox",
            "cluster_size": "2X-Small",
            "min_num_clusters": 1,
            "max_num_clusters": 1,
            "num_clusters": int(state == "RUNNING"),
            "auto_stop_mins": 10,
            "creator_name": "sandbox@towpath",
            "warehouse_type": "PRO",
            "enable_serverless_compute": True,
            "state": state,
            "health": health,
            "odbc_params": {
                "hostname": "127.0.0.1",
                "path": f"/sql/1.0/warehouses/{settings.warehouse_id}",
                "protocol": "https",
                "port": 443,
            },
        }
