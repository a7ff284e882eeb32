"""The whole service on this machine: store, worker, timers and API as child processes, and a live view of its runs."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from saltern_runtime.dev import secrets, store
from saltern_runtime.dev.api import Api
from saltern_runtime.dev.children import ChildError, Children
from saltern_runtime.dev.fleet import GRACE, Fleet
from saltern_runtime.dev.orders import Orders
from saltern_runtime.dev.runs import OpenRuns
from saltern_runtime.dev.terminal import json_text
from saltern_runtime.dev.tree import Tree, TreeError, find
from saltern_runtime.dev.view import JsonView, LineView, ScreenView, View
from saltern_runtime.store.views import TERMINAL
from saltern_runtime.web import tokens

TENANT: Final = "default"
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


def run(tree: Tree, *, port: int = 0, json_events: bool = False, orders: int | None = None) -> int:
    """Serve until a signal; 0 then. `orders`: a pipe to read orders from. Raises ChildError when a child dies or the port is taken."""
    stop = Stop(threading.Event())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    told = Orders(orders, stop.event.set) if orders is not None else None
    view = _view(json_events=json_events)
    token, entry = tokens.new(TENANT)
    with (
        _listener(port) as listener,
        tempfile.TemporaryDirectory(prefix="saltern-dev-", ignore_cleanup_errors=True) as folder,
        Children(Path(folder), _environment(str(entry))) as children,
    ):
        api = Api(f"http://127.0.0.1:{listener.getsockname()[1]}", token)
        url = store.start(children, Path(folder))
        children.environment["SALTERN_REDIS_URL"] = url
        children.environment.setdefault("SALTERN_PUBLIC_URL", api.base)
        fleet = Fleet(children, Path(folder), listener, OpenRuns(url), view.tell)
        first = fleet.start(tree)
        children.wait_for(first.worker, "ready", lambda: stop.event.is_set() or first.is_ready())
        children.wait_for(first.api, "ready", lambda: stop.event.is_set() or api.ready())
        if not stop.event.is_set():
            _announce(api, tree, Path(folder), json_events=json_events)
        _watch(api, children, stop, view, fleet=fleet, orders=told)
        if not json_events:
            sys.stdout.write("\nstopping\n")
            sys.stdout.flush()
    return 0


def _listener(port: int) -> socket.socket:
    """Bind the API's socket, which no API closes; connections are refused until the first one listens."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise ChildError(f"port {port} of 127.0.0.1: {error.strerror or error}") from error
    return listener


def _environment(entry: str) -> dict[str, str]:
    given = {key: value for key, value in os.environ.items() if key not in ("SALTERN_REDIS_URL", "SALTERN_BROKER_URL")}
    return {
        "SALTERN_GRACE": str(GRACE),
        "SALTERN_LOGS": "text",  # people read them
        "SALTERN_PRIVATE_NETWORKS": "any",  # what people try out often runs on the same machine
        **given,
        "SALTERN_API_TOKENS": entry,
        "SALTERN_DOCS": "open",
        "PYTHONUNBUFFERED": "1",
    }


def _announce(api: Api, tree: Tree, logs: Path, *, json_events: bool) -> None:
    urls = {
        "page": f"{api.base}/#token={api.token}",
        "docs": f"{api.base}/docs",
        "runs": f"{api.base}/runs",
        "metrics": f"{api.base}/metrics",
    }
    missing = secrets.missing(tree, os.environ)
    if json_events:
        ready = {
            "event": "ready",
            "pipeline": tree.package,
            "api": api.base,
            "token": api.token,
            "tenant": TENANT,
            "urls": urls,
            "plan": tree.plan,
            "missing_secrets": list(missing),
        }
        sys.stdout.write(json_text(ready, sys.stdout) + "\n")
    else:
        shown = "\n".join(f"  {name:<8} {url}" for name, url in urls.items())
        sys.stdout.write(
            f"{tree.package} is up; Ctrl-C stops it\n{shown}\n  token    {api.token}\n  logs     {logs}\n\n{_warning(missing)}"
        )
    sys.stdout.flush()


def _warning(missing: Mapping[str, tuple[str, ...]]) -> str:
    """Say which secrets there are not; empty where there are all."""
    if not missing:
        return ""
    rows = "".join(f"  {name:<24} {', '.join(users)}\n" for name, users in missing.items())
    return f"These environment variables are not set, and what needs them will fail:\n{rows}\n"


def _view(*, json_events: bool) -> View:
    if json_events:
        return JsonView(sys.stdout)
    return ScreenView(sys.stdout) if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" else LineView(sys.stdout)


def _watch(api: Api, children: Children, stop: Stop, view: View, *, fleet: Fleet, orders: Orders | None) -> None:
    ended: set[tuple[str, str | None]] = set()  # with the moment: a run that is replayed ends again
    while not stop.event.is_set():
        for order in orders.take() if orders is not None else ():
            _obey(order, fleet, view)
        children.check()
        began = time.monotonic()
        fresh = [run["id"] for run in reversed(api.runs()) if (run["id"], run["ended_at"]) not in ended]
        runs: list[Any] = [run for run in map(api.run, fresh) if run is not None]
        ended.update((run["id"], run["ended_at"]) for run in runs if run["state"] in TERMINAL)
        view.update(runs)
        fleet.tick()
        stop.event.wait(max(REFRESH, time.monotonic() - began))


def _obey(order: Mapping[str, Any], fleet: Fleet, view: View) -> None:
    if "text" in order:
        view.tell(order["event"], order["text"])
        return
    try:
        tree = find(Path(order["tree"]))
    except TreeError as error:
        view.tell({"event": "reload-failed", "why": str(error)}, f"not reloaded: {error}")
        return
    missing = secrets.missing(tree, os.environ)
    view.tell(
        {"event": "reloading", "plan": tree.plan, "missing_secrets": list(missing)}, f"reloading\n{_warning(missing)}"
    )
    fleet.replace(tree)
