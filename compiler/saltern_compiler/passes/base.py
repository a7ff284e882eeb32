"""What passes and analyses are, and what they share: valid IR in, valid IR out, findings into the context.

An analysis finds something out about a pipeline; whoever needs it asks the context for it. What one found is kept as long as the
pipeline is the same object, so that nothing is found out twice, and nothing is handed on that a later pass has made untrue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from saltern_compiler.diagnostics.model import Diagnostic, Origin, has_errors
from saltern_compiler.diagnostics.suggest import Suggestions
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.ir.plan import LEVEL, Change, Elided
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import NodeType, Severity

if TYPE_CHECKING:
    from saltern_compiler.passes.uses import Uses

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Analysis(Generic[T]):
    """Something that can be found out about a pipeline; `run` may ask the context for other analyses."""

    name: str
    run: Callable[[Pipeline, Context], T]


def start_of(origin: Origin) -> int:
    """Return where a place begins."""
    return origin.start or 0


_Clean = tuple[Node, NodeType | None]


@dataclass(slots=True)
class Memory:
    """What is kept of nodes from one check to the next, by their identity; whoever keeps something says what it hung on."""

    types: dict[int, Any] = field(default_factory=dict)
    """Of the analysis of types, the last time."""
    types_now: dict[int, Any] = field(default_factory=dict)
    """The same of this time."""
    typed: int = 0
    """How many nodes were typed this time: those of which not all was known."""
    clean: dict[tuple[str, int], _Clean] = field(default_factory=dict)
    """Check and node → what it hung on that the check found nothing in the node, the last time."""
    clean_now: dict[tuple[str, int], _Clean] = field(default_factory=dict)
    """The same of this time."""
    looked: int = 0
    """How often a check looked into a node this time."""

    def begin(self) -> None:
        """Begin another check: what the last one did not ask for is forgotten."""
        if self.types_now:
            self.types, self.types_now = self.types_now, {}
        if self.clean_now:
            self.clean, self.clean_now = self.clean_now, {}
        self.typed = self.looked = 0


@dataclass(slots=True)
class Context:
    """What one compilation collects."""

    registry: Registry
    files: Mapping[str, str] = field(default_factory=dict)
    incomplete: bool = False
    """Whether the source had errors that may have cost parts of the pipeline: nothing is said about what is unused then."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Ids of nodes with errors in their parameters: nothing more is said about what follows from these."""
    suggestions: Suggestions = field(default_factory=Suggestions)
    uses: Uses = field(default_factory=dict)
    """What the pipeline's uses lead to."""
    level: int = LEVEL
    """How much is optimized, one of `LEVELS`: what a run costs hangs on it."""
    elided: list[Elided] = field(default_factory=list)
    """Nodes that optimizations took out."""
    changes: list[Change] = field(default_factory=list)
    """What they did to others."""
    called: Mapping[str, Context] = field(default_factory=dict)
    """Path of a pipeline that is used, however far away → what further analyses of it are asked for."""
    written: Callable[[Origin], int] = start_of
    """Tells which of two places stands first."""
    memory: Memory | None = None
    """What was found out when much the same pipeline was checked before; None: nothing is kept."""
    _known: dict[Analysis[Any], tuple[Pipeline, object]] = field(default_factory=dict)

    def at(self, level: int) -> Context:
        """Return what is asked for at another level."""
        return self if level == self.level else replace(self, level=level, _known={})

    def get(self, analysis: Analysis[T], pipeline: Pipeline) -> T:
        """Return what an analysis finds out about a pipeline; found out once."""
        known = self._known.get(analysis)
        if known is None or known[0] is not pipeline:
            known = self._known[analysis] = (pipeline, analysis.run(pipeline, self))
        return cast("T", known[1])

    def each(self, check: str, nodes: Iterable[Node], specs: Mapping[str, NodeType] | None = None) -> Iterator[Node]:
        """Yield the nodes that a check has to look into; in a session, none in which it found nothing the last time.

        That may hang on the node alone, and on its type where `specs` are given (node id → type).
        """
        if self.memory is None:
            yield from nodes
            return
        for node in nodes:
            spec = None if specs is None else specs.get(node.id)
            if self.is_clean(check, node, spec):
                continue
            before = len(self.diagnostics)
            yield node
            if len(self.diagnostics) == before:
                self.settle(check, node, spec)

    def is_clean(self, check: str, node: Node, spec: NodeType | None = None) -> bool:
        """Whether a check need not look into a node, since it settled so for this very node and type."""
        memory = self.memory
        if memory is None:
            return False
        key = check, id(node)
        known = memory.clean_now.get(key) or memory.clean.get(key)
        if known is None or known[0] is not node or known[1] is not spec:
            memory.looked += 1
            return False
        memory.clean_now[key] = known
        return True

    def settle(self, check: str, node: Node, spec: NodeType | None = None) -> None:
        """Keep that there is nothing in a node for a check, whatever stands around it."""
        if self.memory is not None:
            self.memory.clean_now[check, id(node)] = node, spec

    def report(self, diagnostic: Diagnostic, node_id: str | None = None) -> None:
        """Keep a finding; an error about a node's parameters keeps its consumers quiet."""
        self.diagnostics.append(diagnostic)
        if node_id is not None and diagnostic.severity is Severity.ERROR:
            self.broken.add(node_id)

    def elide(self, node: Node, by: str, because: str, same_as: str, *, skipped: bool = False, made: str = "") -> None:
        """Keep that a node is in no stage, and why; `same_as` is the node whose fate it has, `made` one that computes it."""
        self.elided.append(Elided(node.id, f"{node.type}@{node.version}", by, because, same_as, skipped, made=made))

    @property
    def has_errors(self) -> bool:
        """Whether anything so far stops a build."""
        return has_errors(self.diagnostics)

    def nearest(self, name: str, among: Iterable[str]) -> tuple[str, ...]:
        """Return up to three names that look like a misspelt one, nearest first."""
        return self.suggestions.nearest(name, among)


@dataclass(frozen=True, slots=True)
class Pass:
    """A step of the compilation; its fields are its options. `name` is the name of its file."""

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
