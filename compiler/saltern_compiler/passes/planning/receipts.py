"""What each optimization is good for: a pipeline's plan before and after it, in figures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Final

from saltern_compiler.ir.plan import FUSION, Calls, Change, Elided, Plan, Stage
from saltern_compiler.passes.analyze import Analyzed
from saltern_compiler.passes.pipeline import Step, optimize
from saltern_compiler.passes.planning.plan import make_plan
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import (
    BOOL,
    DOUBLE,
    DURATION,
    INT,
    NULL,
    TIMESTAMP,
    LiteralType,
    ObjectType,
    Type,
    UnionType,
)

_SIZES: Final[Mapping[Type, int]] = {NULL: 4, BOOL: 5, INT: 20, DOUBLE: 24, TIMESTAMP: 34, DURATION: 26}
"""Octets of a value as JSON, at most."""
_SHOWN: Final = 3
Factors = tuple[str, ...]
"""What a figure is multiplied by: the rounds of each region around it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a plan costs, as far as the pipeline tells; what hangs on the input is a symbol."""

    nodes: int
    """Those that run."""
    stages: int
    trips: Mapping[Factors, int]
    """Stages that run in a run in which no branch is passed over: for the rounds of some regions, how many. Each is a round trip
    to the store."""
    octets: Mapping[Factors, int]
    """Octets that are kept at most, of values whose type tells."""
    sizes: Mapping[str, Factors]
    """Nodes whose values are kept whatever their size is → the rounds of what."""
    path: tuple[str, ...]
    """Stages that can only run one after the other: the longest chain, a body as one round of it."""

    @classmethod
    def of(cls, plan: Plan) -> Figures:
        """Count what a plan costs."""
        count = _Count()
        count.add(plan, plan, (), "")
        return cls(count.nodes, count.stages, count.trips, count.octets, count.sizes, tuple(_path(plan, "")))

    def to_json(self) -> dict[str, Any]:
        """Return the figures as `saltern explain --passes --format json` prints them."""
        return {
            "nodes": self.nodes,
            "stages": self.stages,
            "round_trips": _product(self.trips),
            "kept": {"octets": _product(self.octets), "sizes": sorted(self.sizes)},
            "path": list(self.path),
        }

    @property
    def round_trips(self) -> str:
        """The stages that run, as a sum."""
        return _product(self.trips)

    @property
    def kept(self) -> str:
        """What is kept, as a sum; of many sizes that hang on the run, how many."""
        sizes = [_times(names, f"size({node})") for node, names in sorted(self.sizes.items())]
        if len(sizes) > _SHOWN:
            sizes = [f"{len(sizes)} sizes"]
        fixed = [f"{_product(self.octets)} B"] if any(self.octets.values()) or not sizes else []
        return " + ".join([*fixed, *sizes])


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one pass did to a plan."""

    name: str
    before: Figures
    after: Figures
    elided: tuple[Elided, ...] = ()
    changes: tuple[Change, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as `saltern explain --passes --format json` prints it."""
        return {
            "pass": self.name,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "not_run": [
                {"node": each.node, "because": each.because, "like": each.same_as, "skipped": each.skipped}
                for each in self.elided
            ],
            "changed": [{"node": each.node, "because": each.because} for each in self.changes],
        }


def receipts(analysis: Analyzed, level: int, *, callees: Mapping[str, Analyzed] | None = None) -> tuple[Receipt, ...]:
    """Plan a pipeline without errors after each optimization of a level, each node a stage of its own; then with those that run together. Pipelines that it calls are counted as they are at that level."""
    steps = optimize(analysis.pipeline, analysis.context.at(level), level)

    def plan(done: tuple[Step, ...], *, fused: bool = False) -> Plan:
        registry = analysis.context.registry
        return make_plan(analysis, registry, callees=callees, level=level, steps=done, fused=fused)

    written = (Step("", analysis.pipeline, analysis.pipeline, (), ()),)
    known = [Figures.of(plan(written))]
    for place, step in enumerate(steps, 1):
        known.append(known[-1] if step.after is step.before else Figures.of(plan(steps[:place])))
    found = tuple(
        Receipt(step.name, known[place], known[place + 1], step.elided, step.changes)
        for place, step in enumerate(steps)
    )
    if level == 0:
        return found
    whole = plan(steps, fused=True)
    together = tuple(
        Change(stage.name, FUSION, f"{', '.join(stage.nodes)} run together")
        for stage in whole.stages
        if len(stage.nodes) > 1
    )
    return (*found, Receipt(FUSION, known[-1], Figures.of(whole), changes=together))


@dataclass(slots=True)
class _Count:
    nodes: int = 0
    stages: int = 0
    trips: Counter[Factors] = field(default_factory=Counter)
    octets: Counter[Factors] = field(default_factory=Counter)
    sizes: dict[str, Factors] = field(default_factory=dict)

    def add(self, root: Plan, plan: Plan, around: Factors, scope: str) -> None:
        """Count a plan, and what it calls where it does."""
        results = {planned.node.id: planned.result for planned in plan.nodes}
        rounds: dict[str, Factors] = {"": around}
        self.nodes += len(plan.nodes)
        for stage in plan.stages:
            factors = rounds[stage.owner]
            self.stages += 1
            self.trips[factors] += 1
            if stage.opens is not None:
                own = (f"rounds({scope}{stage.nodes[-1]})",) if stage.opens.variable else ()
                rounds[stage.name] = (*factors, *own)
            for node in stage.kept:
                self._keep(scope + node, results[node], factors)
            if isinstance(stage.ends, Calls):
                self.add(root, root.part(stage.ends.part), factors, f"{scope}{stage.nodes[-1]}/")

    def _keep(self, node: str, of: Type, factors: Factors) -> None:
        size = size_of(of)
        if size is None:
            self.sizes[node] = factors
        else:
            self.octets[factors] += size


def size_of(of: Type) -> int | None:
    """Return how many octets a value of a type takes as JSON, at most; None where the type does not tell."""
    match of:
        case LiteralType(value=value):
            return len(json.dumps(value))
        case UnionType(members=members):
            sizes = [size_of(member) for member in members]
            return None if None in sizes else max(size for size in sizes if size is not None)
        case ObjectType(fields=fields, open=False):
            total = 2
            for each in fields:
                size = size_of(each.type)
                if size is None:
                    return None
                total += len(json.dumps(each.name)) + 2 + size
            return total
    return _SIZES.get(of)


def _path(plan: Plan, owner: str) -> list[str]:
    """Return the longest chain of the stages of a body; the first of several by name."""
    members = {stage.name: stage for stage in plan.stages if stage.owner == owner}
    longest: dict[str, list[str]] = {}
    for name, stage in members.items():
        ways = [longest[need] for need in stage.needs if need in longest]
        longest[name] = [*max(ways, key=len, default=[]), name, *_inside(plan, stage)]
    return max(longest.values(), key=len, default=[])


def _inside(plan: Plan, stage: Stage) -> Iterator[str]:
    if stage.opens is not None:
        yield from _path(plan, stage.name)
    if isinstance(stage.ends, Calls):
        yield from (f"{stage.name}/{name}" for name in _path(plan.part(stage.ends.part), ""))


def _product(counts: Mapping[Factors, int]) -> str:
    """Write a sum of products: `4 + 2·rounds(summaries)`."""
    parts = [_times(factors, str(count)) for factors, count in sorted(counts.items()) if count]
    return " + ".join(parts) or "0"


def _times(factors: Factors, of: str) -> str:
    return "·".join(factors if factors and of == "1" else (of, *factors))
