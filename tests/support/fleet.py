"""A worker and timers as processes of their own, for a tree on disk; and a service that starts runs for them."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

from saltern_runtime.engine.service import Service
from saltern_runtime.settings import Settings
from tests.support.built import importable
from tests.support.tree import write_tree

COMMANDS = (
    ("-m", "celery", "-A", "echo.tasks", "worker", "--without-gossip", "--without-mingle", "-l", "info", "-c", "1"),
    ("-m", "saltern_runtime.timers", "echo"),
)


class Fleet:
    """The processes, what they wrote, and the service."""

    def __init__(self, service, processes, log):
        self.service, self.processes, self.log = service, processes, log

    def run(self, text="hello"):
        """Start a run and wait for its end."""
        started = self.service.start({"text": text, "seconds": 0.0}, tenant="acme", trigger="api")
        return self.service.wait(started.run_id, 90)

    def said(self):
        """Return what the processes wrote so far."""
        return self.log.read_text()


@contextmanager
def fleet(folder, **settings):
    """Start a worker and timers of the pipeline `echo` with these settings, `redis_url` and so on."""
    tree = write_tree(folder / "tree")
    env = {f"SALTERN_{name.upper()}": str(value) for name, value in settings.items()}
    log = folder / "log"
    processes = []
    with importable(tree, "echo") as load, log.open("w") as out:
        service = Service(load("graph").GRAPH, Settings.from_env(env))
        whole = {**os.environ, **env, "PYTHONPATH": str(tree), "COLUMNS": "300"}
        try:
            for command in COMMANDS:
                processes.append(subprocess.Popen([sys.executable, *command], env=whole, stdout=out, stderr=out))
            yield Fleet(service, processes, log)
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            service.close()
