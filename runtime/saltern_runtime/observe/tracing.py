"""Traces of runs, where OpenTelemetry is asked for (`provider`); else each call here looks at one variable, and nothing is imported.

A request is a span, the run that it starts one below it, each attempt of a stage one below the run's, whatever process makes it; below
an attempt are its nodes, and below those the calls that they make. What is recorded of a failure is its code and the message that the
store keeps, which has no secrets. `spans` makes all of them.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeAlias

from saltern_runtime.observe import provider
from saltern_runtime.observe.here import Where
from saltern_runtime.observe.recorders import NOTHING, Attempt, Attributes, Call
from saltern_runtime.observe.tracecontext import RunEnd, received

if TYPE_CHECKING:
    from saltern_runtime.observe.spans import Spans

log = logging.getLogger("saltern.traces")
_ATTEMPT: Final[ContextVar[Attempt]] = ContextVar("saltern_attempt", default=NOTHING)
_RECEIVED: Final[ContextVar[str]] = ContextVar("saltern_received", default="")
"""Where this process makes no spans: what the request that is answered belongs to."""
_Named: TypeAlias = tuple[str, str]


class _Process:
    """What this process makes spans with; each has its own, since a thread sends them off and threads do not survive a fork."""

    def __init__(self) -> None:
        self.named: _Named = ("", "")
        self._renew()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self.is_made = False
        self.spans: Spans | None = None

    def make(self) -> Spans | None:
        with self._lock:
            if not self.is_made:
                try:
                    found = provider.provider(*self.named)
                    if found is not None:
                        from saltern_runtime.observe.spans import Spans  # noqa: PLC0415 - imports OpenTelemetry

                        self.spans = Spans(found)
                except Exception:
                    log.exception("no traces: their provider cannot be made")
                self.is_made = True
        return self.spans


_PROCESS: Final = _Process()


def named(service: str, version: str) -> None:
    """Say what this process is called, before its first span; the first one to say so counts."""
    if not _PROCESS.named[0]:
        _PROCESS.named = (service, version)


def _spans() -> Spans | None:
    return _PROCESS.spans if _PROCESS.is_made else _PROCESS.make()


def carried() -> str:
    """Return the trace that a run which is made here and now belongs to, as text that is kept with it; empty: none."""
    spans = _spans()
    return _RECEIVED.get() if spans is None else spans.carried()


def is_on() -> bool:
    """Whether this process makes spans."""
    return _spans() is not None


def attempt(where: Where, trace: str, stage: str, attributes: Attributes) -> AbstractContextManager[Attempt]:
    """Trace an attempt at `where`, whose run has `trace`."""
    spans = _spans()
    return NOTHING if spans is None else _made(spans.attempt(where, trace, stage, attributes))


@contextmanager
def _made(made: Attempt) -> Iterator[Attempt]:
    with about(made), made:
        yield made


@contextmanager
def about(attempt: Attempt) -> Iterator[None]:
    """Let what is said in this thread be about an attempt."""
    token = _ATTEMPT.set(attempt)
    try:
        yield
    finally:
        _ATTEMPT.reset(token)


def failed(code: str, message: str, delay: float | None) -> None:
    """Say of the attempt that this thread makes, if any, that it failed."""
    _ATTEMPT.get().failed(code, message, delay)


def calling(name: str, attributes: Attributes) -> AbstractContextManager[Call]:
    """Trace a call to another system. An error that leaves the block is recorded by its code, or by its type."""
    spans = _spans()
    return NOTHING if spans is None else spans.calling(name, attributes)


def serving(
    name: str, traceparent: str | None, attributes: Attributes, *, is_trusted: bool, began: int
) -> AbstractContextManager[Call]:
    """Trace a request that began at `began` (Unix nanoseconds).

    Who is trusted says to which trace it belongs; of anyone else it is noted beside, so that nobody outside decides what is sampled.
    """
    spans = _spans()
    if spans is not None:
        return spans.serving(name, received(traceparent), attributes, is_trusted=is_trusted, began=began)
    sent = received(traceparent) if is_trusted else None
    return nullcontext(NOTHING) if sent is None else _received(str(sent))


@contextmanager
def _received(trace: str) -> Iterator[Call]:
    token = _RECEIVED.set(trace)
    try:
        yield NOTHING
    finally:
        _RECEIVED.reset(token)


def current() -> tuple[str, str] | None:
    """Return the ids of the trace and the span that are current, in hexadecimal; None where nothing is traced."""
    return None if _PROCESS.spans is None else _PROCESS.spans.current()


def note(attributes: Attributes) -> None:
    """Note something with what is current, such as a request."""
    spans = _spans()
    if spans is not None:
        spans.note(attributes)


def run_ended(ended: RunEnd) -> None:
    """Emit the span of a run that ended."""
    spans = _spans()
    if spans is not None:
        spans.run_ended(ended)


def flush(seconds: float) -> None:
    """Send off what was recorded, in so many seconds at most."""
    if _PROCESS.spans is not None:
        _PROCESS.spans.flush(seconds)
