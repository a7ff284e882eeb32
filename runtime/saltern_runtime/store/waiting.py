"""What waits for an answer from outside, out of a plan's shape and the records of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from saltern_runtime.store.records import Record
from saltern_runtime.store.views import ActivationState, Awaited

_INDEX: Final = re.compile(r"\[\d+\]")


def awaited(shape: Sequence[Any], path: str, record: Mapping[str, Any] | None) -> Awaited | None:
    """Return what an activation waits for, or may; None where its stage takes no answer."""
    stage = _INDEX.sub("", path)
    for name, nodes, *rest in shape:
        if name == stage and len(rest) > 1 and rest[1]:
            node, kind = nodes[-1]
            asks = json.loads((record or {}).get(Record.ASKS, "{}"))
            waits = record is not None and record.get(Record.STATE) == ActivationState.SUSPENDED
            return Awaited(
                path=path,
                node=node,
                type=kind,
                schema=rest[1]["schema"],
                choices=tuple(rest[1].get("choices", ())),
                default=rest[1].get("default"),
                text=asks.get("text", ""),
                shown=asks.get("shown", asks.get("text", "")),
                deadline=record[Record.WAKES] / 1000 if record is not None and waits else None,
            )
    return None


def waiting(shape: Sequence[Any], records: Mapping[str, str]) -> Iterator[Awaited]:
    """Yield what waits now, by path."""
    stages = {name for name, _, *rest in shape if len(rest) > 1 and rest[1]}
    for path in sorted(records) if stages else ():
        if _INDEX.sub("", path) in stages and records[path].startswith("{"):
            found = awaited(shape, path, json.loads(records[path]))
            if found is not None and found.deadline is not None:
                yield found
