"""A run's events as server-sent events: ids are the store's, so that `Last-Event-ID` continues anywhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import anyio

from saltern_runtime.store.views import TERMINAL, Event, RunView
from saltern_runtime.web.backend import Backend
from saltern_runtime.web.models import dump, event_json

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment is sent, so that proxies keep the connection."""
BLOCK: Final = 1.0
"""Seconds that one read waits for events."""
POLL: Final = 0.5
"""Seconds between reads while all waiting threads are taken."""
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

    Behind one there may be more: a replay, or a rerun, goes on with a run that had ended.
    """
    yield "retry: 1000\n\n"
    silent_since = anyio.current_time()
    ended = run.state in TERMINAL
    while True:
        events = await read(backend, run.id, after, wait=not ended)
        for event in events:
            yield _frame(event, source)
            after = event.id
            ended = event.type in _ENDS or (ended and event.type not in _GOES_ON)
        if events:
            silent_since = anyio.current_time()
            continue
        if ended:
            # The terminal event lies before `after`, or was cut off the capped stream.
            return
        if anyio.current_time() - silent_since >= heartbeat:
            yield ": still running\n\n"
            silent_since = anyio.current_time()
            latest = await anyio.to_thread.run_sync(backend.service.get, run.id, run.tenant)
            if latest is None:
                return
            ended = latest.state in TERMINAL


async def read(backend: Backend, run_id: str, after: str, *, wait: bool) -> list[Event]:
    """Read the next events; waits a moment for them on a thread of the watchers' own, if there is one left."""
    limiter = backend.watchers
    block = BLOCK if wait and limiter.available_tokens else 0.0
    if wait and not block:
        await anyio.sleep(POLL)
    call = partial(backend.service.events, run_id, after, block=block, limit=PAGE)
    if not block:
        return await anyio.to_thread.run_sync(call)
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=limiter)


def _frame(event: Event, source: str) -> str:
    return f"id: {event.id}\nevent: {event.type}\ndata: {dump(event_json(event, source))}\n\n"
