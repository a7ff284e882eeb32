"""What a target reads: the pipeline cut into stages, with everything decided and the reason for each decision kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final, TypeVar, cast

from saltern_compiler.ir.costs import Cost
from saltern_compiler.ir.pipeline import ControlEdge, Node, Pipeline
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import (
    Assumes,
    Concurrency,
    Effect,
    Json,
    Label,
    NodeType,
    OnError,
    OnLimit,
    OnSkip,
    Policy,
    Retry,
    Type,
)
from saltern_runtime.spec.types import Places

LEVELS: Final = (0, 1, 2)
"""How much may be optimized: what correctness needs alone; what costs no checkpoint that anybody wants; speed before checkpoints of cheap pure work."""
LEVEL: Final = 1
"""The level where nobody says another."""
FUSION: Final = "stage_fusion"
"""What puts nodes into stages together, once all passes are done."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decision:
    """One decided property of a stage and where it came from, for `saltern explain`."""

    what: str
    value: str
    because: str


@dataclass(frozen=True, slots=True)
class Elided:
    """A node that no stage runs, since what becomes of it is known: it still belongs to the run, and is shown with the reason."""

    node: str
    """Its id."""
    type: str
    """Its type: `set@1`."""
    by: str
    """The pass that took it out."""
    because: str
    same_as: str
    """Id of the node whose fate it has; of one that never runs, of the node that would have begun it."""
    skipped: bool = False
    """Whether it is skipped in every run, once `same_as` is over."""
    needs: tuple[str, ...] = ()
    """Nodes that it comes after, of those that run, where `same_as` does not: without them it would not have run either."""
    feeds: tuple[str, ...] = ()
    """Nodes that come after it, of those that run, where `same_as` does not come before them: one that began tells that it was over."""
    made: str = ""
    """Id of the node that the pass made to compute it, which is none of the source's; empty: none."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a pass did to a node that stays, for `saltern explain --passes`."""

    node: str
    by: str
    because: str


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """A node with everything about it resolved."""

    node: Node
    spec: NodeType
    effect: Effect
    policy: Policy
    """Every field decided, but `ttl` and `cache`, which may stay None."""
    result: Type
    returns: Type
    """What its function returns: `result`, unless the engine makes the node's value of it (a region's items, a wait's length)."""
    reads: tuple[str, ...]
    """Ids of the nodes whose values it reads, and `input` or `run`; sorted."""
    may_be_skipped: tuple[str, ...]
    """Those of `reads` whose value may have been skipped when this node runs; sorted."""
    items: tuple[tuple[str, Type], ...] = ()
    """Names of items of the regions around it that it reads, with their types; sorted."""
    personal: Places = ()
    """Where its value holds what is about a person."""
    personal_items: Places = ()
    """Where an item, or the state, of its region does."""


@dataclass(frozen=True, slots=True)
class Carries:
    """The rounds of a region follow each other, each with the state that the one before gave."""

    check: str
    """Id of the node that is asked of the state before each round; it stands in the body, and in no stage."""
    at_most: int
    """Rounds."""
    within: float | None
    """Seconds for which rounds may begin."""
    on_limit: OnLimit


@dataclass(frozen=True, slots=True)
class Opens:
    """A stage ends by opening a region, whose body runs a round for each item that the last node's function gives."""

    variable: str
    """The name of the item, as the pipeline has it; empty where the body has none."""
    at_most: int
    """Rounds at the same time."""
    on_error: OnError
    on_skip: OnSkip
    result: str
    """Id of the node whose value is the round's result."""
    gather: str
    """`package.module:function` that makes the value of the results; empty: their list is the value."""
    carries: Carries | None = None
    """None: the last node's function gives the items. Else it gives the first state, and the value is the last one."""


@dataclass(frozen=True, slots=True)
class Sleeps:
    """A stage ends by sleeping for as long as its last node's function says."""


@dataclass(frozen=True, slots=True)
class Awaits:
    """A stage ends by waiting for an answer from outside."""

    answer: Type
    choices: tuple[str, ...] = ()
    """What may be decided; empty where the answer is no decision."""
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Responds:
    """What a stage's last node gives answers the request that started the run."""


@dataclass(frozen=True, slots=True)
class Calls:
    """A stage ends by running another pipeline as a part of the run, with what its last node's function gives as the input."""

    part: str
    """The name of that part of the plan."""
    connections: tuple[tuple[str, str], ...] = ()
    """Connection of that pipeline → the one that stands in for it; sorted."""


@dataclass(frozen=True, slots=True)
class Starts:
    """A stage ends by making a run of its own of another pipeline, with what its last node's function gives as the input."""

    part: str
    """The name of that part of the plan."""
    connections: tuple[tuple[str, str], ...] = ()
    """Connection of that pipeline → the one that stands in for it; sorted."""
    linked: bool = False
    """Whether it is cancelled with the run that makes it, and over by that one's deadline."""


@dataclass(frozen=True, slots=True)
class Inner:
    """A node that does not run wherever its stage does: it hangs on handles of its own."""

    node: str
    when: tuple[ControlEdge, ...]
    """Of nodes of the stage, or of others."""
    join: str = "all"


@dataclass(frozen=True, slots=True)
class Stage:
    """The unit of claim, lease, retry and checkpoint: pure nodes, then at most one with an effect."""

    name: str
    nodes: tuple[str, ...]
    """Node ids in the order they run."""
    needs: tuple[str, ...]
    """Names of the stages that must be terminal before this one is settled (data, control and after); sorted."""
    when: tuple[ControlEdge, ...]
    """Handles that must be taken; empty: always."""
    join: str
    queue: str
    timeout: float
    retry: Retry
    priority: int
    ttl: float | None
    lease: float
    on_error: str
    on_ambiguous: str
    quorum: int = 0
    """It runs as soon as so many of `when` are taken; 0: as `join` says."""
    compensates: str = ""
    """Id of the node that it takes back, where the run does not succeed; it needs nothing then, and nothing needs it."""
    after: tuple[str, ...] = ()
    """Those of `needs` that are neither read nor hung on; sorted."""
    relay: tuple[str, ...] = ()
    """Stages without nodes through which arrivals come, so that no stage tells more than 64 others: this stage hears from
    the relay in place of what the relay needs (of the run's start, where it needs nothing); sorted."""
    owner: str = ""
    """Name of the stage in whose body it stands; `needs`, `after`, `relay` and `when` stay inside of that body."""
    ends: Opens | Sleeps | Awaits | Responds | Calls | Starts | None = None
    """What it does once its nodes have run. The stages of a body that it opens stand right behind, with it as `owner`."""
    inner: tuple[Inner, ...] = ()
    """Those of its nodes that hang on more than the stage does, in the order they run; a skipped one does not skip the stage."""
    kept: tuple[str, ...] = ()
    """Those of its nodes whose values the store keeps: what ends the stage, and what other stages read or hang on."""
    again: tuple[str, ...] = ()
    """Ids of nodes of other stages that it computes for itself, in place of reading what they gave; in the order they run."""
    decisions: tuple[Decision, ...] = field(default=(), compare=False)

    @property
    def opens(self) -> Opens | None:
        """The region that it opens, if any."""
        return self.ends if isinstance(self.ends, Opens) else None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When runs start by themselves."""

    id: str
    """Part of the ids of its runs."""
    cron: str
    time_zone: str
    catch_up: str
    """`skip`, `last` or `all`."""
    overlap: str
    """`allow`, `queue`, `drop` or `cancel_previous`."""
    jitter: float
    """Seconds."""
    input: Json


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something labelled that leaves a run where it may."""

    label: Label
    to: str
    """In words: "`model`", "the output"."""
    way: tuple[str, ...]
    """From what has the label by itself to the parameter that it leaves by, in words."""


@dataclass(frozen=True, slots=True)
class Declassified:
    """A value that the source takes labels from."""

    node: str
    param: str
    because: str
    sources: tuple[tuple[Label, str], ...]
    """Each label that is taken away, and what had it by itself; sorted."""


@dataclass(frozen=True, slots=True)
class Part:
    """A pipeline that calls run: planned once, however many there are."""

    name: str
    """Of its package among those of all parts."""
    plan: Plan


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked pipeline, ready to emit."""

    pipeline: Pipeline
    """After every transform."""
    pipeline_digest: str
    """`sha256:…` of the canonical pipeline."""
    digest: str
    """`sha256:…` of pipeline, own code's bytes, behaviour options, compiler and runtime version: a run is pinned to it."""
    nodes: tuple[PlannedNode, ...]
    """In the order of data flow, ties by id; `return` last."""
    stages: tuple[Stage, ...]
    """In the order of data flow; the stages of a body right behind the one that owns it."""
    input_type: Type
    output_type: Type
    files: tuple[tuple[str, str], ...]
    """The pipeline's own modules, copied unchanged: (path relative to the pipeline, text); sorted."""
    egress: tuple[str, ...]
    """`host:port`, sorted; `*` stands for a host that is known only at run time."""
    env: tuple[str, ...]
    """Environment variables that the secrets name; sorted."""
    requires: tuple[str, ...]
    """Extras of `saltern-runtime` that the nodes need; sorted."""
    deadline: float
    """Seconds from create to the end of a run, at the latest."""
    retention: float
    """Seconds that a terminal run is kept."""
    source_name: str
    """File name of the source, without folders."""
    places: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Node id → `line:column` (language) or JSON Pointer (editor document)."""
    docs: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Node id → its label, for docstrings; empty where it has none."""
    assumes: tuple[Assumes, ...] = ()
    """What its budget assumes of its input; sorted by name. No run begins with more."""
    retained: tuple[tuple[str, float], ...] = ()
    """How a run may end → the seconds for which it is kept then, where those are fewer than `retention`."""
    reserve: float = 0.0
    """Seconds of the deadline that are for compensations; 0 without any."""
    concurrency: Concurrency | None = None
    """How many of its runs go on at a time; None: as many as come."""
    schedules: tuple[Schedule, ...] = ()
    """Sorted by id."""
    decisions: tuple[Decision, ...] = field(default=(), compare=False)
    """What was decided for the pipeline as a whole: deadline, retention, egress."""
    parts: tuple[Part, ...] = ()
    """The pipelines that it calls, and those that these call; sorted by name."""
    grace: tuple[tuple[str, int], ...] = ()
    """Queue → seconds that its workers get to finish what they do before they are stopped; its parts have their own."""
    cost: Cost = field(default_factory=Cost, compare=False)
    """What a run costs at most; of a part of another plan, as it is called, for inputs of its own."""
    home: str = ""
    """The package that it is emitted as, where it is a part of another plan."""
    called_env: tuple[str, ...] = ()
    """Those of `env` that connections of its parts name; sorted."""
    level: int = LEVEL
    """How much was optimized, one of `LEVELS`."""
    elided: tuple[Elided, ...] = ()
    """Nodes of the pipeline that no stage runs; sorted by id."""
    changes: tuple[Change, ...] = field(default=(), compare=False)
    """What else was optimized, in the order in which it was."""
    distributions: tuple[str, ...] = ()
    """Plugins that nodes and connections come from, as exact requirements: `saltern-demo[voice]==1.2`; sorted."""

    deliveries: tuple[Delivery, ...] = field(default=(), compare=False)
    """Sorted; those of pipelines that are called among them, as far as what they send is handed to them."""
    declassified: tuple[Declassified, ...] = field(default=(), compare=False)
    """In the order of data flow."""
    _known: dict[Callable[[Plan], object], object] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, work: Callable[[Plan], T]) -> T:
        """Return what a function makes of this plan, which is worked out once for all who ask."""
        if work not in self._known:
            self._known[work] = work(self)
        return cast("T", self._known[work])

    @property
    def every_stage(self) -> tuple[Stage, ...]:
        """Its stages and those of its parts."""
        return (*self.stages, *(stage for part in self.parts for stage in part.plan.stages))

    def part(self, name: str) -> Plan:
        """Return the plan of a part."""
        return next(part.plan for part in self.parts if part.name == name)

    def node(self, node_id: str) -> PlannedNode:
        """Return the planned node of that id."""
        return self.once(_by_id)[node_id]


def _by_id(plan: Plan) -> dict[str, PlannedNode]:
    return {planned.node.id: planned for planned in plan.nodes}
