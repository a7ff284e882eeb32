"""The lease thread: while the main thread runs a node, this one keeps its claim alive, and ends it in time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from saltern_runtime.engine.drain import Drain
from saltern_runtime.engine.pulse import Pulse
from saltern_runtime.observe.recorders import NOTHING, Attempt
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Claim
from saltern_runtime.store.store import Store, StoreUnavailableError

log = logging.getLogger("saltern.leases")
IDLE = 2.0
"""Seconds without a claim after which the thread ends; the next claim starts another one."""
RESERVE = 5.0
"""Seconds before the end of the grace period at which unfinished work is handed back."""


@dataclass(slots=True)
class Hold:
    """A claim that is being worked on. Times are monotonic."""

    claim: Claim
    until: float
    """The attempt's hard deadline."""
    extended: float
    node: str | None = None
    """The node that runs now."""
    done: Mapping[str, float | None] = field(default_factory=dict)
    """Of the nodes before it in its stage, seconds, or None where it was skipped."""
    attempt: Attempt = NOTHING
    """What traces it."""
    over: bool = False
    """The run ended or the claim was lost; there is nothing left to keep."""


@dataclass(slots=True)
class Leases:
    """All claims of this process, and the thread that looks after them as long as there are any (anew after a fork)."""

    store: Store
    settings: Settings
    drain: Drain
    give_up: Callable[[Hold], bool]
    """Records that a hold reached its hard deadline; answers whether that was still ours to record."""
    end_process: Callable[[], None] | None = None
    """Ends this prefork child, whose main thread is stuck; None where the process must live."""
    between: Callable[[bool], None] = lambda _: None
    """Called now and then while there are claims, and with True once there are none for a while."""
    pulse: Callable[[], Pulse | None] = lambda: None
    """Makes what ends this prefork child where not even the thread has a turn; None where the process must live."""
    _holds: dict[str, Hold] = field(default_factory=dict)
    _pid: int = 0
    _watched: bool = False
    _starting: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, claim: Claim, until: float) -> Hold:
        """Look after a claim from now on."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._holds, self._watched, self._starting = {}, False, threading.Lock()
        held = Hold(claim, until, time.monotonic())
        with self._starting:
            self._holds[claim.nonce] = held
            if not self._watched:
                try:
                    self._begin()
                except BaseException:
                    del self._holds[claim.nonce]  # no thread can be had: its memory is at its bound, say
                    raise
        return held

    def _begin(self) -> None:
        pulse = self.pulse()
        thread = threading.Thread(target=self._watch, args=(pulse,), name="saltern-leases", daemon=True)
        thread.start()
        self._watched = True
        if pulse is not None:
            pulse.start(thread)

    def drop(self, hold: Hold) -> None:
        """Look after it no longer."""
        self._holds.pop(hold.claim.nonce, None)

    def _watch(self, pulse: Pulse | None) -> None:
        tick = min(self.settings.lease / 6, 0.5)
        seen = time.monotonic()
        while True:
            time.sleep(tick)
            if self._holds:
                seen = time.monotonic()
            elif time.monotonic() - seen >= IDLE and self._ended(pulse):
                self._between(True)
                return
            self._between(False)
            for hold in list(self._holds.values()):
                try:
                    self._look_after(hold)
                except StoreUnavailableError as error:
                    log.warning("cannot extend %s of %s: %s", hold.claim.path, hold.claim.run, error)
                except Exception:
                    log.exception("the lease thread stumbled over %s of %s", hold.claim.path, hold.claim.run)

    def _between(self, is_last: bool) -> None:
        try:
            self.between(is_last)
        except StoreUnavailableError as error:
            log.info("figures were not handed over: %s", error)
        except Exception:
            log.exception("figures were not handed over")

    def _ended(self, pulse: Pulse | None) -> bool:
        """Whether there is still nothing to look after, so that the next claim needs another thread."""
        with self._starting:
            self._watched = bool(self._holds)
            if pulse is not None and not self._watched:
                pulse.stop()
            return not self._watched

    def _look_after(self, hold: Hold) -> None:
        now = time.monotonic()
        if hold.over:
            return
        if now >= hold.until:
            self._stop(hold, recorded=self.give_up(hold))
            return
        since = self.drain.since()
        if since and now >= since + max(0.0, self.settings.grace - RESERVE):
            self._stop(hold, recorded=self.store.release(hold.claim).status == "ok")
            return
        if now - hold.extended >= self.settings.lease / 3:
            status = self.store.extend(hold.claim)
            hold.extended = now
            if status != "ok":
                log.info("%s of %s is no longer ours: %s", hold.claim.path, hold.claim.run, status)
            hold.over = status == "stale"

    def _stop(self, hold: Hold, *, recorded: bool) -> None:
        """End the child, unless the main thread was quicker: then the claim was not ours to end any more."""
        hold.over = True
        if recorded and self.end_process is not None:
            log.warning("ending this child: %s of %s was taken from it", hold.claim.path, hold.claim.run)
            hold.attempt.abandoned()
            self.end_process()
