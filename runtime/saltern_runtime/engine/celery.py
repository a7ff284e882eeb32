"""Celery, for what it is good at: processes, queues, routing, concurrency, shutdown. Its messages are doorbells.

Early acknowledgement, no prefetch, no result backend, no ETA: what a lost message would lose is in the store already.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from celery import Celery, signals
from kombu.entity import Queue

from saltern_runtime.engine.broker import broker_conf
from saltern_runtime.engine.engine import Engine
from saltern_runtime.engine.memory import bound_of, confine, most_resident
from saltern_runtime.engine.places import stage_of
from saltern_runtime.engine.printed import Printed
from saltern_runtime.engine.pulse import Pulse
from saltern_runtime.graph import Graph
from saltern_runtime.observe import logs, tracing
from saltern_runtime.observe.here import LEAVING
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Bell
from saltern_runtime.store.keys import short_of
from saltern_runtime.store.store import StoreUnavailableError, StoreUnfitError
from saltern_runtime.store.versions import SEEN_EVERY, announce

__all__ = ["Bell", "CeleryDispatcher", "Worker"]

log = logging.getLogger("saltern.celery")
FLUSH: Final = 3.0
"""Seconds that a process which ends has to send off its traces."""
HEARTBEAT: Final = 5.0
"""Seconds between two touches of the heartbeat file."""


def celery_app(service: str, settings: Settings) -> Celery:
    """Make the Celery app that both ends share."""
    app = Celery(service, set_as_current=False)
    app.conf.update(
        **broker_conf(settings),
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=False,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_send_task_events=False,
    )
    return app


def message_queue(service: str, queue: str) -> str:
    """Return the broker's queue for a stage queue: `support_triage.1a2b3c4d.model`."""
    return f"{service}.{queue}"


class CeleryDispatcher:
    """Sends bells over Celery; used by workers, timers and the API alike."""

    def __init__(self, service: str, settings: Settings, app: Celery | None = None) -> None:
        self._service = service
        self._app = app or celery_app(service, settings)
        self._tell: Callable[[str], None] = _once_a_minute()

    def ring(self, bells: Iterable[Bell]) -> None:
        """See Dispatcher."""
        for bell in bells:
            try:
                self._app.send_task(
                    f"{self._service}.{stage_of(bell.path)}",
                    args=(bell.message(),),
                    queue=message_queue(self._service, bell.queue),
                    ignore_result=True,
                    retry=False,
                )
            except Exception as error:  # noqa: BLE001 - kombu raises its transports' own; the bell is rung again when due
                self._tell(f"a bell was not sent: {error}")

    def waiting(self, queue: str) -> int | None:
        """See Dispatcher."""
        try:
            with self._app.connection_for_read() as connection:
                channel = connection.default_channel
                return int(channel.client.llen(message_queue(self._service, queue)))
        except Exception as error:  # noqa: BLE001 - kombu raises its transports' own; nobody is told a number
            self._tell(f"the broker did not say what waits: {error}")
            return None


class Worker:
    """The Celery side of a generated package: `worker.celery` is its app, `worker.register` makes a task for a stage."""

    def __init__(self, graph: Graph, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.at_start()
        self.memory = bound_of(self.settings.memory)
        self.celery = celery_app(graph.name, self.settings)
        self.celery.conf.worker_max_memory_per_child = most_resident(self.memory)
        self.engine = Engine(graph, self.settings, CeleryDispatcher(graph.name, self.settings, self.celery))
        self.celery.conf.task_queues = [
            Queue(name, routing_key=name)  # type: ignore[no-untyped-call]  # kombu ships no types
            for name in (message_queue(graph.name, queue) for queue in self.engine.plans.queues)
        ]
        self.celery.conf.task_default_queue = self.celery.conf.task_queues[0].name
        self._graph = graph
        self._parent = os.getpid()
        signals.setup_logging.connect(self._on_logging, weak=False)
        signals.worker_init.connect(self._on_init, weak=False)
        signals.worker_process_init.connect(self._on_child, weak=False)
        signals.worker_process_shutdown.connect(self._on_end, weak=False)
        signals.worker_shutdown.connect(self._on_end, weak=False)
        signals.worker_ready.connect(self._on_ready, weak=False)
        signals.worker_shutting_down.connect(self._on_shutting_down, weak=False)

    def register(self, stage: str, function: Callable[[Bell], None]) -> None:
        """Make a function the task of a stage; raises KeyError for a stage that the graph has not."""
        if stage not in self._graph.stages:
            raise KeyError(f"{self._graph.name} has no stage {stage!r}")

        def task(message: list[Any]) -> None:
            function(Bell.from_message(message))

        task.__doc__ = function.__doc__
        self.celery.task(name=f"{self._graph.name}.{stage}", ignore_result=True, shared=False)(task)

    def answer(self, bell: Bell) -> None:
        """Claim what is most urgent in the bell's queue, execute, checkpoint; and so on, until the slice ends."""
        self.engine.answer(bell)

    def _on_logging(self, loglevel: int | None = None, **_: object) -> None:
        """Write logs as the settings say, in place of Celery; what nodes print are records too where these are JSON."""
        graph, settings = self._graph, self.settings
        about = {"service": graph.name, "version": short_of(self.engine.plans.plan)}
        secrets = logs.secrets_of(graph, settings, os.environ)
        if logs.log_to_stderr(settings, about, secrets, loglevel or logging.INFO):
            printed = logging.getLogger("saltern.printed")
            sys.stdout, sys.stderr = Printed(printed, logging.INFO), Printed(printed, logging.INFO)
            LEAVING[:] = [sys.stdout.flush, sys.stderr.flush]

    def _on_end(self, **_: object) -> None:
        """Send off what was recorded and counted, as a process of this worker ends."""
        with contextlib.suppress(StoreUnavailableError):
            self.engine.tally.hand_over(True)
        tracing.flush(FLUSH)

    def _on_init(self, **_: object) -> None:
        """Before the fork: refuse a server that would lose runs, and let the lease thread end stuck children."""
        self._parent = os.getpid()
        self.engine.leases.end_process = self._end_child
        self.engine.leases.pulse = self._pulse
        try:
            self.engine.store.check()
        except StoreUnfitError as error:
            log.error("%s", error)  # noqa: TRY400 - the message is all that an operator needs
            raise SystemExit(1) from None  # Celery logs any other exception of a signal's receiver, and goes on
        except StoreUnavailableError as error:
            log.warning("the store was not checked: %s", error)
        self.engine.store.close()

    def _on_child(self, **_: object) -> None:
        """In a prefork child: what its nodes take has a bound. A thread pool has no such processes, and sends no such signal."""
        confine(self.memory)

    def _end_child(self) -> None:
        """End this prefork child at once; the parent of a thread pool lives on."""
        if os.getpid() != self._parent:
            tracing.flush(FLUSH)
            os._exit(75)

    def _pulse(self) -> Pulse | None:
        """Make what ends a prefork child that gives its threads no turn; a thread pool's process has others at work."""
        return Pulse(self.settings.lease) if os.getpid() != self._parent else None

    def _on_ready(self, sender: Any, **_: object) -> None:
        """Touch the heartbeat file out of the consumer's own loop, watch the store, and say there which queues are taken from."""
        named = os.environ.get("SALTERN_HEARTBEAT_FILE")
        if named:
            file = Path(named)
            file.touch()
            sender.timer.call_repeatedly(HEARTBEAT, file.touch)
        service = message_queue(self._graph.name, "")
        queues = [name.removeprefix(service) for name in sender.app.amqp.queues.consume_from]
        threading.Thread(target=self._watch, args=(queues,), name="saltern-watch", daemon=True).start()

    def _watch(self, queues: list[str]) -> None:
        """End this worker once Redis could not be reached for too long; whoever started it starts it again.

        One that is to stop says no longer that it is there: it takes nothing more.
        """
        reached = time.monotonic()
        while time.monotonic() - reached < self.settings.unreachable:
            with contextlib.suppress(StoreUnavailableError):
                self.engine.store.ping()
                reached = time.monotonic()  # also where nothing can be written, since the server is full
                if not self.engine.drain.since():
                    announce(self.engine.store, self.engine.plans.plan, queues)
            # A pace, and no wait for something: the thread is a daemon and ends with its process.
            time.sleep(min(SEEN_EVERY, self.settings.unreachable / 4))
        log.error("Redis could not be reached for %g s: this worker exits", self.settings.unreachable)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self.settings.grace)
        os.kill(os.getpid(), signal.SIGKILL)

    def _on_shutting_down(self, **_: object) -> None:
        """Tell the children through shared memory: the signal reaches the parent alone."""
        self.engine.drain.begin()


def _once_a_minute() -> Callable[[str], None]:
    last = 0.0

    def tell(message: str) -> None:
        nonlocal last
        if time.monotonic() - last > 60:
            last = time.monotonic()
            log.warning("%s", message)

    return tell
