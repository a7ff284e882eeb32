"""The pipelines that a plan calls, as plans of their own."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import field

from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.plan import Part, Plan
from saltern_compiler.passes.uses import Callee, Uses, calls_of, every_callee
from saltern_compiler.pytext import identifier
from saltern_runtime.dataclass import dataclass


@dataclass(slots=True)
class Parts:
    """Plans each pipeline once, wherever it is called."""

    names: Mapping[str, str]
    """Path of a pipeline → the name of its part."""
    plan: Callable[[Callee, Parts], Plan]
    made: dict[str, Part] = field(default_factory=dict)

    @classmethod
    def of(cls, pipeline: Pipeline, uses: Uses, plan: Callable[[Callee, Parts], Plan]) -> Parts:
        """Name the parts of a pipeline's plan."""
        names: dict[str, str] = {}
        for path in sorted(every_callee(pipeline, uses)):
            stem = posixpath.splitext(posixpath.basename(path))[0]
            names[path] = identifier(identifier(stem).lower(), set(names.values()))
        return cls(names, plan)

    def called_by(self, pipeline: Pipeline, uses: Uses) -> tuple[Part, ...]:
        """Return the parts that a pipeline calls, and those that these call; sorted by name."""
        found: dict[str, Part] = {}
        for callee in {callee.path: callee for _, callee in calls_of(pipeline, uses)}.values():
            if callee.path not in self.made:
                self.made[callee.path] = Part(self.names[callee.path], self.plan(callee, self))
            part = self.made[callee.path]
            found |= {part.name: part} | {inner.name: inner for inner in part.plan.parts}
        return tuple(found[name] for name in sorted(found))
