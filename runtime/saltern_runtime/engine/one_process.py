"""A service, its worker and its timers in one process: for `saltern run`, and for tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from saltern_runtime.engine.dispatch import InProcess
from saltern_runtime.engine.engine import Engine
from saltern_runtime.engine.service import Service
from saltern_runtime.engine.sweeper import Sweeper
from saltern_runtime.graph import Graph
from saltern_runtime.settings import Settings
from saltern_runtime.store.failures import StoreUnavailableError
from saltern_runtime.store.versions import SEEN_EVERY, announce
from saltern_runtime.store.views import TERMINAL, RunView


class InOneProcess:
    """A service, its worker and its timers in this very process, without a broker."""

    def __init__(self, graph: Graph, settings: Settings) -> None:
        self.bells = InProcess()
        self.service = Service(graph, settings, dispatcher=self.bells)
        self.engine = Engine(graph, settings, self.bells, store=self.service.store)
        self.sweeper = Sweeper(self.service.store, self.bells, self.service.reader)
        self._swept = 0.0
        self._said = 0.0

    def step(self) -> bool:
        """Answer one bell, or sweep where none waits; returns whether there was something to do."""
        now = time.monotonic()
        if now - self._swept >= self.service.settings.sweep:
            self._swept = now
            self.sweeper.sweep()
        if not self._said or now - self._said >= SEEN_EVERY:
            self._said = now
            with suppress(StoreUnavailableError):  # it is said again soon
                announce(self.service.store, self.service.plans.plan, self.service.plans.queues)
        if not self.bells.bells:
            return False
        self.engine.answer(self.bells.bells.popleft())
        return True

    def finish(self, run_id: str, timeout: float | None = None) -> RunView:
        """Work until a run is over (or for `timeout` seconds) and return it."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.service.reader.state(run_id) not in {*TERMINAL, None}:
            if end is not None and time.monotonic() > end:
                break
            if not self.step():
                # What is due next is known to the store alone, which the next step asks.
                time.sleep(min(0.02, self.service.settings.sweep))
        return self.service.wait(run_id, 0)


@contextmanager
def in_one_process(graph: Graph, *, redis_url: str, settings: Settings | None = None) -> Iterator[InOneProcess]:
    """Open a service with its worker in this process."""
    chosen = replace(settings or Settings.from_env(), redis_url=redis_url)
    opened = InOneProcess(graph, replace(chosen, sweep=min(chosen.sweep, 0.1)))
    try:
        yield opened
    finally:
        opened.service.close()
