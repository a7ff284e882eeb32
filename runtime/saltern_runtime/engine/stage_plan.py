"""What a worker knows of one stage: what it is passed as, what it reads, and whom it tells; computed once from the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saltern_runtime.engine.limits import limit_of
from saltern_runtime.graph import Awaits, Graph, On, Responds, Stage
from saltern_runtime.jsontext import compact_text
from saltern_runtime.observe.metrics import FUSED, Placed
from saltern_runtime.spec.names import INPUT, OUTCOMES
from saltern_runtime.store.dependants import Dependant
from saltern_runtime.store.flow import Edge, Step, weighed
from saltern_runtime.store.keys import FAILURE, queue_name


class StagePlan:
    """A stage with everything that claiming, running and advancing it needs."""

    def __init__(self, graph: Graph, stage: Stage, plan: str, shards: int) -> None:
        self.stage = stage
        self.limit = limit_of(graph, stage, shards)
        self.queue = queue_name(plan, stage.queue)
        self.need = len(graph.needs[stage.name])
        """How many stages of its body tell it."""
        self.depth = len(graph.owners(stage.name))
        """How many regions stand around it."""
        self.name = stage.name.removeprefix(f"{graph.owner_of[stage.name]}/") if self.depth else stage.name
        """Within its body."""
        nodes = (
            *stage.again,
            *stage.nodes,
            *([stage.opens.carries.check] if stage.opens and stage.opens.carries else []),
        )
        own = {node.id for node in (*stage.again, *stage.nodes)}
        checks = {stage.opens.carries.check.id} if stage.opens and stage.opens.carries else set()
        outside = {read for node in nodes for read in graph.reads(node) if read not in own or node.id in checks}
        outside |= {on.node for node in stage.nodes for on in node.gate if on.node not in own}
        failures = {f"{node.of}{FAILURE}" for node in stage.nodes if node.of is not None}
        if not stage.nodes:
            outside = {on.node for on in relayed(graph, stage.name)}
            failures = {f"{on.node}{FAILURE}" for on in relayed(graph, stage.name) if on.handle in OUTCOMES}
        given = any(INPUT in node.reads and INPUT not in graph.items(node) for node in nodes)
        items = {
            depth_of(graph, owner) for node in nodes for owner in graph.items(node).values() if owner != stage.name
        }
        self._given = [""] if given else []
        self._outside = [
            *((depth_of(graph, graph.stage_of[read]), read) for read in sorted(outside)),
            *((self.depth, place) for place in sorted(failures)),
        ]
        self._items = sorted(items)
        self._top = None if self.depth else self._reads(("",))
        self.edges: list[tuple[StagePlan, Dependant | None, int, tuple[tuple[str, str], ...]]] = []
        """Each dependant (outside of any region as it is passed every time), its need, and the handles of this stage's
        nodes that it hangs on."""
        self.undo: Dependant | None = None
        """What takes back what it did, should its run not succeed."""

    def _reads(self, scopes: Sequence[str]) -> str:
        """Return where the values stand that it reads, as a JSON array."""
        places = [
            *self._given,
            *(scopes[depth] + node for depth, node in self._outside),
            *(scopes[depth + 1].removesuffix("/") for depth in self._items),
        ]
        return compact_text(places)

    def arrival(self, need: int, scopes: Sequence[str] = ("",)) -> Dependant:
        """Return this stage as its predecessors pass it."""
        stage = self.stage
        dependant = Dependant(
            path=scopes[self.depth] + self.name,
            need=need,
            join=stage.join if stage.when else "all",
            live=0,
            dead=0,
            queue=self.queue,
            priority=max(0, min(9, stage.priority)),
            reads=self._top or self._reads(scopes),
            timeout=int(stage.timeout * 1000),
        )
        if stage.ttl is not None:
            dependant["ttl"] = int(stage.ttl * 1000)
        if stage.quorum:
            dependant["quorum"] = stage.quorum
        if self.limit is not None:
            dependant["limit"] = self.limit
        return dependant

    def dependants(self, taken: Mapping[str, str], scopes: Sequence[str] = ("",)) -> list[Dependant]:
        """Return the dependants with their control edges counted live or dead; where nothing was taken, all are dead."""
        passed: list[Dependant] = []
        for other, template, need, hangs in self.edges:
            dependant = template or other.arrival(need, scopes)
            if not hangs:
                passed.append(dependant)
                continue
            dependant = dependant.copy()
            dependant["live"], dependant["dead"] = weighed(hangs, taken, races=other.stage.quorum > 0)
            passed.append(dependant)
        return passed

    def step(self) -> Step:
        """Return it as the store keeps it, where it stands in no region."""
        return Step(
            arrival=self.arrival(max(1, self.need)),
            nodes=[node.id for node in self.stage.nodes],
            tells=[Edge(other.stage.name, hangs) for other, _, _, hangs in self.edges],
            again=[node.id for node in self.stage.again],
            undo=self.undo["path"] if self.undo is not None else "",
            responds=isinstance(self.stage.ends, Responds),
        )

    def others(self, done: Mapping[str, float | None], failed: str = "") -> list[tuple[str, str]]:
        """Return the nodes that ended another way than the stage, and how: the store counts them.

        `done`: what ran; `failed`: the node that failed, where the stage did.
        """
        if not failed:
            return [(node.id, "skipped") for node in self.stage.nodes if done.get(node.id, 0) is None]
        blamed = failed if any(node.id == failed for node in self.stage.nodes) else self.stage.nodes[-1].id
        ways = {
            node.id: "" if node.id not in done else "skipped" if done[node.id] is None else "succeeded"
            for node in self.stage.nodes
        }
        return [(node, how) for node, how in ways.items() if node != blamed]


def awaited_of(stage: Stage) -> tuple[Any, ...]:
    """Return what a stage takes from outside, as the store keeps it for showing; nothing where it takes no answer."""
    if not isinstance(stage.ends, Awaits):
        return ()
    ends = stage.ends
    return ({"schema": ends.schema, "choices": ends.choices, "default": ends.default},)


def elided_of(stage: Stage) -> tuple[Any, ...]:
    """Return the nodes that are shown with a stage, behind a place for what it takes from outside; nothing where there are none."""
    if not stage.elided:
        return ()
    rows = [
        [each.node, each.type, each.like, each.because, each.skipped, each.needs, each.feeds, each.made]
        for each in stage.elided
    ]
    return (rows,) if isinstance(stage.ends, Awaits) else (None, rows)


def counted_at(graph: Graph) -> dict[str, Placed]:
    """Return where each node is counted for the metrics, those among them that no stage runs."""
    found: dict[str, Placed] = {}
    made = {each.made for stage in graph.stages.values() for each in stage.elided}
    for stage in graph.stages.values():
        together = FUSED if len(stage.nodes) > 1 else ""
        found |= {node.id: Placed(stage.name, together) for node in stage.nodes}
        found |= {each.node: Placed(stage.name, each.by, each.like, each.skipped) for each in stage.elided}
    return {name: where for name, where in found.items() if name not in made}


def depth_of(graph: Graph, stage: str) -> int:
    """Return how many regions stand around a stage."""
    return len(graph.owners(stage))


def relayed(graph: Graph, relay: str) -> tuple[On, ...]:
    """Return the handles that a relay's dependants hang on and that it tells them of, in place of the stages behind it."""
    behind = stands_for(graph, relay)
    return tuple(
        on for other in graph.dependants[relay] for on in graph.stages[other].when if graph.stage_of[on.node] in behind
    )


def stands_for(graph: Graph, relay: str) -> frozenset[str]:
    """Return the stages that a relay stands for, those of relays before it among them."""
    names: set[str] = set()
    for name in graph.stages[relay].after:
        names |= {name} if graph.stages[name].nodes else stands_for(graph, name)
    return frozenset(names)
