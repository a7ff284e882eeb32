"""Carries a plan of faults out, each at its time in a thread of its own, and takes each back again, whatever happens."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from tests.chaos.storm.faults import Fault, Kind
from tests.chaos.storm.site import Process, Site

Pair: TypeAlias = tuple[Callable[[], object], Callable[[], object]]
"""What lets a fault happen, and what takes it back."""
SKEW = 600
"""Seconds by which a clock jumps."""
DELAY = 0.2
"""Seconds by which Redis is late."""


class Director(threading.Thread):
    """What goes wrong, and what has gone wrong so far."""

    def __init__(self, site: Site, faults: Sequence[Fault], seed: int) -> None:
        super().__init__(daemon=True)
        self.done: Counter[str] = Counter()
        """Faults by target and kind: `worker kill`."""
        self.kills: list[float] = []
        """When Redis was killed (`time.monotonic()`)."""
        self.healed: list[tuple[float, str]] = []
        """When what was over again."""
        self.errors: list[str] = []
        """What went wrong with the director itself."""
        self._site, self._faults = site, faults
        self._rng = random.Random(f"{seed}:director")
        self._over = threading.Event()

    def run(self) -> None:
        """Carry all of them out; returns once the last one is over."""
        began, threads = time.monotonic(), []
        for fault in self._faults:
            if self._over.wait(max(0.0, began + fault.at - time.monotonic())):
                break
            threads.append(threading.Thread(target=self._one, args=(fault,)))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """Begin no more, take back what there is, and wait for that."""
        self._over.set()
        if self.is_alive():
            self.join()

    def _one(self, fault: Fault) -> None:
        name = f"{fault.target.partition('-')[0]} {fault.kind}"
        try:
            begin, cure = (self._redis() if fault.target == "redis" else self._process(fault))[fault.kind]
            try:
                begin()
                self.done[name] += 1
                self._over.wait(fault.lasts)
            finally:
                cure()
        except NothingToKillError:
            return
        except Exception:  # noqa: BLE001 - whatever it is, it is told at the end, and the storm is void
            self.errors.append(f"{fault}: {traceback.format_exc()}")
        self.healed.append((time.monotonic(), name))

    def _process(self, fault: Fault) -> dict[Kind, Pair]:
        """Say what lets each kind of fault happen to a process, and what takes it back."""
        process = self._site.processes[fault.target]
        return {
            Kind.KILL: (process.kill, process.start),
            Kind.CHILD: (partial(self._kill_child, process), _nothing),
            Kind.TERMINATE: (process.terminate, process.start),
            Kind.STOP: (partial(process.send, signal.SIGSTOP), partial(process.send, signal.SIGCONT)),
            Kind.CUT: (process.host.cut, process.host.heal),
            Kind.DEAF: (process.host.deafen, process.host.heal),
            Kind.SKEW: (partial(process.skew, SKEW if fault.ahead else -SKEW), partial(process.skew, 0)),
        }

    def _redis(self) -> dict[Kind, Pair]:
        """Say what lets each kind of fault happen to Redis, and what takes it back."""
        server = self._site.redis
        return {
            Kind.KILL: (self._kill_redis, server.start),
            Kind.STOP: (server.pause, server.go_on),
            Kind.SLOW: (partial(server.slow, DELAY), server.quick),
            Kind.FULL: (server.fill, server.empty),
        }

    def _kill_redis(self) -> None:
        self.kills.append(time.monotonic())
        self._site.redis.kill()

    def _kill_child(self, process: Process) -> None:
        """Kill one process of a worker's pool; raises NothingToKillError where the worker has none yet."""
        pool = process.pool()
        if not pool:
            raise NothingToKillError
        os.kill(self._rng.choice(pool), signal.SIGKILL)


class NothingToKillError(Exception):
    """A worker that is starting has no pool."""


def _nothing() -> None:
    """Nothing has to be taken back."""
