"""What a run did, held against what had to come of it. Pure: whatever was promised and not kept comes out in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.chaos.storm.orders import Order, expected, tries


@dataclass(frozen=True)
class Act:
    """What the world saw: one line of a ledger."""

    key: str
    """The effect key."""
    label: str


@dataclass(frozen=True)
class Seen:
    """A run that is over, as its service shows it, and what the world saw of it."""

    run: str
    state: str
    output: Any
    version: int
    """The version of the pipeline whose plan it has."""
    acts: tuple[Act, ...]
    twice: tuple[str, ...] = ()
    """Stages whose outcome was recorded more than once."""
    why: str = ""
    """Its failure."""


def judged(order: Order, seen: Seen) -> list[str]:
    """Return the promises that are broken, in words; nothing where all are kept."""
    wanted = expected(order)
    found = [f"the outcome of {path} was recorded more than once" for path in seen.twice]
    found += keys_of(seen.acts)
    labels = {act.label for act in seen.acts}
    if strange := labels - wanted.must - wanted.may:
        found.append(f"acts that it has no reason for: {', '.join(sorted(strange))}")
    cancelled = order.operation == "cancel" and seen.state == "CANCELLED"
    if not cancelled:
        if missing := wanted.must - labels:
            found.append(f"acts that never happened: {', '.join(sorted(missing))}")
        if seen.state != wanted.state:
            found.append(f"it is {seen.state}, not {wanted.state} {seen.why}".rstrip())
        elif seen.state == "SUCCEEDED":
            found += _output(seen, wanted.value)
    return [f"run {seen.run} ({order.kind}, {order.number}): {each}" for each in found]


def _output(seen: Seen, value: int) -> list[str]:
    got = seen.output if isinstance(seen.output, dict) else {}
    if got.get("value") != value:
        return [f"it returned {seen.output!r}, its value is {value}"]
    if got.get("version") != seen.version:
        return [f"it has the plan of version {seen.version}, and returned that it is of {got.get('version')}"]
    return []


def keys_of(acts: Iterable[Act]) -> list[str]:
    """Check effect keys: an act that is repeated has the one that it had, and no other act has that."""
    keys, labels = defaultdict(set), defaultdict(set)
    for act in acts:
        keys[act.label].add(act.key)
        labels[act.key].add(act.label)
    found = [f"{label} was done under {len(of)} keys" for label, of in sorted(keys.items()) if len(of) > 1]
    return found + [f"{', '.join(sorted(of))} share the key {key}" for key, of in sorted(labels.items()) if len(of) > 1]


def repeated(order: Order, acts: Iterable[Act]) -> int:
    """Count acts that happened more often than they are tried: what a lost worker, or a lost answer, had done again."""
    return sum(max(0, times - tries(order, label)) for label, times in Counter(act.label for act in acts).items())


LOSES = 2.0
"""Seconds before a SIGKILL of Redis whose writes `appendfsync everysec` may lose: while a flush is on its way, it writes behind it."""
LATE = 0.5
"""Seconds that an answer may take to whoever asked."""


def forgiven(accepted: float, kills: Iterable[float]) -> bool:
    """Say whether a start that was answered with 202 may be gone: only where Redis was killed within LOSES seconds after it."""
    return any(-LATE <= killed - accepted <= LOSES for killed in kills)
