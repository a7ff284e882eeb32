"""How long a run waits at least, whatever else is quick: what is written out, of nodes that surely run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from fractions import Fraction
from typing import Final

from saltern_compiler.ir.attempts import ATTEMPT, CATCH, is_race
from saltern_compiler.ir.pipeline import CHECK, Node, Pipeline
from saltern_compiler.ir.values import ListValue, Literal
from saltern_compiler.passes.analyses.conditions import TRUE
from saltern_compiler.passes.analyses.expenses import wait_of
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.types import TYPES, Types
from saltern_compiler.passes.base import Analysis, Context
from saltern_compiler.passes.uses import Callee, Uses
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import chosen
from saltern_runtime.spec.names import COMPENSATE

_MOST: Final = 200
"""Waits of one region that are looked at: whoever has more of them has other troubles."""


@dataclass(slots=True)
class Waits:
    """Waits of a pipeline; nothing is assumed of what is not written out."""

    shape: Shape
    types: Types
    uses: Uses
    lengths: dict[str, Fraction] = field(default_factory=dict)
    """Node id → seconds that it surely takes where it runs and does not fail; nodes that may be quick are left out."""
    of: dict[str, Fraction] = field(default_factory=dict)
    """Owner → seconds that one round of its body takes at least; the pipeline's own graph stands under the empty name."""

    @property
    def best(self) -> Fraction:
        """Seconds that a run takes at least, where nothing fails."""
        return self.of.get("", Fraction(0))

    def row(self, last: str, among: Mapping[str, Fraction]) -> tuple[str, ...]:
        """Return the longest row of nodes up to one, of which each runs for sure where the last one does; the last one last."""
        conditions = self.types.conditions
        sure = {
            name
            for name in among
            if name in conditions.runs
            and conditions.implies(conditions.runs[last], conditions.runs[name])
            and not self.shape.nodes[name].disabled
        }
        return self._longest((last,), sure)[1]

    def _longest(self, ends: tuple[str, ...], sure: set[str]) -> tuple[Fraction, tuple[str, ...]]:
        best: dict[str, tuple[Fraction, tuple[str, ...]]] = {}
        waiting = list(ends)
        while waiting:
            name = waiting[-1]
            needs = _needs(self.shape.nodes[name], self.shape)
            open_ = [need for need in needs if need not in best]
            if open_:
                waiting += open_
                continue
            waiting.pop()
            total, row = max((best[need] for need in needs), key=lambda each: each[0], default=(Fraction(0), ()))
            best[name] = (total + self.lengths[name], (*row, name)) if name in sure else (total, row)
        return max((best[name] for name in ends), key=lambda each: each[0], default=(Fraction(0), ()))

    def measure(self, region: str) -> None:
        """Measure the nodes of a graph, those of bodies inside measured before, and the graph itself."""
        flow = self.shape.flows[region]
        for name in flow:
            length = self._length(self.shape.nodes[name])
            if length:
                self.lengths[name] = length
        found = [name for name in flow if name in self.lengths]
        arms = {edge for name in flow if is_race(self.shape.nodes[name]) for edge in self.shape.reads[name]}
        conditions = self.types.conditions
        sure = {
            name
            for name in found
            if name not in arms and conditions.implies(TRUE, conditions.runs.get(name, frozenset()))
        }
        self.of[region] = self._longest(tuple(found), sure)[0] if len(found) <= _MOST else Fraction(0)

    def _length(self, node: Node) -> Fraction:
        spec = self.shape.spec(node.id)
        if spec is None or node.disabled or node.type in (CHECK, COMPENSATE, ATTEMPT, CATCH):
            return Fraction(0)
        if spec.sleeps:
            wait, is_sure = wait_of(node, spec)
            return wait.least if is_sure else Fraction(0)
        callee = self.uses.get(spec.calls)
        if isinstance(callee, Callee) and not spec.detached and callee.cost is not None:
            return callee.cost.best
        region = spec.region
        if node.body is None or region is None or region.carries is not None:
            return Fraction(0)
        if region.binds is None:
            return self.of.get(node.id, Fraction(0))
        value = node.param("items")
        count = len(value.value) if isinstance(value, Literal) and isinstance(value.value, list) else 0
        count = len(value.items) if isinstance(value, ListValue) else count
        window = chosen(region.window, {})
        at_most = node.param("at_most")
        window = at_most.value if isinstance(at_most, Literal) else window
        stops = node.param("on_error")
        if (isinstance(stops, Literal) and stops.value != "stop") or not isinstance(window, int) or window < 1:
            return Fraction(0)
        return self.of.get(node.id, Fraction(0)) * -(-count // window)


def _needs(node: Node, shape: Shape) -> tuple[str, ...]:
    """Return what a node surely comes after: of a race, or of edges of which one is enough, none."""
    if is_race(node):
        return ()
    early = {edge.source for edge in node.control} if node.join == "any" else set()
    return tuple(name for name in shape.before[node.id] if name not in early)


def waits_of(pipeline: Pipeline, context: Context) -> Waits:
    """Measure all that is waited for."""
    shape = context.get(SHAPE, pipeline)
    waits = Waits(shape, context.get(TYPES, pipeline), context.uses)
    for region in sorted(shape.flows, key=lambda owner: (-len(shape.owners(owner)) if owner else 1, owner)):
        waits.measure(region)
    return waits


WAITS: Final = Analysis("waits", waits_of)
