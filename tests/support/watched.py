"""A service as it runs outside of tests: an API by uvicorn, a Celery worker and timers, each a process whose logs are kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saltern_compiler.driver import Source, compile_loaded, write_tree
from saltern_runtime.web import tokens
from tests.support.redis import free_port
from tests.support.until import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass
class Running:
    """A service that is up."""

    url: str
    processes: Mapping[str, subprocess.Popen[bytes]]
    """Its API, worker and timers."""
    folder: Path
    token: str

    def ask(self, path: str, body: Any = None, **headers: str) -> Any:
        """Ask the API, and return what it answers: JSON where it says so, else text."""
        data = None if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, given), timeout=60) as answer:
            text = answer.read().decode()
            return json.loads(text) if "json" in answer.headers["Content-Type"] else text

    def log(self, process: str) -> list[dict[str, Any]]:
        """Return the records of a process, each of which is one line of JSON."""
        return [json.loads(line) for line in (self.folder / f"{process}.err").read_text("utf-8").splitlines()]

    def end(self) -> None:
        """Ask all of them to end, and wait until they have."""
        for each in self.processes.values():
            each.send_signal(signal.SIGTERM)
        for each in self.processes.values():
            each.wait(60)


@contextmanager
def running(source: Path, folder: Path, env: Mapping[str, str]) -> Iterator[Running]:
    """Compile a pipeline, and run its API, timers and a worker of one process until the block ends."""
    result = compile_loaded(Source.load(str(source)))
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, folder / "tree")
    package, port = source.stem, free_port()
    token, entry = tokens.new("acme")
    whole = {
        **os.environ,
        "SALTERN_API_TOKENS": str(entry),
        "PYTHONPATH": str(folder / "tree"),
        "PYTHONWARNINGS": "ignore",  # of being root Celery warns before logs are set up
        **env,
    }
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "info", "-c", "1")
    commands = {
        "api": ("-m", "uvicorn", "--factory", f"{package}:create_app", "--port", str(port)),
        "worker": ("-m", "celery", "-A", f"{package}.tasks", "worker", *quiet),
        "timers": ("-m", "saltern_runtime.timers", package),
    }
    started = {}
    for name, command in commands.items():
        with (folder / f"{name}.err").open("wb") as log:
            started[name] = subprocess.Popen(
                [sys.executable, *command], env=whole, stdout=subprocess.DEVNULL, stderr=log, cwd=folder
            )
    up = Running(f"http://127.0.0.1:{port}", started, folder, token)
    try:
        assert until(lambda: _is_up(up), 60), {each: (folder / f"{each}.err").read_text("utf-8") for each in commands}
        yield up
    finally:
        up.end()


def _is_up(up: Running) -> bool:
    try:
        return up.ask("/readyz") == {"status": "ready"}
    except OSError:
        return False
