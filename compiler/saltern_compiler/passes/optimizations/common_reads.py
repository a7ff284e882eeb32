"""One call in place of several that read the same from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.passes.analyses.policies import POLICIES
from saltern_compiler.passes.analyses.shape import Shape
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.eliding import Known
from saltern_compiler.passes.optimizations.common_subexpressions import merged, same_nodes
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Effect
from saltern_runtime.spec.names import COMPENSATE


@dataclass(frozen=True, slots=True)
class CommonReads(Pass):
    """Merge nodes that read, stand beside each other, hang on the same, and have the same parameters, policy and connection.

    They are ready together, so that one answer stands for all; where an effect of the same round could come between two, both stay.
    """

    name: str = "common_reads"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline with one node of each kind."""
        known, policies = Known.of(pipeline, context), context.get(POLICIES, pipeline)
        taken_back = {
            edge.source for edges in known.shape.control.values() for edge in edges if edge.handle == COMPENSATE
        }

        def may(node: Node) -> bool:
            return known.is_read(node) and node.id not in taken_back and policies[node.id]["on_error"][0] == "fail"

        same = same_nodes(known, may, _Order(known).is_parted)
        return merged(pipeline, context, known, same, by=self.name, because="it reads the same as")


@dataclass(slots=True)
class _Order:
    """Knows what acts, and what it comes before and after."""

    known: Known
    acting: set[str] = field(default_factory=set)
    """Nodes that act on something outside, and those with such nodes in their bodies."""
    _places: dict[str, Mapping[str, int]] = field(default_factory=dict)
    """Owner → node of its body → all that it comes after: a bit for each place in the order of data flow, its own among them."""

    def __post_init__(self) -> None:
        shape, effects = self.known.shape, self.known.types.effects
        for node_id, node in shape.nodes.items():
            effect = effects.get(node_id, Effect.EXTERNAL)
            if effect is Effect.EXTERNAL or (effect is Effect.IDEMPOTENT and node.body is None):
                self.acting.update((node_id, *shape.owners(node_id)))

    def is_parted(self, one: str, other: str) -> bool:
        """Whether something that acts need not come before both nodes or after both."""
        shape = self.known.shape
        owner = shape.owner.get(one, "")
        if owner not in self._places:
            self._places[owner] = _pasts(shape, owner)
        pasts, at = self._places[owner], {name: place for place, name in enumerate(shape.flows[owner])}
        both, shared = 1 << at[one] | 1 << at[other], pasts[one] & pasts[other]
        return any(not shared >> at[each] & 1 and pasts[each] & both != both for each in pasts if each in self.acting)


def _pasts(shape: Shape, owner: str) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for place, name in enumerate(shape.flows[owner]):
        found[name] = 1 << place
        for before in shape.before[name]:
            found[name] |= found.get(before, 0)
    return found
