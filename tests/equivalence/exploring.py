"""Many random pipelines, each held against the interpreter; the first that differs is made small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.equivalence.covering import found_in
from tests.equivalence.drawing import DEPTHS, Drawn, drawn
from tests.equivalence.running import OPTIMIZED, Engines, check

BATCH = 1000
"""Pipelines of one seed: the next ones come of the next seed."""


@dataclass(slots=True)
class Covered:
    """What was drawn, and how it went."""

    pipelines: int = 0
    constructs: Counter[str] = field(default_factory=Counter)
    """Construct → pipelines that have it."""
    nests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Construct, and one right inside of it → pipelines that have them."""
    depths: Counter[int] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    worlds: Counter[str] = field(default_factory=Counter)
    """How many ways there were: one, some, or too many to try all."""


def compare(one: Drawn, engines: Engines, levels: tuple[int, ...], covered: Covered | None = None) -> None:
    """Hold a pipeline, at some levels, against the interpreter; AssertionError where they differ."""
    checked = check(one)
    oracle = checked.oracle()
    for level in levels:
        seen = engines.run(checked, level)
        why = oracle.difference(seen)
        assert why is None, f"-O{level}: {why}\n{one!r}"
        if covered is not None:
            covered.states[seen.state] += 1
    if covered is not None:
        found = found_in(checked)
        covered.pipelines += 1
        covered.constructs.update(found.constructs)
        covered.nests.update(found.nests)
        covered.depths[found.depth] += 1
        covered.worlds["one" if len(oracle.worlds) == 1 else "too many" if oracle.is_exhausted() else "some"] += 1


def explore(
    count: int, begin: int, each: Callable[[Drawn], None], depths: tuple[int, ...] = DEPTHS, *, shrink: bool = True
) -> None:
    """Draw so many pipelines from a seed on; what `each` raises is raised for the smallest that makes it do so (`shrink`)."""
    for first in range(0, count, BATCH):

        @seed(begin + first // BATCH)
        @settings(
            max_examples=min(BATCH, count - first),
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
            report_multiple_bugs=False,
        )
        @given(one=drawn(depths))
        def batch(one: Drawn) -> None:
            each(one)

        batch()


def levels_of(at: int, *, all_of_them: bool) -> tuple[int, ...]:
    """Return the levels that a pipeline runs at: all, or one after the other where time is short."""
    return OPTIMIZED if all_of_them else (OPTIMIZED[at % len(OPTIMIZED)],)


def some(strategy: st.SearchStrategy[Drawn], begin: int, count: int) -> list[Drawn]:
    """Draw so many pipelines of a seed, the simplest first."""
    found: list[Drawn] = []

    @seed(begin)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(one=strategy)
    def take(one: Drawn) -> None:
        found.append(one)

    take()
    return found
