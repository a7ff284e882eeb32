"""One sweep of the timers: what is due, bells to ring again, a server that came back."""

from __future__ import annotations

import json
import logging
import random
import secrets
import threading
from contextlib import suppress
from typing import Final

from saltern_runtime.engine.dispatch import Dispatcher
from saltern_runtime.store.calls import Bell
from saltern_runtime.store.reading import Reader
from saltern_runtime.store.store import NewerLayoutError, Store
from saltern_runtime.store.versions import is_counted, note_counted
from saltern_runtime.store.views import TERMINAL

log = logging.getLogger("saltern.timers")
_CANCELLED: Final = json.dumps(
    {"kind": "cancelled", "code": "cancelled", "message": "the run that started it was cancelled"}
)
EVERY: Final = 600.0
"""Seconds between two sweeps of payloads, about."""
ROUNDS = 100
"""Calls in one sweep, at most, so that no shard starves the others. Each takes 64 entries; some leave a rest that is due at once."""


class Sweeper:
    """Any number may sweep at once: every change is compare-and-set in one script."""

    def __init__(self, store: Store, dispatcher: Dispatcher, reader: Reader) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._reader = reader
        self._replica = secrets.token_hex(4)
        self._server = ""

    def sweep(self) -> int:
        """Do what is due in every shard; returns how many entries were."""
        anew = self._reconcile()
        done = 0
        for shard in range(self._store.settings.shards):
            for turn in range(ROUNDS):
                swept = self._store.take_due(shard, self._replica, gap=anew and turn == 0)
                self._ring(swept.bells)
                for run, child in swept.linked:
                    self._cancel(run, child)
                done += swept.due
                if not swept.due:
                    break
        return done

    def _cancel(self, run: str, child: str) -> None:
        """Cancel a run with the one that made it. One that is not there may yet be made, while its maker is not over."""
        state, bells = self._store.cancel(child, None, _CANCELLED)
        self._dispatcher.ring(bells)
        if state is not None or self._reader.state(run) in {*TERMINAL, None}:
            self._store.unlink(run, child)

    def _ring(self, bells: tuple[Bell, ...]) -> None:
        """Ring new bells; ring old ones again unless the broker's queue shows that one still waits there."""
        waits: dict[str, bool] = {}
        for bell in bells:
            if bell.again and bell.queue not in waits:
                waits[bell.queue] = bool(self._dispatcher.waiting(bell.queue))
        self._dispatcher.ring([bell for bell in bells if not (bell.again and waits[bell.queue])])

    def _reconcile(self) -> bool:
        """Check every open run once after the server started anew: its file may have lost its last second. Answers if it did.

        And once for each store, so that what an older runtime made is listed among the open runs of its version.
        """
        server = self._store.patiently(self._reader.server_run_id)
        anew = bool(self._server) and server != self._server
        if anew:
            log.warning("the server was started anew; reconciling open runs")
        if anew or not (self._server or is_counted(self._store)):
            for run_id in self._reader.open_runs():
                with suppress(NewerLayoutError):  # its own timers look after it
                    self._dispatcher.ring(self._store.reconcile(run_id))
            note_counted(self._store)
        self._server = server
        return anew


def sweep_payloads(store: Store, stop: threading.Event, every: float = EVERY) -> None:
    """Remove payloads that are kept no longer, now and then until told to stop; no failure ends it.

    It stands in a thread of its own: were the place of payloads slow, the sweeps of runs would have gaps.
    """
    is_more = False
    while not stop.wait(1.0 if is_more else random.uniform(every / 2, every * 3 / 2)):  # noqa: S311 - jitter
        try:
            is_more = store.payloads.sweep()
        except Exception as error:  # noqa: BLE001 - what is over may be removed later
            is_more = False
            log.warning("payloads that are over were not removed: %s", error)
