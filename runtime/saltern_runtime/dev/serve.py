"""The whole service on this machine: store, worker, timers and API as child processes, and a live view of its runs."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from saltern_runtime.dev import store
from saltern_runtime.dev.api import Api
from saltern_runtime.dev.children import Child, ChildError, Children
from saltern_runtime.dev.tree import Tree
from saltern_runtime.dev.view import TERMINAL, JsonView, LineView, ScreenView, View
from saltern_runtime.web import tokens

TENANT: Final = "default"
GRACE: Final = 10.0
"""Seconds that the worker gets to finish; what it leaves is lost with the store, so there is nothing to hand back."""
REFRESH: Final = 0.3


@dataclass(slots=True)
class Stop:
    """Set by Ctrl-C and SIGTERM; the second one ends at once."""

    event: threading.Event

    def __call__(self, _: int, __: FrameType | None) -> None:
        """Take a signal."""
        if self.event.is_set():
            # The children's guards see the lifeline close and end them.
            os._exit(130)
        self.event.set()


def run(tree: Tree, *, port: int = 0, json_events: bool = False) -> int:
    """Serve until a signal; 0 then. Raises ChildError when a child dies or the port is taken."""
    stop = Stop(threading.Event())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        port = store.free_port(port)
    except OSError as error:
        raise ChildError(f"port {port} of 127.0.0.1: {error.strerror or error}") from error
    token, entry = tokens.new(TENANT)
    api = Api(f"http://127.0.0.1:{port}", token)
    with (
        tempfile.TemporaryDirectory(prefix="saltern-dev-", ignore_cleanup_errors=True) as folder,
        Children(Path(folder), _environment(tree, str(entry))) as children,
    ):
        children.environment["SALTERN_REDIS_URL"] = store.start(children, Path(folder))
        alive = Path(folder, "worker.alive")
        children.environment["SALTERN_HEARTBEAT_FILE"] = str(alive)
        worker, served = _start(children, tree, port)
        children.wait_for(served, "ready", lambda: stop.event.is_set() or api.ready())
        children.wait_for(worker, "ready", lambda: stop.event.is_set() or alive.exists())
        if not stop.event.is_set():
            _announce(api, tree, Path(folder), json_events=json_events)
        _watch(api, children, stop, _view(json_events=json_events))
        if not json_events:
            sys.stdout.write("\nstopping\n")
            sys.stdout.flush()
    return 0


def _environment(tree: Tree, entry: str) -> dict[str, str]:
    given = {key: value for key, value in os.environ.items() if key not in ("SALTERN_REDIS_URL", "SALTERN_BROKER_URL")}
    paths = [str(tree.folder), *filter(None, [given.get("PYTHONPATH")])]
    return {
        "SALTERN_GRACE": str(GRACE),
        **given,
        "SALTERN_API_TOKENS": entry,
        "SALTERN_DOCS": "open",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
    }


def _start(children: Children, tree: Tree, port: int) -> tuple[Child, Child]:
    """Start worker, timers and API; returns the worker and the API."""
    python = [sys.executable, "-m"]
    worker = [
        "celery",
        "-A",
        f"{tree.package}.tasks",
        "worker",
        "--pool",
        "prefork",
        "--concurrency",
        "2",
        "--loglevel",
        "INFO",
    ]
    working = children.start("worker", [*python, *worker], grace=GRACE)
    children.start("timers", [*python, "saltern_runtime.timers", tree.package])
    serve = ["uvicorn", "--factory", f"{tree.package}:create_app", "--host", "127.0.0.1", "--port", str(port)]
    return working, children.start("api", [*python, *serve, "--timeout-graceful-shutdown", "2"])


def _announce(api: Api, tree: Tree, logs: Path, *, json_events: bool) -> None:
    urls = {
        "page": f"{api.base}/#token={api.token}",
        "docs": f"{api.base}/docs",
        "runs": f"{api.base}/runs",
        "metrics": f"{api.base}/metrics",
    }
    if json_events:
        ready = {
            "event": "ready",
            "pipeline": tree.package,
            "api": api.base,
            "token": api.token,
            "tenant": TENANT,
            "urls": urls,
        }
        sys.stdout.write(json.dumps(ready) + "\n")
    else:
        shown = "\n".join(f"  {name:<8} {url}" for name, url in urls.items())
        sys.stdout.write(
            f"{tree.package} is up; Ctrl-C stops it\n{shown}\n  token    {api.token}\n  logs     {logs}\n\n"
        )
    sys.stdout.flush()


def _view(*, json_events: bool) -> View:
    if json_events:
        return JsonView(sys.stdout)
    return ScreenView(sys.stdout) if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" else LineView(sys.stdout)


def _watch(api: Api, children: Children, stop: Stop, view: View) -> None:
    ended: set[str] = set()
    while not stop.event.is_set():
        children.check()
        began = time.monotonic()
        fresh = [run["id"] for run in reversed(api.runs()) if run["id"] not in ended]
        found: list[Any] = [run for run in map(api.run, fresh) if run is not None]
        ended.update(run["id"] for run in found if run["state"] in TERMINAL)
        view.update(found)
        stop.event.wait(max(REFRESH, time.monotonic() - began))
