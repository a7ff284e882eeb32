"""What a stage's nodes returned, as the store keeps it, or that one of them raised."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from saltern_runtime.assumed import require
from saltern_runtime.errors import PermanentError
from saltern_runtime.files import File, Place, placed
from saltern_runtime.graph import Ask, Awaits, Node, Opens, Responds, Sleeps, Starts
from saltern_runtime.jsontext import compact_text
from saltern_runtime.spec import Json
from saltern_runtime.stage import Callee
from saltern_runtime.store.calls import Sleep
from saltern_runtime.store.keys import RESPONSE

MAX_ITEMS: Final = 100_000
"""Items of one region, at most."""
MAX_ASK: Final = 10_000
"""Characters that a person is asked, at most."""


class NodeFailedError(Exception):
    """A node raised; the cause is what it raised."""

    def __init__(self, node: str, done: Mapping[str, float | None] | None = None) -> None:
        """`done`: of the nodes before it in its stage, seconds, or None where it was skipped."""
        super().__init__(node)
        self.node = node
        self.done = done or {}


def blamed(node: str, done: Mapping[str, float | None], error: Exception) -> NodeFailedError:
    """Blame a node for what it raised."""
    if isinstance(error, MemoryError):
        traceback.clear_frames(error.__traceback__)  # gives back what it took: to record that it failed takes some too
    return NodeFailedError(node, done)


@dataclass(slots=True)
class Result:
    """What a stage's nodes returned."""

    values: dict[str, str] = field(default_factory=dict)
    """Where a value stands → JSON text."""
    taken: dict[str, str] = field(default_factory=dict)
    """Id of a node that others hang on → the handle it took."""
    durations: dict[str, float | None] = field(default_factory=dict)
    """Node id → seconds; None: it was skipped."""
    items: list[str] = field(default_factory=list)
    """What a region goes over: JSON texts; the first state alone, where it carries one. Its own value is there once they are done."""
    cache: Literal["hits", "misses"] | None = None
    """Where a node is cached: whether its value was known."""
    sleep: Sleep | None = None
    """How long it sleeps. Its own value, null, is there once that is over."""
    start: str | None = None
    """The input (JSON text) of a run that it makes. Its own value, that run's id, is there once that is made."""
    files: tuple[tuple[Place, File], ...] = ()
    """The files of that input, and where in it they are."""

    def add(self, node: Node[Any, Any], place: str, value: Any, text: str, ends: object) -> None:
        """Take what a node's function returned, and its JSON text, as what the stage ends with asks."""
        match ends:
            case Opens():
                if ends.callee is not None:
                    _admit(ends.callee, json.loads(text)[0])
                self.items = [text] if ends.carries is not None else items_in(node, text)
            case Sleeps():
                self.sleep = slept(value)
            case Awaits():
                self.sleep = asked(value)
            case Starts():
                _admit(ends.graph, json.loads(text))
                self.start, self.files = text, tuple(placed(value))
            case Responds():
                self.values |= {place: text, RESPONSE: text}
            case _:
                self.values[place] = text


def _admit(callee: Callee, given: Json) -> None:
    """Refuse what another pipeline is handed where that assumes less."""
    require(callee.name, callee.assumes, given, callee.secrets)


def items_in(node: Node[Any, Any], text: str) -> list[str]:
    """Take a region's list apart into JSON texts."""
    items = json.loads(text)
    if not isinstance(items, list):
        raise PermanentError(f"{node.id!r} goes over a list, not {type(items).__name__}", code="not-a-list")
    if len(items) > MAX_ITEMS:
        raise PermanentError(
            f"{node.id!r} has {len(items)} items, over the limit of {MAX_ITEMS}", code="too-many-items"
        )
    return [compact_text(item) for item in items]


def asked(ask: Ask) -> Sleep:
    """Return how long an answer is waited for, and what is asked."""
    delay = None if ask.deadline is None else max(0.0, ask.deadline.total_seconds())
    if len(ask.text) > MAX_ASK:
        raise PermanentError(f"what is asked has more than {MAX_ASK} characters", code="ask-too-long")
    return Sleep(delay=delay, asks=compact_text({"text": ask.text}))


def slept(value: timedelta | datetime) -> Sleep:
    """Return how long a wait lasts."""
    if isinstance(value, timedelta):
        return Sleep(delay=max(0.0, value.total_seconds()))
    moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return Sleep(till=max(0.0, moment.timestamp()))


def encode(node: Node[Any, Any], value: Any, max_payload: int) -> str:
    """Write a result as JSON text, checked against the node's own annotation. What it raises repeats nothing of the value.

    Raises PermanentError for what no JSON text holds, or is over the limit; TypeError for another type, which is a bug of the node's.
    """
    try:
        raw = node.adapters["return"].dump_json(value, by_alias=True, exclude_unset=True, warnings="error")
    except (ValueError, RecursionError) as error:  # what pydantic raises is a ValueError
        why = next((why for sign, why in _NO_JSON.items() if sign in str(error)), None)
        if why is None:
            raise TypeError(f"what {node.id!r} returns is of another type than it says") from error
        raise PermanentError(f"what {node.id!r} returns {why}", code="wrong-result") from error
    if len(raw) > max_payload:
        message = f"the result of {node.id!r} has {len(raw)} bytes, over the limit of {max_payload}"
        raise PermanentError(message, code="result-too-large")
    return raw.decode()


_NO_JSON: Final = {
    "depth exceeded": "is nested too deeply",
    "Circular reference": "holds itself",
    "invalid utf-8": "holds bytes that are no text in UTF-8",
    "UnicodeEncodeError": "holds a lone surrogate, which is no text in UTF-8",
}
"""What pydantic says of a value that has no JSON text → what is told."""
