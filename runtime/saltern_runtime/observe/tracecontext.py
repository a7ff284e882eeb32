"""Which trace a run belongs to, as text: what W3C's header `traceparent` says, kept with the run, so that any process can go on with it.

A run has one span from its start to its end, which no process holds open: its id is a digest of the run's, so that whoever works on
the run knows it, and it is emitted by whoever sees the run end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

HEADER: Final = "traceparent"
_TEXT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED: Final = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """A place in a trace: the span under which something happens."""

    id: int
    span: int = 0
    """0: it is the root of its trace."""
    sampled: bool = True

    def __str__(self) -> str:
        return f"00-{self.id:032x}-{self.span:016x}-{int(self.sampled):02x}"


class RunEnd(NamedTuple):
    """A run that ended, as the store's scripts tell it. Times in Unix milliseconds."""

    run: str
    trace: str
    state: str
    began: int
    ended: int
    trigger: str
    again: int = 0
    """How often it had been replayed."""
    pipeline: str | None = None
    """What it ran, where another run made it."""
    failure: str | None = None
    """JSON text."""


def read(text: str | None) -> Trace | None:
    """Read a `traceparent`, or what is kept with a run; None for what is none. One of a later version is read as far as it is known."""
    match = _TEXT.fullmatch(text or "")
    if match is None or (match[4] and text and text.startswith("00")):
        return None
    trace = Trace(int(match[1], 16), int(match[2], 16), bool(int(match[3], 16) & _SAMPLED))
    return trace if trace.id else None


def received(text: str | None) -> Trace | None:
    """Read the `traceparent` of a request, which names a span."""
    trace = read(text)
    return trace if trace is not None and trace.span else None


def run_span(run_id: str, again: int = 0) -> int:
    """Return the id of a run's span; each replay of it has one of its own."""
    import hashlib  # noqa: PLC0415 - a check loads what nodes are made of, and hashes nothing

    return int.from_bytes(hashlib.sha256(f"run {run_id} {again}".encode()).digest()[:8]) or 1
