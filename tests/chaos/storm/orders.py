"""What runs are given, and what has to come of it: pipelines/storm.saltern said once more, without an engine."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "chain", "chain", "nest", "nest", "loop", "race", "undo", "caught", "talk", "silence", "child", "late", "limited", "flaky", "large",
)  # fmt: skip
"""Cases of the pipeline; one that stands twice comes twice as often."""
LANES = 40
"""Runs of one lane go on two at a time."""


@dataclass(frozen=True)
class Order:
    """One run that is asked for."""

    number: int
    tenant: str
    given: dict[str, Any]
    operation: str
    """What else is done to it while it goes on: "", "cancel" or "pause"."""
    after: float
    """Seconds from its start to that."""

    @property
    def kind(self) -> str:
        """The case of the pipeline."""
        return str(self.given["kind"])


@dataclass(frozen=True)
class Expected:
    """How a run ends that nobody cancels."""

    state: str
    value: int = 0
    must: frozenset[str] = field(default_factory=frozenset)
    """Labels of the acts that happen, once or more often."""
    may: frozenset[str] = field(default_factory=frozenset)
    """Labels of those that may."""


def drawn(seed: int, number: int, tenants: tuple[str, ...]) -> Order:
    """Draw a run by its number: the same for the same seed, whatever became of the runs before."""
    rng = random.Random(f"{seed}:{number}")
    kind = rng.choice(KINDS)
    numbers = iter(rng.sample(range(100), 12))
    given = {
        "lane": f"lane-{rng.randrange(LANES)}",
        "kind": kind,
        "n": rng.randint(1, 4) if kind == "loop" else rng.randint(1, 50),
        "items": [[next(numbers) for _ in range(rng.randint(1, 3))] for _ in range(rng.randint(1, 4))],
        "fails": rng.choice((0, 0, 1, 2)),
    }
    operation = rng.choices(("", "cancel", "pause"), (90, 5, 5))[0]
    return Order(number, rng.choice(tenants), given, operation, rng.uniform(0, 2))


def expected(order: Order) -> Expected:
    """Say what has to come of a run."""
    n, items = order.given["n"], order.given["items"]
    every = [item for group in items for item in group]
    told = answer_of(order) + n + 1 if approves(order) else 0
    return {
        "chain": _well(n + 3, "c1", "c2", "c3") if n % 2 else _well((n + 2) * 3, "c1", "c2"),
        "nest": _well(sum(every) + len(every), *(f"n{item}" for item in every)),
        "loop": _well(n, *(f"l{number}" for number in range(n))),
        "race": Expected("SUCCEEDED", n + 1, frozenset({"r3"}), frozenset({"r1"})),
        "undo": Expected("FAILED", must=frozenset({"u1", "u2", "b1", "b2"})),
        "caught": _well(2 * n + 1, "t1", "t2", "t3"),
        "talk": _well(told, "k1"),
        "silence": _well(n + 1, "s1", "s2"),
        "child": _well(n, "d1"),
        "late": Expected("SUCCEEDED", n, may=frozenset({"h1", "h2"})),
        "limited": _well(sum(items[0]) + len(items[0]), *(f"m{item}" for item in items[0])),
        "flaky": _well(n + 1, "f1"),
        "large": _well(2 * (40_000 + n) + 1, "g2"),
    }[order.kind]


def _well(value: int, *acts: str) -> Expected:
    """Say what a run returns that goes well, and what it does."""
    return Expected("SUCCEEDED", value, frozenset(acts))


def child_of(order: Order) -> tuple[str, Any]:
    """Say how the run ends that a run starts, and what it returns."""
    return ("TIMED_OUT", None) if order.kind == "late" else ("SUCCEEDED", {"value": order.given["n"] + 1})


def tries(order: Order, label: str) -> int:
    """Return how often an act is tried where nothing goes wrong."""
    if label == "t2":
        return 2
    return 1 + (order.given["fails"] if order.kind in ("nest", "flaky") else 0)


def approves(order: Order) -> bool:
    """Say what whoever is asked decides."""
    return bool(order.given["n"] % 3)


def answer_of(order: Order) -> int:
    """Return what is answered where the run waits for a program."""
    return int(order.given["n"]) * 3
