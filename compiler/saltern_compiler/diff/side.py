"""One of the two pipelines that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.passes import Analyzed
from saltern_compiler.passes.analyses.types import output_of
from saltern_compiler.passes.uses import Callee, Uses
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import NodeType, Type


@dataclass(frozen=True, slots=True)
class Side:
    """A pipeline in normal form with what is known of it."""

    analyzed: Analyzed
    callees: Mapping[str, Analyzed] = field(default_factory=dict)
    """The pipelines that it uses, however far away: path → what is known of each."""

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline in normal form."""
        return self.analyzed.pipeline

    @property
    def files(self) -> Mapping[str, str]:
        """Its own modules: path → text."""
        return self.analyzed.context.files

    @property
    def uses(self) -> Uses:
        """What its uses lead to."""
        return self.analyzed.context.uses

    @property
    def output(self) -> Type:
        """The type of what it gives."""
        return output_of(self.pipeline, self.analyzed.types)

    def spec(self, node: Node) -> NodeType | None:
        """Return a node's type; None where there is none."""
        return self.analyzed.context.registry.node(node.type, node.version)

    def used(self, name: str) -> tuple[str, Side] | None:
        """Return the path and the side of a pipeline that is used; None where the name leads nowhere."""
        callee = self.uses.get(name)
        if not isinstance(callee, Callee) or callee.path not in self.callees:
            return None
        return callee.path, Side(self.callees[callee.path], self.callees)
