"""What may happen in a run: its effects with what comes before each, and the choices that the order of things leaves open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Event:
    """An effect."""

    key: str
    past: frozenset[int]
    """Places, among all events, of those that come before it whoever is quicker."""
    must: bool = True
    """Whether it happens in any case; else only where something that ends its region was not quicker."""
    along: int | None = None
    """It happens where that event does, and only there."""
    run_by: int | None = None
    """The event that started the run that it happens in; None in the run that is looked at."""


@dataclass(slots=True)
class World:
    """One way that things can go: wherever several may be first, the script says which one is."""

    script: Sequence[int] = ()
    choices: list[tuple[int, int]] = field(default_factory=list)
    """What was chosen, and out of how many."""
    events: list[Event] = field(default_factory=list)
    loose: set[str] = field(default_factory=set)
    """Keys of which any number may happen."""
    reads: set[str] = field(default_factory=set)
    """Keys of which one may stand for several."""
    asked: dict[str, list[int]] = field(default_factory=dict)
    """What is kept by `@cache`, for each pipeline with its own code → the events that may have made it."""
    run_by: int | None = None

    def choose(self, among: int) -> int:
        """Return which of several is first."""
        at = len(self.choices)
        chosen = self.script[at] if at < len(self.script) else 0
        self.choices.append((chosen, among))
        return chosen

    def happens(self, key: str, past: frozenset[int], *, must: bool = True, along: int | None = None) -> frozenset[int]:
        """Add an event; return it with its past."""
        self.events.append(Event(key, past, must, along, self.run_by))
        return past | {len(self.events) - 1}

    def give_up(self, span: Iterable[int], kept: frozenset[int] = frozenset()) -> None:
        """Say that events of a region that was ended need not have happened, but for those that came before its end."""
        for at in span:
            event = self.events[at]
            if at not in kept and (event.run_by is None or event.run_by == self.run_by or event.run_by not in kept):
                event.must = False


def key_of(*parts: Any) -> str:
    """Write an effect as it is compared."""
    return json.dumps(parts, sort_keys=True)


def worlds_after(choices: Sequence[tuple[int, int]]) -> Iterator[tuple[int, ...]]:
    """Yield the script of the next world, if there is one: the last choice that has another way goes that way."""
    for at in reversed(range(len(choices))):
        chosen, among = choices[at]
        if chosen + 1 < among:
            yield (*(earlier for earlier, _ in choices[:at]), chosen + 1)
            return
