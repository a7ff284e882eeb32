"""How a plan's stages follow each other, as the store keeps it: what tells where a run may begin anew, without its code.

Kept apart from the plan's shape, which every look at a run reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from saltern_runtime.spec.names import ERROR, OUTCOMES
from saltern_runtime.store.dependants import Dependant


class Edge(NamedTuple):
    """A stage that is told when another one is over, and the handles of that one's nodes that it hangs on: [node, handle]."""

    to: str
    hangs: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stage that stands in no region. What stands in one begins anew with the region."""

    arrival: Dependant
    """As what comes before it passes it."""
    nodes: Sequence[str]
    """Ids of its own nodes; none: it only passes on what it is told."""
    tells: Sequence[Edge]
    again: Sequence[str] = ()
    """Ids of nodes of other stages that it computes for itself."""
    undo: str = ""
    """The stage that takes back what it did."""
    responds: bool = False

    @property
    def name(self) -> str:
        """The stage's name, which is its path too."""
        return self.arrival["path"]


@dataclass(frozen=True, slots=True)
class Flow:
    """All of a plan: those of its own graph and of what it starts."""

    steps: Mapping[str, Step]

    @classmethod
    def of(cls, steps: Iterable[Step]) -> Flow:
        """Put steps together."""
        return cls({step.name: step for step in steps})

    @classmethod
    def read(cls, text: str) -> Flow:
        """Read what `text` wrote."""
        return cls.of(Step(**{**step, "tells": [Edge(*edge) for edge in step["tells"]]}) for step in json.loads(text))

    @property
    def text(self) -> str:
        """Write it as JSON text."""
        names = ("arrival", "nodes", "tells", "again", "undo", "responds")
        rows = [{name: getattr(step, name) for name in names} for step in self.steps.values()]
        return json.dumps(rows, separators=(",", ":"))

    @property
    def handles(self) -> frozenset[str]:
        """Ids of nodes whose value is a handle that others hang on."""
        return frozenset(node for node, handle in self._hangs() if handle not in OUTCOMES)

    @property
    def hung(self) -> frozenset[str]:
        """Ids of nodes that others hang on."""
        return frozenset(node for node, _ in self._hangs())

    def _hangs(self) -> Iterator[Sequence[str]]:
        for step in self.steps.values():
            for edge in step.tells:
                yield from edge.hangs

    def before(self) -> Mapping[str, Sequence[str]]:
        """Return stage → the stages that tell it."""
        found: dict[str, list[str]] = {name: [] for name in self.steps}
        for name, step in self.steps.items():
            for edge in step.tells:
                found[edge.to].append(name)
        return found

    def behind(self, roots: Iterable[str]) -> frozenset[str]:
        """Return some stages and all that hang on what they do.

        A race is run again by all that take part in it; and so does a stage that computes for itself what one of them does.
        """
        before = self.before()
        copies: dict[str, list[str]] = {}
        for step in self.steps.values():
            for node in step.again:
                copies.setdefault(node, []).append(step.name)
        found: set[str] = set()
        left = list(roots)
        while left:
            name = left.pop()
            if name in found:
                continue
            found.add(name)
            step = self.steps[name]
            left += [edge.to for edge in step.tells]
            left += [other for node in step.nodes for other in copies.get(node, ())]
            if step.arrival.get("quorum"):
                left += self._racing(name, before)
        return frozenset(found)

    def _racing(self, name: str, before: Mapping[str, Sequence[str]]) -> Iterator[str]:
        """Yield the stages on whose handles one hangs, also where a relay tells of them."""
        for other in before[name]:
            step = self.steps[other]
            if not step.nodes:
                yield from self._racing(other, before)
            elif any(edge.to == name and edge.hangs for edge in step.tells) or not self.steps[name].nodes:
                yield other


def weighed(hangs: Iterable[Sequence[str]], taken: Mapping[str, str], *, races: bool) -> tuple[int, int]:
    """Return how many of some handles were taken, and how many were not. `taken`: node → its handle.

    In a race, what failed counts neither way: it is no success, but it was not skipped.
    """
    known = list(hangs)
    live = sum(taken.get(node) == handle for node, handle in known)
    if races and live == 0 and any(taken.get(node) == ERROR for node, _ in known):
        return 0, 0
    return live, len(known) - live
