"""Whether what was seen of a run is what the interpreter says that it may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from saltern_compiler.ir.pipeline import Pipeline
from tests.equivalence.drawing import Drawn
from tests.equivalence.interpreter import Interpreter, Outcome
from tests.equivalence.worlds import World, worlds_after

MOST: Final = 400
"""Worlds that are tried for one run, at most."""
_SEEN_AS: Final = {
    "value": {"SUCCEEDED"},
    "skipped": {"SKIPPED"},
    "failed": {"FAILED", "DEAD"},
    "failed last": {"DEAD"},
    "stopped last": {"SUCCEEDED"},
    "failed inside": {"CANCELLED"},
    "stopped inside": {"CANCELLED"},
    "unreached": {"BLOCKED"},
    "value?": {"SUCCEEDED", "BLOCKED", "CANCELLED"},
    "skipped?": {"SKIPPED", "BLOCKED", "CANCELLED"},
    "failed?": {"FAILED", "DEAD", "BLOCKED", "CANCELLED"},
    "stopped?": {"BLOCKED", "CANCELLED"},
}
"""How a node ended → what it may be shown as."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a run, and of those that it started."""

    state: str
    output: Any = None
    code: str | None = None
    node: str | None = None
    log: Sequence[str] | None = ()
    """Effects, in their order: keys as `key_of` writes them; None where they are not looked at."""
    others: Sequence[str] = ()
    """Effects of which no order is known."""
    nodes: Mapping[str, str] | None = None
    """Node → its state; None where that is not looked at."""


@dataclass(slots=True)
class Oracle:
    """Says of one pipeline, with one input, what may be seen; what it found out once it keeps."""

    drawn: Drawn
    pipeline: Pipeline
    callees: Mapping[str, Pipeline]
    is_root: bool = True
    """Whether something outside starts it, so that it can respond."""
    worlds: list[tuple[World, Outcome]] = field(default_factory=list)
    _next: tuple[int, ...] | None = ()

    def difference(self, seen: Seen) -> str | None:
        """Return how a run differs from all that it may be; None where it is what it may be."""
        found: list[str] = []
        at = 0
        while at < MOST and (at < len(self.worlds) or self._look_on()):
            world, outcome = self.worlds[at]
            why = _differs(world, outcome, seen)
            if why is None:
                return None
            found.append(why)
            at += 1
        if at == MOST:
            return None
        # what differs last is what is nearest to what was seen
        return f"{max(found, key=_rank)} (of {len(found)} ways that it may go)"

    def may_happen(self) -> set[str]:
        """Return the effects of all worlds, as far as they are looked at."""
        while len(self.worlds) < MOST and self._look_on():
            pass
        return {key for world, _ in self.worlds for key in (*world.loose, *(event.key for event in world.events))}

    def is_exhausted(self) -> bool:
        """Whether there are more ways than are tried, so that nothing was said."""
        return len(self.worlds) >= MOST

    def _look_on(self) -> bool:
        if self._next is None:
            return False
        world = World(self._next)
        walk = Interpreter(self.callees, self.drawn.answers, world)
        outcome = walk.run(self.pipeline, self.drawn.given, is_root=self.is_root)
        self.worlds.append((world, outcome))
        self._next = next(worlds_after(world.choices), None)
        return True


def _rank(why: str) -> int:
    return next(
        at for at, word in enumerate(("state", "failure", "output", "effect", "order", "node")) if why.startswith(word)
    )


def _differs(world: World, outcome: Outcome, seen: Seen) -> str | None:
    if outcome.state != seen.state:
        return f"state: {seen.state}, not {outcome.state} ({outcome.code} of {outcome.node}; seen {seen.code} of {seen.node})"
    if (outcome.code, outcome.node) != (seen.code, seen.node):
        return f"failure: {seen.code} of {seen.node}, not {outcome.code} of {outcome.node}"
    if not _same(outcome.output, seen.output):
        return f"output: {seen.output}, not {outcome.output}"
    if seen.log is None:
        return _states(outcome, seen)
    return _effects(world, seen) or _order(world, seen) or _states(outcome, seen)


def _same(a: Any, b: Any) -> bool:
    """Compare JSON values, with whole numbers, truth values and texts apart."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and bool(a == b)


def _effects(world: World, seen: Seen) -> str | None:
    """Say which effect was there too often, or not often enough."""
    happened = Counter([*(seen.log or ()), *seen.others])
    must = Counter(event.key for event in world.events if event.must)
    may = Counter(event.key for event in world.events)
    for key in sorted(happened.keys() | must.keys()):
        if key in world.loose:
            continue
        least = min(1, must[key]) if key in world.reads else must[key]
        if not least <= happened[key] <= may[key]:
            return f"effect {key}: seen {happened[key]} times, not {must[key]} to {may[key]}"
    for event in world.events:
        other = None if event.along is None else world.events[event.along]
        if other is None or not may[event.key] == may[other.key] == 1 or event.must is not other.must:
            continue
        if happened[event.key] != happened[other.key]:
            return f"effect {event.key}: seen without {other.key}, or not with it"
    return None


def _order(world: World, seen: Seen) -> str | None:
    """Say which effect came before one that it depends on, as far as each is there once."""
    counts = Counter(event.key for event in world.events)
    log = seen.log or ()
    logged = Counter(log)
    at = {key: place for place, key in enumerate(log) if logged[key] == 1 == counts[key]}
    for event in world.events:
        mine = at.get(event.key)
        if mine is None:
            continue
        for before in event.past:
            key = world.events[before].key
            if key != event.key and at.get(key, -1) > mine:
                return f"order: {event.key} came before {key}"
    return None


def _states(outcome: Outcome, seen: Seen) -> str | None:
    """Say which node of the run's own graph is not shown, or not as it ended."""
    for name, state in outcome.nodes.items() if seen.nodes is not None else ():
        shown = (seen.nodes or {}).get(name)
        if shown not in _SEEN_AS[state]:
            return f"node {name} is shown as {shown}, not as {state}"
    return None
