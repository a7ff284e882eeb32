"""What goes wrong, and when: all of it drawn from one seed before the storm begins, so that the same seed is the same storm."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What may be done to a process, its network, its clock, or to Redis."""

    KILL = "kill"
    """SIGKILL to all of its processes; started again after a while."""
    CHILD = "child"
    """SIGKILL to one process of a worker's pool."""
    TERMINATE = "terminate"
    """SIGTERM, as a rollout sends it; started again after a while."""
    STOP = "stop"
    """SIGSTOP for longer than a lease, then SIGCONT: a worker that comes back as a zombie."""
    CUT = "cut"
    """Nothing passes its network, in either direction, and nobody is told."""
    DEAF = "deaf"
    """What it sends arrives, what is sent to it does not."""
    SKEW = "skew"
    """Its clock jumps by ten minutes, and later back."""
    SLOW = "slow"
    """Redis answers 200 ms late."""
    FULL = "full"
    """Redis takes no writes: `maxmemory` is what it uses."""


DECK = {
    "worker": (Kind.KILL, Kind.KILL, Kind.CHILD, Kind.TERMINATE, Kind.STOP, Kind.CUT, Kind.DEAF, Kind.SKEW),
    "timers": (Kind.KILL, Kind.TERMINATE, Kind.STOP, Kind.CUT, Kind.SKEW),
    "api": (Kind.KILL, Kind.TERMINATE, Kind.STOP, Kind.CUT, Kind.DEAF, Kind.SKEW),
    "redis": (Kind.KILL, Kind.KILL, Kind.STOP, Kind.SLOW, Kind.FULL),
}
"""Which faults a process may have, by the word that its name begins with; one that stands twice comes twice as often."""
LASTS = {
    Kind.KILL: (0.2, 3.0),
    Kind.CHILD: (0.1, 0.2),
    Kind.TERMINATE: (0.2, 3.0),
    Kind.STOP: (3.5, 8.0),
    Kind.CUT: (2.0, 9.0),
    Kind.DEAF: (2.0, 7.0),
    Kind.SKEW: (5.0, 25.0),
    Kind.SLOW: (4.0, 10.0),
    Kind.FULL: (2.0, 6.0),
}
"""Seconds that a fault lasts, at least and at most; of one that ends a process, until it is started again."""
REST = 2.0
"""Seconds between two faults of one process."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    at: float
    """Seconds from the beginning of the storm."""
    kind: Kind
    target: str
    lasts: float
    """Seconds."""
    ahead: bool = False
    """Of a skewed clock: whether it is ahead."""

    @property
    def ends(self) -> float:
        """Seconds from the beginning of the storm to its end."""
        return self.at + self.lasts


def plan(rng: random.Random, targets: Sequence[str], seconds: float, gap: float) -> tuple[Fault, ...]:
    """Draw the faults of a storm, one each `gap` seconds or so, over before the storm is.

    All kinds of all targets come before any comes again, in an order of their own; a target has one fault at a time.
    """
    faults: list[Fault] = []
    free = dict.fromkeys(targets, 0.0)
    deck: list[tuple[str, Kind]] = []
    at = 0.0
    while True:
        at += rng.uniform(0.5 * gap, 1.5 * gap)
        if not deck:
            deck = [(target, kind) for target in targets for kind in DECK[target.partition("-")[0]]]
            rng.shuffle(deck)
        card = next((each for each in reversed(deck) if free[each[0]] <= at), None)
        if at >= seconds:
            return tuple(faults)
        if card is None:
            continue
        target, kind = card
        fault = Fault(at, kind, target, rng.uniform(*LASTS[kind]), ahead=rng.random() < 0.5)
        deck.remove(card)
        if fault.ends < seconds:
            faults.append(fault)
            free[target] = fault.ends + REST
