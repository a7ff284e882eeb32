"""Where this thread is: the run, the activation and the node that it works on, which logs and traces say with all that happens there."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final


@dataclass(slots=True)
class Where:
    """One attempt, and how far it has come."""

    run: str
    path: str
    attempt: int
    pipeline: str = ""
    node: str | None = None
    place: str | None = None
    """Of the node in the source: file, line and column, or file and a pointer into it."""
    trace_id: str = ""
    span_id: str = ""
    hide: Callable[[str], str] | None = field(default=None, repr=False)
    """Takes what is secret out of a text."""


HERE: Final[ContextVar[Where | None]] = ContextVar("saltern_here", default=None)
LEAVING: Final[list[Callable[[], None]]] = []
"""Called before a node is left: what it printed, and ended no line of, is still its own."""


def leave() -> None:
    """Have said what there is to say of the node that was at hand."""
    for each in LEAVING:
        each()
