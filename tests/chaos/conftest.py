"""Real processes to kill: Celery workers, timers; and a service to start runs with."""

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.engine.service import Service
from saltern_runtime.settings import Settings
from saltern_runtime.store.views import TERMINAL
from tests.support.checker import Watch, broken, recorded_twice

PACKAGES = Path(__file__).parent / "packages"
SHORT = {
    "SALTERN_LEASE": "0.8",
    "SALTERN_SWEEP": "0.1",
    "SALTERN_SOCKET_TIMEOUT": "5",
    "SALTERN_GRACE": "5.3",
    "CHAOS": "1",
}
"""Lease and sweep are settings; short here."""
OUTPUT = {"category": "billing", "told": True}


def chaos_graph(service, package="chaos_triage"):
    """Import the package anew under a service name."""
    for name in [name for name in sys.modules if name.startswith("chaos_")]:
        del sys.modules[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAOS_SERVICE", service)
        patch.syspath_prepend(str(PACKAGES))
        return importlib.import_module(f"{package}.graph").GRAPH


class Site:
    """Make a service on a server, with its processes."""

    def __init__(self, url, service, log, package="chaos_triage", **settings):
        self.env = {
            **os.environ,
            **SHORT,
            **{f"SALTERN_{name.upper()}": str(value) for name, value in settings.items()},
            "SALTERN_REDIS_URL": url,
            "CHAOS_SERVICE": service,
            "PYTHONPATH": str(PACKAGES),
        }
        settings = Settings.from_env({key: value for key, value in self.env.items() if key.startswith("SALTERN_")})
        self.service = Service(chaos_graph(service, package), settings)
        self.name, self.url, self.package = service, url, package
        self.log = log
        self.processes = []
        self.workers = []

    def spawn(self, *command):
        process = subprocess.Popen([sys.executable, *command], env=self.env, stdout=self.log, stderr=self.log)
        self.processes.append(process)
        return process

    def worker(self):
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "warning", "-c", "2")
        self.workers.append(self.spawn("-m", "celery", "-A", f"{self.package}.tasks", "worker", *quiet))
        return self.workers[-1]

    def supervise(self):
        """Start a worker for each that ended, as whatever runs them does.

        Where its broker goes away at a bad moment, kombu may end a worker with an error of its own (`'NoneType' object has no
        attribute 'hostname'`, while it gives a connection back).
        """
        for worker in [each for each in self.workers if each.poll() is not None]:
            self.workers.remove(worker)
            self.worker()

    def timers(self):
        return self.spawn("-m", f"{self.package}.timers")

    def start(self, **given):
        return self.service.start(given, tenant="acme", trigger="api").run_id

    def arm(self, moment):
        self.service.store.client.set("chaos:armed", moment)

    def armed(self):
        return self.service.store.client.get("chaos:armed")

    def finish(self, run_id, output=OUTPUT):
        """See that the run completes, nothing was recorded twice, no invariant is broken."""
        end = time.monotonic() + 90
        while (view := self.service.wait(run_id, 1)).state not in TERMINAL and time.monotonic() < end:
            self.supervise()
        assert view.state == "SUCCEEDED", (view, self.types(run_id))
        assert view.output == output
        client = self.service.store.client
        assert recorded_twice(client, self.name, run_id) == []
        assert broken(client, self.name) == []
        return view

    def types(self, run_id):
        return [(event.type, event.path) for event in self.service.events(run_id)]

    def until(self, run_id, kind, path=None):
        """Wait for an event."""
        end = time.monotonic() + 20
        while not any(event[0] == kind and path in (None, event[1]) for event in self.types(run_id)):
            assert time.monotonic() < end, self.types(run_id)
            time.sleep(0.02)

    def effects(self, run_id):
        """Return what the world saw: effect key → how often."""
        return {key: int(n) for key, n in self.service.store.client.hgetall(f"world:{run_id}").items()}

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.service.close()


@pytest.fixture
def here(own_redis, monkeypatch):
    """Open services with their workers in this process, on a server of the test's own."""
    monkeypatch.setenv("SALTERN_REDIS_URL", own_redis.url)
    opened = []

    def make(name="chaos_here", graph=None, **settings):
        fields = {"redis_url": own_redis.url, "lease": 0.2, "sweep": 0.03} | settings
        opened.append(InOneProcess(graph or chaos_graph(name), Settings(**fields)))
        opened[-1].service.store._rings["ring"] = 100
        return opened[-1]

    yield make
    for each in opened:
        each.service.close()


@pytest.fixture(scope="module")
def site(redis_server, tmp_path_factory):
    """One worker of two processes and two timers, for all tests of a module; the invariants are watched all the time."""
    path = tmp_path_factory.mktemp("site") / "log"
    with path.open("w") as log:
        made = Site(redis_server.url, "chaos_site", log)
        made.worker()
        made.timers()
        made.timers()
        with Watch(redis_server.url, "chaos_site") as watch:
            made.watch = watch
            yield made
        made.close()
    assert watch.looks > 0
    assert watch.broken == []


@pytest.fixture
def own_site(own_redis, tmp_path):
    """Make a service on a server of its own; the test starts the processes."""
    with (tmp_path / "log").open("w") as log:
        made = Site(own_redis.url, "chaos_own", log)
        yield made
        made.close()
