"""A run's events as server-sent events: ids are the store's, so that `Last-Event-ID` continues anywhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import anyio

from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.store.views import TERMINAL, Event, RunView
from saltern_runtime.web.backend import Backend
from saltern_runtime.web.models import dump, event_json

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment is sent, so that proxies keep the connection."""
PAGE: Final = 500
MEDIA_TYPE: Final = "text/event-stream"
_ID: Final = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")
_GOES_ON: Final = frozenset({"run.replayed", "run.rerun"})
_ENDS: Final = frozenset(f"run.{state.lower()}" for state in TERMINAL)


def is_id(text: str) -> bool:
    """Whether a text can be an event's id: one or two numbers of 64 bits."""
    match = _ID.fullmatch(text)
    return match is not None and all(int(part) < 1 << 64 for part in match.groups() if part is not None)


async def follow(
    backend: Backend, run: RunView, after: str, source: str, *, heartbeat: float = HEARTBEAT
) -> AsyncIterator[str]:
    """Yield the events after an id until a terminal one is the last, with comments in between while nothing happens.

    Behind one there may be more: a replay, or a rerun, goes on with a run that had ended. Where this process has as many streams as it
    takes, this one is over at once: whoever comes again is told.
    """
    yield "retry: 1000\n\n"
    with backend.streams.one(run.tenant) as is_taken:
        ended, behind = run.state in TERMINAL, True
        while is_taken:
            here = ended or behind
            events = await (read(backend, run.id, after) if here else _news(backend, run.id, after, heartbeat))
            behind = len(events) >= (PAGE if here else AT_ONCE)
            for event in events:
                yield _frame(event, source)
                after = event.id
                ended = event.type in _ENDS or (ended and event.type not in _GOES_ON)
            if ended and not events:
                # The terminal event lies before `after`, or was cut off the capped stream.
                return
            if here or events:
                continue
            yield ": still running\n\n"
            latest = await anyio.to_thread.run_sync(backend.service.get, run.id, run.tenant)
            if latest is None:
                return
            ended = latest.state in TERMINAL


async def _news(backend: Backend, run_id: str, after: str, seconds: float) -> list[Event]:
    """Wait for the next events, for so many seconds at most."""
    with anyio.move_on_after(seconds):
        return await backend.hubs.of(run_id).events(run_id, after)
    return []


async def read(backend: Backend, run_id: str, after: str) -> list[Event]:
    """Read the next events that are there."""
    return await anyio.to_thread.run_sync(partial(backend.service.events, run_id, after, limit=PAGE))


def _frame(event: Event, source: str) -> str:
    return f"id: {event.id}\nevent: {event.type}\ndata: {dump(event_json(event, source))}\n\n"
