"""All stages of a graph as a worker knows them, and how the nodes of one are run."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, Final, TypeAlias

from saltern_runtime.engine.caching import Recall
from saltern_runtime.engine.groups import group_of
from saltern_runtime.engine.places import ANY, items_of, scopes_of, stage_of
from saltern_runtime.engine.results import NodeFailedError, Result, blamed, encode
from saltern_runtime.engine.stage_plan import StagePlan, awaited_of, depth_of, elided_of, stands_for
from saltern_runtime.errors import PermanentError
from saltern_runtime.files import Files, at_work, here
from saltern_runtime.graph import (
    SKIPPED,
    Awaits,
    Carries,
    Context,
    Graph,
    Node,
    RunInfo,
    Stage,
    Starts,
)
from saltern_runtime.jsontext import compact_text
from saltern_runtime.observe import tracing
from saltern_runtime.spec.names import AMBIENT, ERROR, FAILURE_TYPE, OUTCOMES, ROOT, RUN, SUCCESS
from saltern_runtime.spec.networks import NO_NETWORK, NetworkList
from saltern_runtime.spec.types import Label, Places
from saltern_runtime.store.calls import Claim, NewRun, Opening
from saltern_runtime.store.dependants import Body, Dependant
from saltern_runtime.store.flow import Flow
from saltern_runtime.store.keys import ANSWER, FAILURE, child_id, digest_of

log = logging.getLogger("saltern.engine")
_FAILURE: Final = frozenset(field.name for field in FAILURE_TYPE.fields)
"""What a pipeline may ask of a failure."""


Entered: TypeAlias = Callable[[str, Mapping[str, "float | None"]], None]


def _no_cache(_: Node[Any, Any], __: Claim) -> None:
    return None


class Plans:
    """All stages of a graph."""

    def __init__(
        self,
        graph: Graph,
        shards: int = 1,
        address: Callable[[Claim, str], str] | None = None,
        private_networks: NetworkList = NO_NETWORK,
        files: Callable[[Claim], Files] | None = None,
    ) -> None:
        """`address` says where the answer is taken for an activation (its path) of a claim's run; `files` gives that run's."""
        self.graph = graph
        self._address, self._private_networks, self._files = address, private_networks, files
        self._shards = shards
        self.plan = graph.digest
        self.stages = {name: StagePlan(graph, stage, self.plan, shards) for name, stage in graph.stages.items()}
        gates = [node.gate for node in graph.nodes.values() if node.gate]
        hung = [on for gate in (*(stage.when for stage in graph.stages.values()), *gates) for on in gate]
        self.handles = frozenset(on.node for on in hung if on.handle not in OUTCOMES)
        """Ids of nodes whose value is a handle that others hang on."""
        self.outcomes = frozenset(on.node for on in hung if on.handle in OUTCOMES)
        """Ids of nodes on whose success or failure others hang."""
        for name, prepared in self.stages.items():
            heard = {name} if prepared.stage.nodes else stands_for(graph, name)
            for other in graph.dependants[name]:
                hangs = tuple(
                    (on.node, on.handle) for on in graph.stages[other].when if graph.stage_of[on.node] in heard
                )
                after, need = self.stages[other], self.stages[other].need
                prepared.edges.append((after, None if after.depth else after.arrival(need), need, hangs))

        for done, undo in graph.compensations.items():
            self.stages[done].undo = self.stages[undo].arrival(1)

    @cached_property
    def entries(self) -> tuple[Dependant, ...]:
        """What is ready from the start."""
        return tuple(self.stages[name].arrival(1) for name in self.graph.entries)

    @cached_property
    def places(self) -> Mapping[str, str]:
        """Node id → its place in the source, with the source's name before it; none of a graph that no compiler made."""
        try:
            told = self.graph.source_map
        except FileNotFoundError:
            return {}
        nodes = told.get("nodes", {}).items()
        return {node: f"{each.get('source', told['source'])}:{each['place']}" for node, each in nodes if each["place"]}

    @cached_property
    def shape(self) -> str:
        """The graph as the store keeps it for showing: stage → its nodes with their types, the region that it is in, what it awaits, what is shown with it."""
        owner_of = self.graph.owner_of
        return json.dumps(
            [
                [s.name, [[n.id, n.type] for n in s.nodes], owner_of.get(s.name, ""), *awaited_of(s), *elided_of(s)]
                for s in self.graph.stages.values()
            ]
        )

    @cached_property
    def flow(self) -> str:
        """How its stages follow each other, as the store keeps it for reruns: JSON text."""
        own = (each for each in self.stages.values() if not each.depth and not each.stage.compensates)
        return Flow.of(each.step() for each in own).text

    @cached_property
    def queues(self) -> tuple[str, ...]:
        """Full names of all queues, sorted."""
        return tuple(sorted({prepared.queue for prepared in self.stages.values()}))

    def new_run(self, claim: Claim, node: Node[Any, Any], starts: Starts, text: str) -> NewRun:
        """Describe the run that a stage starts (`text` is its input): the same for whoever comes to it again.

        It is kept at least as long as that may happen. A linked one is over by the deadline of its maker, and reserves its part of
        what is left until then.
        """
        root, graph = f"{node.id}{ROOT}", starts.graph
        deadline = min(graph.deadline, claim.time_left) if starts.linked else graph.deadline
        group = group_of(graph, claim.tenant, json.loads(text)) if graph.concurrency else None
        return NewRun(
            id=child_id(claim.run, claim.path, self._shards, claim.epoch, group.shard(self._shards) if group else None),
            plan=self.plan,
            tenant=claim.tenant,
            trigger="start",
            input=text,
            body=digest_of(text),
            idempotency="",
            deadline=deadline,
            retention=max(graph.retention, claim.time_left),
            retained={how: max(seconds, claim.time_left) for how, seconds in graph.retained.items()},
            entries=tuple(self.stages[name].arrival(1) for name in self.graph.starts[root]),
            reserve=graph.reserve * deadline / graph.deadline,
            pipeline=graph.name,
            root=root,
            parent=claim.run,
            group=group,
            trace=tracing.carried() or claim.trace,
        )

    def of(self, path: str) -> StagePlan:
        """Return the stage of an activation."""
        return self.stages[stage_of(path)]

    def opening(self, path: str, items: Sequence[str]) -> Opening:
        """Return what the store must know of a region, to begin and end its items without a plan."""
        owner = stage_of(path)
        opens = self.graph.stages[owner].opens
        if opens is None:
            raise TypeError(f"{owner!r} opens no region")
        scopes = (*scopes_of(path), path + ANY)
        members = [self.stages[name] for name in self.graph.members(owner)]
        body: Body = {
            "acts": [scopes[-1] + member.name for member in members],
            "vals": [
                scopes[-1] + place
                for member in members
                for node in member.stage.nodes
                if node.id in self.graph.kept
                for place in (node.id, *((f"{node.id}{FAILURE}",) if node.id in self.outcomes else ()))
            ]
            + [f"{scopes[-1]}{member.name}{ANSWER}" for member in members if isinstance(member.stage.ends, Awaits)],
            "result": scopes[-1] + opens.result,
        }
        entries = [self.stages[name].arrival(1, scopes) for name in self.graph.starts[owner]]
        within = opens.carries.within if opens.carries is not None else None
        texts = (compact_text(entries), compact_text(body))
        carries = opens.carries is not None
        return Opening(items, opens.at_most, opens.on_error, *texts, carries=carries, within=within)

    def catching(self, path: str) -> tuple[str, int | None] | None:
        """Return what a failure ends: an item, a region (without an index), or the run (None).

        It is the innermost item whose region goes on without it, or region that what stands around it goes on without.
        """
        for owner, index in items_of(path):
            stage = self.of(owner).stage
            if stage.opens is not None and stage.opens.on_error != "stop":
                return owner, index
            if stage.on_error == "continue":
                return owner, None
        return None

    def run(
        self,
        claim: Claim,
        deadline: float,
        max_payload: int,
        entered: Entered,
        recall: Callable[[Node[Any, Any], Claim], Recall | None] = _no_cache,
    ) -> Result:
        """Run a claimed stage's nodes in order; raises NodeFailedError.

        `entered` is told each node before it begins, and how long those before it took; `recall` gives its cache.
        """
        with contextlib.nullcontext() if self._files is None else at_work(self._files(claim)):
            return self._run(claim, (deadline, max_payload), entered, recall)

    def _run(
        self,
        claim: Claim,
        limits: tuple[float, int],
        entered: Entered,
        recall: Callable[[Node[Any, Any], Claim], Recall | None],
    ) -> Result:
        stage = self.of(claim.path).stage
        scopes = scopes_of(claim.path)
        max_payload = limits[1]
        result = Result()
        if not stage.nodes:
            result.taken = self._relayed(claim, scopes[-1])
        local = self._again(stage, claim, limits)
        for node in stage.nodes:
            if node.gate and not self._is_let_in(node, claim, scopes[-1], result.taken):
                result.durations[node.id] = None
                continue
            entered(node.id, result.durations)
            began = time.perf_counter()
            known = recall(node, claim)
            try:
                value = self._call(node, claim, limits, local, known=known)
                if node.gives_files and self._files is not None:
                    here().secure(value)
                ends = stage.ends if node is stage.nodes[-1] else None
                text = "" if isinstance(ends, Awaits) else encode(node, value, max_payload)
                if known is not None:
                    known.keep(value, text)
                    result.cache = "hits" if known.hit else "misses"
                if node.id in self.graph.kept or ends is not None:
                    result.add(node, scopes[-1] + node.id, value, text, ends)
            except Exception as error:
                raise blamed(node.id, result.durations, error) from error
            result.durations[node.id] = round(time.perf_counter() - began, 6)
            local[node.id] = value
            if node.id in self.handles:
                result.taken[node.id] = str(value)
            elif node.id in self.outcomes:
                result.taken[node.id] = SUCCESS
        return result

    def _again(self, stage: Stage, claim: Claim, limits: tuple[float, int]) -> dict[str, Any]:
        """Compute what a stage does not wait for: node id → value."""
        local: dict[str, Any] = {}
        for node in stage.again:
            local[node.id] = self._call(node, claim, limits, local)
        return local

    def _is_let_in(self, node: Node[Any, Any], claim: Claim, scope: str, taken: Mapping[str, str]) -> bool:
        """Whether a node's own gate is open; a node that was skipped has taken no handle."""
        outside = {on.node: claim.values.get(scope + on.node) for on in node.gate if on.node not in taken}
        known = {name: json.loads(text) for name, text in outside.items() if text is not None} | dict(taken)
        live = [known.get(on.node) == on.handle for on in node.gate]
        return all(live) if node.join == "all" else any(live)

    def _relayed(self, claim: Claim, scope: str) -> dict[str, str]:
        """Return the handles that a relay tells of: what the nodes took, or how they ended."""
        taken: dict[str, str] = {}
        for place, value in claim.values.items():
            node = place.removeprefix(scope)
            if node.endswith(FAILURE):
                taken[node.removesuffix(FAILURE)] = ERROR
            else:
                taken[node] = SUCCESS if node in self.outcomes else str(json.loads(value))
        return taken

    def losers(self, claim: Claim) -> list[str]:
        """Return the paths of the regions that a decided race has not heard from."""
        scopes, stage = scopes_of(claim.path), self.of(claim.path).stage
        ids = dict.fromkeys(on.node for on in stage.when) if stage.quorum else {}
        late = [node for node in ids if scopes[-1] + node not in claim.values]
        return [scopes[-1] + self.stages[self.graph.stage_of[node]].name for node in late]

    def failed(self, stage: Stage, scope: str, failure: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return what a stage leaves that fails while the run goes on: handles that were taken, and values to keep."""
        node = stage.nodes[-1] if stage.nodes else None
        if node is None or node.id not in self.outcomes:
            return {}, {}
        known = {name: value for name, value in json.loads(failure).items() if name in _FAILURE}
        cause = {"node": node.id, "attempts": 0, **known}
        cause["type"] = self.graph.nodes.get(cause["node"], node).type
        cause["node"] = cause["node"].rpartition(ROOT)[2]  # as its own pipeline names it
        return {node.id: ERROR}, {f"{scope}{node.id}{FAILURE}": compact_text(cause)}

    def goes_on(self, claim: Claim, carries: Carries, state: str, deadline: float, max_payload: int) -> bool:
        """Ask whether a region has another round, given the state (JSON text) that the last one left; raises NodeFailedError."""
        try:
            return bool(self._call(carries.check, claim, (deadline, max_payload), {}, state))
        except Exception as error:
            raise NodeFailedError(carries.check.id) from error

    def _info(self, claim: Claim, node: Node[Any, Any]) -> RunInfo:
        started = datetime.fromtimestamp(claim.created_at, UTC)
        return RunInfo(claim.run, claim.tenant, started, partial(self._link, claim, node.scope))

    def _call(  # noqa: PLR0917 - each is a column
        self,
        node: Node[Any, Any],
        claim: Claim,
        limits: tuple[float, int],
        local: Mapping[str, Any],
        state: str = "",
        known: Recall | None = None,
    ) -> Any:
        scopes = scopes_of(claim.path)
        if node.of is not None:
            failure = node.adapters["failure"].validate_json(claim.values[f"{scopes[-1]}{node.of}{FAILURE}"])
            return node.function(failure=failure)
        keywords: dict[str, Any] = {}
        for name, read, depth in self._keywords[node.id]:
            if depth == len(scopes):  # what is asked of a state, by the owner of the rounds
                keywords[name] = node.adapters[name].validate_json(state)
                continue
            place = scopes[depth] + read if read else scopes[depth].removesuffix("/")
            if name == RUN:
                keywords[name] = self._info(claim, node)
            elif read in local:
                keywords[name] = local[read]
            elif place in claim.values:
                keywords[name] = node.adapters[name].validate_json(claim.values[place])
            else:
                keywords[name] = SKIPPED
        if not node.takes_context:
            function = node.function if known is None else known.around(node.function)
            return function(**keywords)
        connection = self.graph.connections[node.connection] if node.connection else None
        context = Context(
            self._info(claim, node),
            node.id,
            claim.path,
            claim.attempt,
            connection,
            *limits,
            private_networks=self._private_networks,
            epoch=claim.epoch,
            files=None if self._files is None else self._files(claim),
            recall=None if known is None else known.around,
        )
        return node.function(context, **keywords)

    def secrets_read(self, node_id: str | None, claim: Claim) -> Iterator[tuple[Any, Places]]:
        """Yield what a node was given that holds secrets, and where it holds them."""
        return self.read_by(node_id, claim, "secret")

    def read_by(self, node_id: str | None, claim: Claim, label: Label) -> Iterator[tuple[Any, Places]]:
        """Yield what a node was given that holds something with a label, as its type says, and where it holds that."""
        scopes = scopes_of(claim.path)
        for name, read, depth in self._keywords.get(node_id or "", ()):
            if depth == len(scopes):  # the state of a loop, which is asked whether it goes on
                continue
            at = scopes[depth] + read if read else scopes[depth].removesuffix("/")
            places = self.graph.nodes[node_id or ""].marked[label].get(name)
            if places and at in claim.values:
                yield json.loads(claim.values[at]), places

    def _link(self, claim: Claim, scope: str, node: str) -> str:
        """Return the address at which a node that stands beside or around a claim takes its answer."""
        if self._address is None:
            raise PermanentError("this service has no address of its own", code="no-public-url")
        waiting, scopes = self.stages[self.graph.stage_of[scope + node]], scopes_of(claim.path)
        return self._address(claim, scopes[waiting.depth] + waiting.name)

    @cached_property
    def _keywords(self) -> Mapping[str, tuple[tuple[str, str, int], ...]]:
        """Node id → its keywords, each with what it reads and how many regions stand around that.

        What is read is a node's id, or empty: the input, or an item.
        """
        keywords: dict[str, tuple[tuple[str, str, int], ...]] = {}
        for node in self.graph.nodes.values():
            ids, items = iter(self.graph.reads(node)), self.graph.items(node)
            known: list[tuple[str, str, int]] = []
            for name in node.reads:
                if name in items:
                    known.append((name, "", depth_of(self.graph, items[name]) + 1))
                elif name in AMBIENT:
                    known.append((name, "", 0))
                else:
                    read = next(ids)
                    known.append((name, read, depth_of(self.graph, self.graph.stage_of[read])))
            keywords[node.id] = tuple(known)
        return keywords
