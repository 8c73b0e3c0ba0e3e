"""The process: how it starts, and that nothing of it is left."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from dataclasses import fields
from pathlib import Path

import pytest
from sandbox import FOLDER, Sandbox, need_modules

need_modules()

from towpath_sandbox.faults import Rule  # noqa: E402
from towpath_sandbox.settings import Settings  # noqa: E402


def start(*flags):
    process = subprocess.Popen(
        [sys.executable, "-m", "towpath_sandbox", *flags],
        cwd=FOLDER,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    return process, json.loads(process.stdout.readline())


def end(process):
    try:
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.stdin.close()
        process.stdout.close()


def test_it_says_where_it_is_and_ends_with_its_input():
    process, about = start()
    assert about["url"].startswith("http://127.0.0.1:")
    assert Path(about["folder"]).is_dir()
    process.stdin.close()
    end(process)
    assert not Path(about["folder"]).parent.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_by_a_signal(number):
    process, _ = start()
    process.send_signal(number)
    end(process)


def test_it_ends_while_something_is_held():
    process, about = start()
    rule = json.dumps([{"do": "hold", "name": "h"}]).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(f"{about['url']}/_sandbox/faults", data=rule), timeout=30).close()
    client = subprocess.Popen(
        [sys.executable, "-c", f"import urllib.request; urllib.request.urlopen('{about['url']}/x')"],
        env={**os.environ, "NO_PROXY": "*"},
        stderr=subprocess.DEVNULL,
    )
    try:
        opener.open(f"{about['url']}/_sandbox/holds?seconds=30", timeout=60).close()
        process.stdin.close()
        end(process)
    finally:
        client.kill()
        client.wait(30)


def test_flags_are_settings():
    sandbox = Sandbox(
        "--token", "other", "--warehouse-state", "STOPPED", "--chunk-rows", "3", "--no-compression"
    )
    try:
        assert sandbox.token == "other"
        settings = sandbox.call("GET", "/_sandbox/settings")
        assert (settings["chunk_rows"], settings["compression"]) == (3, False)
        path = f"/api/2.0/sql/warehouses/{sandbox.warehouse_id}"
        assert sandbox.call("GET", path)["state"] == "STOPPED"
    finally:
        sandbox.close()


def test_the_manual_is_right_about_rules_and_settings():
    text = (Path(FOLDER) / "README.md").read_text()
    rules = [
        rule
        for line in re.findall(r"^    (\[\{\"do\".*\])$", text, re.MULTILINE)
        for rule in json.loads(line)
    ]
    assert len(rules) >= 8
    for rule in rules:
        Rule.of(rule)
    table = text.split("## Settings worth knowing")[1].split("##")[0]
    named = re.findall(
        r"`(\w+)(?:=[^`]*)?`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line)
    )
    assert set(named) <= {item.name for item in fields(Settings)} and len(named) > 15


def test_files_can_lie_in_a_folder_of_ones_own(tmp_path):
    sandbox = Sandbox("--root", str(tmp_path))
    try:
        sandbox.put("/Volumes/main/crm/stage/f", b"1")
        assert (sandbox.folder() / "Volumes/main/crm/stage/f").read_bytes() == b"1"
        assert sandbox.folder().is_relative_to(tmp_path)
    finally:
        sandbox.close()
