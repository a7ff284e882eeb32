"""What a pass is, and what passes share: valid IR in, valid IR out, findings into the context."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin, Severity
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.conditions import Conditions
from saltern_compiler.passes.shape import Shape, shape_of
from saltern_compiler.registry import Registry
from saltern_runtime.spec import Effect, Type

_COMPARISONS = 50_000
"""Names compared for suggestions in one analysis, at most: a thousand typing errors must not take minutes."""


@dataclass(slots=True)
class Context:
    """What one analysis collects. Types, effects and conditions are filled by the pass `types`."""

    registry: Registry
    files: Mapping[str, str] = field(default_factory=dict)
    incomplete: bool = False
    """Whether the source had errors that may have cost parts of the pipeline: nothing is said about what is unused then."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Ids of nodes with errors in their parameters: nothing more is said about what follows from these."""
    types: dict[str, Type] = field(default_factory=dict)
    """Node id → the type of its value."""
    skippable: dict[str, frozenset[str]] = field(default_factory=dict)
    """Node id → those of its reads that may have been skipped when it runs; only where there are any."""
    items: dict[str, Type] = field(default_factory=dict)
    """Id of a foreach → the type of its items."""
    effects: dict[str, Effect] = field(default_factory=dict)
    """Node id → what a repeated call does to the world."""
    conditions: Conditions = field(default_factory=Conditions)
    """When each node runs and has a value; nodes on and behind a cycle are left out."""
    _comparisons: int = 0
    _shape: tuple[Pipeline, Shape] | None = None

    def report(self, diagnostic: Diagnostic, node_id: str | None = None) -> None:
        """Keep a finding; an error about a node's parameters keeps its consumers quiet."""
        self.diagnostics.append(diagnostic)
        if node_id is not None and diagnostic.severity is Severity.ERROR:
            self.broken.add(node_id)

    @property
    def has_errors(self) -> bool:
        """Whether anything so far stops a build."""
        return any(each.severity is Severity.ERROR for each in self.diagnostics)

    def shape(self, pipeline: Pipeline) -> Shape:
        """Return the graph of a pipeline, made once."""
        if self._shape is None or self._shape[0] is not pipeline:
            self._shape = (pipeline, shape_of(pipeline, self.registry))
        return self._shape[1]

    def nearest(self, name: str, among: Iterable[str]) -> tuple[str, ...]:
        """Return up to three names that look like a misspelt one, nearest first."""
        names = list(among)
        self._comparisons += len(names)
        if self._comparisons > _COMPARISONS:
            return ()
        return tuple(difflib.get_close_matches(name, names, n=3, cutoff=0.6))


@dataclass(frozen=True, slots=True)
class Pass:
    """A step of the analysis; its fields are its options. `name` is the name of its file."""

    name: str = "pass"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline that the next pass reads."""
        raise NotImplementedError(self.name)


@dataclass(frozen=True, slots=True)
class Check(Pass):
    """A pass that only looks."""

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline as it is."""
        self.check(pipeline, context)
        return pipeline

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report every offence."""
        raise NotImplementedError(self.name)


def did_you_mean(names: tuple[str, ...]) -> tuple[str, ...]:
    """Write the note that offers the nearest names, where there are any."""
    return (f"Did you mean {join(names, 'or')}?",) if names else ()


def replace_by(names: tuple[str, ...], origin: Origin) -> tuple[Fix, ...]:
    """Offer to put the nearest name in place of a misspelt one that is all that stands at a place."""
    if not names:
        return ()
    whole_json_value = origin.pointer is not None and origin.start is None
    text = json.dumps(names[0]) if whole_json_value else names[0]
    return (Fix(f"Replace by `{names[0]}`", (Edit(origin, text),)),)


def join(names: Iterable[str], word: str = "and") -> str:
    """Write names as a reader expects them: `a`, `b` and `c`; many are cut."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > 12:
        quoted = [*quoted[:10], f"{len(quoted) - 10} more"]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {word} {quoted[-1]}"
