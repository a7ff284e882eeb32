"""A run that is over begins anew in the middle: what it was is read, and what of it is to be forgotten is handed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypedDict

from saltern_runtime.jsontext import compact
from saltern_runtime.store.dependants import Dependant
from saltern_runtime.store.flow import Flow
from saltern_runtime.store.keys import shard_of
from saltern_runtime.store.link import Link
from saltern_runtime.store.showing import Shape

_WAITS: Final = 3600
"""Seconds for which batches lie that nobody came back for."""
_AT_ONCE: Final = 16
"""Batches that one round trip writes."""


class RerunBatch(TypedDict):
    """What the scripts do at once of a rerun: names to forget first, then what is told (frontier.lua). At most 64 in all."""

    stages: list[str]
    """They have a new epoch."""
    acts: list[str]
    vals: list[str]
    counts: list[str]
    """Fields of the run that count what is in its regions."""
    told: list[tuple[str, str]]
    """Stages that have been told in part, and how far, as a record has it."""
    arrive: list[Dependant]
    """Stages that all have told."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run as it was left, whole. It stays so in its generation, but for what its retention takes away."""

    id: str
    fields: Mapping[str, str]
    acts: Mapping[str, str]
    """Path → record."""
    vals: Mapping[str, str]
    """Place → value, as far as it is short: the handles are that nodes took. Else empty."""
    undo: Sequence[str]
    """What takes back what it did, JSON texts."""
    shape: Shape
    flow: Flow | None
    """None: an earlier runtime kept its plan."""
    is_begun: bool = False
    """Whether a rerun of it did not get to the end of what it had to forget."""


def read_ended(link: Link, run_id: str, shape_of: Callable[[str, str], Shape]) -> Ended | None:
    """Read a run; None where there is none. `shape_of`: a run and its plan → that plan's graph."""
    key = link.keys.run(run_id)

    def read() -> list[Any]:
        with link.at(key).pipeline(transaction=True) as pipe:
            pipe.hgetall(key)
            pipe.hgetall(f"{key}:acts")
            pipe.hkeys(f"{key}:vals")
            pipe.lrange(f"{key}:undo", 0, -1)
            pipe.exists(f"{key}:rerun")
            return pipe.execute()

    fields, acts, places, undo, begun = link.patiently(read)
    if not fields:
        return None
    flow = _flow(link, run_id, fields["plan"])
    hung = sorted(place for place in places if flow is not None and place in flow.hung)
    texts: Any = link.patiently(lambda: link.at(key).hmget(f"{key}:vals", hung)) if hung else []
    opened = (link.inside(text, run_id, place) if text else "" for place, text in zip(hung, texts, strict=True))
    vals = dict.fromkeys(places, "") | dict(zip(hung, opened, strict=True))
    return Ended(run_id, fields, acts, vals, undo, shape_of(run_id, fields["plan"]), flow, bool(begun))


def _flow(link: Link, run_id: str, plan: str) -> Flow | None:
    key = f"{link.keys.shard(shard_of(run_id) or 0)}flow:{plan}"
    text: Any = link.patiently(lambda: link.at(key).get(key))
    return None if text is None else Flow.read(text)


def lay(link: Link, run_id: str, nonce: str, batches: Sequence[RerunBatch]) -> None:
    """Hand batches over, under the nonce of the call that will do them. May be sent twice, and is dropped where nobody comes back."""
    key = f"{link.keys.run(run_id)}:rerun:{nonce}"
    rows = [(str(index), compact(batch)) for index, batch in enumerate(batches)]
    for first in range(0, len(rows), _AT_ONCE):
        link.patiently(partial(_lay, link, key, rows[first:][:_AT_ONCE]))


def _lay(link: Link, key: str, rows: Sequence[tuple[str, str]]) -> None:
    with link.at(key).pipeline(transaction=True) as pipe:
        pipe.hset(key, mapping={**dict(rows), "at": "0"})
        pipe.pexpire(key, _WAITS * 1000)
        pipe.execute()
