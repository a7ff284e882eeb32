"""Whoever starts runs over HTTP, answers what they ask, pauses and cancels some, and sees each one through to its end."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import redis

from saltern_runtime.client import (
    AsyncClient,
    ConflictError,
    NotFoundError,
    NotOverError,
    NotSalternError,
    ServiceFailedError,
    TooManyError,
    UnavailableError,
    UnreachableError,
)
from saltern_runtime.client.results import Run
from tests.chaos.storm.judge import Seen, forgiven, judged
from tests.chaos.storm.ledger import acts_of
from tests.chaos.storm.orders import Order, answer_of, approves, child_of, drawn
from tests.chaos.storm.site import SERVICE, TENANTS, Site
from tests.support.checker import recorded_twice

T = TypeVar("T")
PASSING = (UnreachableError, UnavailableError, TooManyError, ServiceFailedError, NotSalternError)
"""What a caller tries again: the storm is in the way. The last one is uvicorn's own 500, where it is ended with requests at hand."""
PATIENT = 30.0
"""Seconds that a caller waits for an answer. Shorter, and on a busy machine all of them ask again what is being answered."""
AT_ONCE = 48
"""Runs that are open at a time, at most."""


@dataclass
class Tally:
    """What became of the runs so far."""

    started: int = 0
    states: Counter[str] = field(default_factory=Counter)
    """Runs that are over, by their state."""
    kinds: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    """Starts that went with the last second of a Redis that was killed, and were sent again."""
    refused: Counter[str] = field(default_factory=Counter)
    """Answers of the API that callers tried again, by the error's name."""
    broken: list[str] = field(default_factory=list)
    open: dict[str, Order] = field(default_factory=dict)
    """Runs that are not over."""
    over: dict[str, Order] = field(default_factory=dict)
    ends: list[float] = field(default_factory=list)
    """When runs were over (`time.monotonic()`)."""


class Callers:
    """All of them, in one event loop."""

    def __init__(self, site: Site, seed: int, kills: list[float]) -> None:
        self.tally = Tally()
        self._site, self._seed, self._kills = site, seed, kills
        self._rng = random.Random(f"{seed}:callers")
        self._store = redis.Redis(port=site.redis.port, decode_responses=True, socket_timeout=30)
        self._clients: dict[str, list[AsyncClient[Any, Any]]] = {}

    async def run(self, runs: int, seconds: float, patience: float) -> None:
        """Start so many runs, spread over so many seconds, as far as the machine keeps up; then wait for the last ones.

        What is not over once no run has ended for `patience` seconds is a broken promise.
        """
        began, space = time.monotonic(), asyncio.Semaphore(AT_ONCE)
        async with AsyncExitStack() as opened:
            for tenant in TENANTS:
                made = [
                    AsyncClient[Any, Any](url, self._site.tokens[tenant], timeout=PATIENT) for url in self._site.apis
                ]
                self._clients[tenant] = [await opened.enter_async_context(each) for each in made]
            tasks: set[asyncio.Task[None]] = set()
            for number in range(runs):
                await asyncio.sleep(max(0.0, began + number * seconds / runs - time.monotonic()))
                await space.acquire()
                if time.monotonic() > began + seconds:
                    break
                task = asyncio.create_task(self._one(drawn(self._seed, number, TENANTS)))
                task.add_done_callback(lambda _: space.release())
                tasks.add(task)
            await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
            late: set[asyncio.Task[None]] = tasks
            last = -1
            while late and sum(self.tally.states.values()) > last:  # a busy machine takes its time
                last = sum(self.tally.states.values())
                _, late = await asyncio.wait(late, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            self.tally.broken += [
                f"a caller gave up: {error!r}" for task in tasks - late if (error := task.exception())
            ]
        self.tally.broken += [
            f"run {run} ({order.kind}, {order.number}) never ended" for run, order in self.tally.open.items()
        ]
        self._store.close()

    async def _ask(self, order: Order, call: Callable[[AsyncClient[Any, Any]], Awaitable[T]]) -> T:
        """Ask one API after the other until one of them answers."""
        while True:
            try:
                return await call(self._rng.choice(self._clients[order.tenant]))
            except PASSING as error:
                self.tally.refused[type(error).__name__.removesuffix("Error")] += 1
                await asyncio.sleep(self._rng.uniform(0.2, 1.0))

    async def _one(self, order: Order) -> None:
        key = f"order-{order.number}"
        while True:
            started = await self._ask(order, lambda client: client.start(order.given, idempotency_key=key))
            accepted = time.monotonic()
            self.tally.started += 1
            self.tally.open[started.id] = order
            run = await self._see_through(order, started.id, order.operation)
            del self.tally.open[started.id]
            if run is not None:
                break
            if not forgiven(accepted, self._kills):
                self.tally.broken.append(f"run {started.id} ({order.kind}, {order.number}) was accepted, and is gone")
                return
            self.tally.lost += 1
            self.tally.started -= 1
        await self._judge(order, run)

    async def _see_through(self, order: Order, run_id: str, operate: str = "") -> Run[Any] | None:
        """Answer what a run asks, do to it what is to be done, and return it once it is over; None where it is not there."""
        at = time.monotonic() + order.after
        while True:
            try:
                run = await self._ask(order, lambda client: client.get(run_id))
                if run.is_over:
                    return run
                if operate and time.monotonic() >= at:
                    await self._operate(order, run_id, operate)
                    operate = ""
                if run.state == "PAUSED":
                    await self._operate(order, run_id, "resume")
                await self._answer(order, run)
                with suppress(NotOverError):
                    return await self._ask(order, partial(_wait, run_id, 1 if operate or order.kind == "talk" else 10))
            except NotFoundError:
                return None

    async def _operate(self, order: Order, run_id: str, operation: str) -> None:
        with suppress(ConflictError, NotFoundError):  # it was over by then
            await self._ask(order, lambda client: getattr(client, operation)(run_id, reason="chaos"))

    async def _answer(self, order: Order, run: Run[Any]) -> None:
        if order.kind != "talk":
            return
        for each in run.awaits:
            answer = (
                {"decision": "approve" if approves(order) else "reject"}
                if each.choices
                else {"value": answer_of(order)}
            )
            with suppress(ConflictError, NotFoundError):  # an earlier answer, whose own answer was lost, counts
                await self._ask(order, partial(_answer, run.id, each.path, answer))

    async def _judge(self, order: Order, run: Run[Any]) -> None:
        tally = self.tally
        tally.ends.append(time.monotonic())
        tally.states[run.state] += 1
        tally.kinds[order.kind] += 1
        tally.over[run.id] = order
        twice = await asyncio.to_thread(self._twice, run.id)
        why = "" if run.failure is None else f"({run.failure.code}: {run.failure.message})"
        version = self._site.versions[run.plan]
        acts = acts_of(self._site.folder / "ledger", run.id)
        if order.kind in ("child", "late") and run.state == "SUCCEEDED":
            acts = await self._child(order, run)
        tally.broken += judged(order, Seen(run.id, run.state, run.raw_output, version, acts, twice, why))

    async def _child(self, order: Order, run: Run[Any]) -> Any:
        """See the run through that this one started; return what the world saw of both."""
        child = str(run.raw_output["child"])
        self.tally.open[child] = order
        seen = await self._see_through(order, child)
        del self.tally.open[child]
        if seen is None or (seen.state, seen.raw_output) != child_of(order):
            what = "is gone" if seen is None else f"is {seen.state} and gave {seen.raw_output!r}"
            self.tally.broken.append(f"run {child} (started by {run.id}, {order.number}) {what}")
        elif twice := await asyncio.to_thread(self._twice, child):
            self.tally.broken.append(f"run {child}: the outcome of {', '.join(twice)} was recorded more than once")
        return acts_of(self._site.folder / "ledger", run.id)

    def _twice(self, run_id: str) -> tuple[str, ...]:
        """Ask the store which outcomes of a run were recorded more than once."""
        while True:
            try:
                return tuple(recorded_twice(self._store, SERVICE, run_id))
            except redis.exceptions.RedisError:
                time.sleep(0.3)  # it is away, and tells nobody when it is back; this is a thread of its own


async def _wait(run_id: str, seconds: float, client: AsyncClient[Any, Any]) -> Run[Any]:
    return await client.wait(run_id, seconds)


async def _answer(run_id: str, path: str, answer: object, client: AsyncClient[Any, Any]) -> bool:
    return await client.answer(run_id, path, answer)
