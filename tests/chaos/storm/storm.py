"""A storm from its beginning to the calm: everything is started, goes wrong, and is held against what was promised."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.storm import calm
from tests.chaos.storm.callers import Callers
from tests.chaos.storm.director import Director
from tests.chaos.storm.faults import Kind, plan
from tests.chaos.storm.hosts import network
from tests.chaos.storm.judge import keys_of, repeated
from tests.chaos.storm.ledger import Bank, acts_of
from tests.chaos.storm.report import Report, distinct, recovered
from tests.chaos.storm.site import ROLES, SERVICE, Site
from tests.support.checker import Watch

PATIENCE = 120.0
"""Seconds without any run that ends, once the storm is over, after which those that are open are taken for stuck."""
SETTLED = 60.0
"""Seconds that timers may take, once all runs are over, for what is left of them."""
LOOK = 4.0
"""Seconds between two looks at the store."""
TELL = 5.0
"""Seconds between two lines that say how far it is."""


class Storm:
    """One storm; `pass_by` lets it happen."""

    def __init__(self, seed: int, seconds: float, runs: int, gap: float, folder: Path) -> None:
        self._seed, self._seconds, self._runs, self._folder = seed, seconds, runs, folder
        self._faults = plan(random.Random(seed), (*ROLES, "redis"), seconds, gap)

    def pass_by(self, tell: Callable[[str], None]) -> Report:
        """Let it happen; everything that it started is gone when this returns or raises."""
        ledger = self._folder / "ledger"
        ledger.mkdir()
        with network(tuple(ROLES)) as made:
            bank = Bank(made.common, ledger)
            try:
                site = Site(made, self._folder, bank.address)
                clocks = "clocks are skewed" if site.clock else "clocks are left alone: libfaketime is not installed"
                about = (
                    f"seed {self._seed}: {len(self._faults)} faults in {self._seconds:.0f} s by {made.what}; {clocks}"
                )
                tell(about)
                try:
                    site.start()
                    return self._weather(site, about, tell)
                finally:
                    site.close()
            finally:
                bank.close()

    def _weather(self, site: Site, about: str, tell: Callable[[str], None]) -> Report:
        faults = [fault for fault in self._faults if site.clock is not None or fault.kind is not Kind.SKEW]
        director = Director(site, faults, self._seed)
        callers = Callers(site, self._seed, director.kills)
        tally, ledger = callers.tally, self._folder / "ledger"
        url = f"redis://127.0.0.1:{site.redis.port}/0"
        try:
            with Watch(url, SERVICE, every=LOOK) as watch, _telling(tell, site, director, callers, watch):
                director.start()
                asyncio.run(callers.run(self._runs, self._seconds, PATIENCE))
        finally:
            director.close()
        found = [*director.errors, *tally.broken, *watch.broken]
        with site.redis.client() as client:
            found += calm.unsettled(client, SERVICE, SETTLED)
            found += calm.left_behind(client, SERVICE, tally.over)
        acts = {run: acts_of(ledger, run) for run in tally.over}
        found += [f"run {run}: {each}" for run, of in acts.items() for each in keys_of(of)]
        return Report(
            about=about,
            asked=self._runs,
            started=tally.started,
            states=tally.states,
            kinds=tally.kinds,
            faults=director.done,
            recovered=recovered(director.healed, tally.ends),
            ended=site.ended,
            acts=sum(map(len, acts.values())),
            repeated=sum(repeated(tally.over[run], of) for run, of in acts.items()),
            lost=tally.lost,
            refused=tally.refused,
            looks=watch.looks,
            broken=distinct(found),
        )


@contextmanager
def _telling(
    tell: Callable[[str], None], site: Site, director: Director, callers: Callers, watch: Watch
) -> Iterator[None]:
    """Say how far it is, every few seconds."""
    began, stop, tally = time.monotonic(), threading.Event(), callers.tally

    def go_on() -> None:
        while not stop.wait(TELL):
            tell(
                f"{time.monotonic() - began:5.0f} s: {tally.started} runs accepted, {len(tally.open)} open, "
                f"{sum(tally.states.values())} over; {director.done.total()} faults, "
                f"{site.ended.total()} ended by themselves, {tally.lost} starts lost; "
                f"{len(tally.broken) + len(watch.broken) + len(director.errors)} promises broken"
            )

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
