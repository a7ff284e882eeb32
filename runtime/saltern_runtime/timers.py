"""`python -m saltern_runtime.timers PACKAGE`: the timers of a generated package. Run at least two; there is no leader."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from redis.exceptions import ConnectionError as LostConnectionError
from redis.exceptions import TimeoutError as SlowReplyError

from saltern_runtime.engine.schedules import Schedules
from saltern_runtime.engine.service import Service
from saltern_runtime.engine.sweeper import Sweeper, sweep_payloads
from saltern_runtime.graph import Graph
from saltern_runtime.observe import logs
from saltern_runtime.settings import Settings
from saltern_runtime.store.store import StoreUnavailableError, StoreUnfitError

log = logging.getLogger("saltern.timers")


def load_graph(package: str) -> Graph:
    """Return `PACKAGE.graph.GRAPH`; raises ImportError or TypeError where it is none of ours."""
    graph = importlib.import_module(f"{package}.graph").GRAPH
    if not isinstance(graph, Graph):
        raise TypeError(f"{package}.graph.GRAPH is no graph")
    return graph


def run(service: Service, stop: threading.Event, heartbeat: Path | None = None) -> None:
    """Sweep until told to stop. An outage of the store is waited out; the store itself knows how long the gap was."""
    sweeper = Sweeper(service.store, service.dispatcher, service.reader)
    schedules = Schedules(service)
    if service.settings.payloads.kind != "redis":
        threading.Thread(
            target=sweep_payloads, args=(service.store, stop), name="saltern-payloads", daemon=True
        ).start()
    while not stop.is_set():
        try:
            service.prepare()
            sweeper.sweep()
            schedules.fire()
        except (StoreUnavailableError, LostConnectionError, SlowReplyError) as error:
            log.warning("nothing swept: %s", error)
        if heartbeat is not None:
            heartbeat.touch()
        stop.wait(service.settings.sweep)


def main(arguments: list[str] | None = None) -> int:
    """Run as a command; SIGTERM and SIGINT stop it after the sweep at hand."""
    parser = argparse.ArgumentParser(prog="python -m saltern_runtime.timers", description=__doc__)
    parser.add_argument("package", help="the generated package, such as support_triage")
    parser.add_argument("--heartbeat", type=Path, metavar="FILE", help="a file to touch after each sweep, for a probe")
    chosen = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        service = Service(load_graph(chosen.package), Settings.at_start())
        logs.log_to_stderr(
            service.settings, service.about, logs.secrets_of(service.graph, service.settings, os.environ)
        )
        run(service, stop, chosen.heartbeat)
    except StoreUnfitError as error:
        log.error("%s", error)  # noqa: TRY400 - the message is all that an operator needs
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
