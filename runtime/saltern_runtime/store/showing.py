"""How a run is shown: its nodes, out of its plan's shape and the records of its activations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias, TypeVar

from saltern_runtime.spec.names import COMPENSATE, ROOT
from saltern_runtime.store.elided import with_elided
from saltern_runtime.store.items import body_node, counted, inside, opened
from saltern_runtime.store.records import Cursor, Record
from saltern_runtime.store.views import TERMINAL, ActivationState, Awaited, Failure, Items, NodeView, RunState

Shape: TypeAlias = Sequence[Any]
"""A plan's graph as it is kept, in the order of the plan: [stage, [[node id, type], …], the region that it is in, if any, what it
waits for from outside, if anything, and [id, type, like, why, whether it is skipped, needs, feeds, made] of each node that is shown with it]."""
_Named = TypeVar("_Named", NodeView, Awaited)


def own(shape: Shape, root: str) -> Shape:
    """Return the stages that are a run's own: those beneath its root, and none that it starts."""
    return [stage for stage in shape if stage[0].startswith(root) and ROOT not in stage[0][len(root) :]]


def is_alike(one: Shape, other: Shape) -> bool:
    """Whether two plans have the same stages, with the same nodes, regions and answers from outside: a run of the one may lie in the other."""

    def bare(shape: Shape) -> list[list[Any]]:
        return [[*stage[:4], *[None] * (4 - len(stage[:4]))] for stage in shape]

    return bool(one) and bare(one) == bare(other)


def nodes_of(shape: Shape, fields: Mapping[str, str], records: Mapping[str, str]) -> tuple[NodeView, ...]:
    """Return the nodes of a run: `shape` is what its plan says of its own stages, `records` are those of its activations."""
    shown: list[NodeView] = []
    root = fields.get("root") or ""
    ended = read_failure(fields.get("failure"))
    known: dict[str, tuple[Items | None, ActivationState]] = {}
    for stage, nodes, *rest in shape:
        owner = str(rest[0]) if rest else ""
        if owner:
            items, state = inside(fields, stage, *known[owner])
            known[stage] = (opened(fields, stage), state)
            hits = int(fields.get(f"stage|{stage}|cached", 0))
            for index, (node, kind) in enumerate(nodes):
                cached = hits if index == len(nodes) - 1 else 0
                mine, known_as = counted(fields, node, items, known[owner][0], state)
                shown.append(body_node(node, kind, stage, known_as, mine, ended, cached))
            continue
        text = records.get(stage, "")
        record = json.loads(text) if text.startswith("{") else {}
        durations = json.loads(record.get(Record.DURATIONS, "{}"))
        failure = read_failure(record.get(Record.FAILURE))
        items = opened(fields, stage)
        if items is not None and Record.ENDED in record:
            items = replace(items, running=0)
        state = _state(stage, record, fields, records)
        known[stage] = (items, state)
        if items is not None and items.running:
            items = replace(items, running=len(record.get(Record.CURSOR, {}).get(Cursor.LIVE, ())))
        spent = 0.0
        for index, (node, kind) in enumerate(nodes):
            is_last = index == len(nodes) - 1
            counts = (items, int(Record.HIT in record)) if is_last else (None, 0)
            own, took = _within(node, state, durations, failure, nodes), durations.get(node)
            times = _times(record, own, spent, took if node in durations and not is_last else None)
            shown.append(_node(node, kind, stage, own, record, took, failure, times, *counts))
            spent += took or 0.0
    return tuple(beneath(root, node) for node in with_elided(shape, shown, fields))


def read_failure(text: str | None, root: str = "") -> Failure | None:
    """Read a failure's JSON text, of a run whose nodes' ids begin with a root."""
    if not text:
        return None
    failure = json.loads(text)
    node = failure.get("node")
    return Failure(
        failure["kind"],
        failure["code"],
        failure["message"],
        None if node is None else node.removeprefix(root),
        failure.get("status"),
        failure.get("place"),
        tuple(failure.get("trace", ())),
    )


def beneath(root: str, of: _Named) -> _Named:
    """Name a node, or what waits at it, as its own pipeline does."""
    if not root:
        return of
    if isinstance(of, Awaited):
        return replace(of, node=of.node.removeprefix(root))
    failure = of.failure
    if failure is not None and failure.node is not None:
        failure = replace(failure, node=failure.node.removeprefix(root))
    return replace(of, id=of.id.removeprefix(root), failure=failure)


def _state(
    stage: str, record: Mapping[str, Any], fields: Mapping[str, str], records: Mapping[str, str]
) -> ActivationState:
    """Return the state of a stage. What would have taken back something was skipped where a run ended without need of it.

    What was ready when its run ended, and never began, is shown as what was not come to: which of them it was hangs on how stages are cut.
    """
    known, run = record.get(Record.STATE), RunState(fields["state"])
    undone, _, last = stage.rpartition("/")
    if known is not None or last != COMPENSATE or run not in TERMINAL:
        began = known != ActivationState.CANCELLED or record.get(Record.ATTEMPTS, 0)
        return ActivationState((began and known) or "BLOCKED")
    text = records.get(undone, "")
    succeeded = text.startswith("{") and json.loads(text)[Record.STATE] == ActivationState.SUCCEEDED
    return ActivationState.BLOCKED if succeeded and run != RunState.SUCCEEDED else ActivationState.SKIPPED


_FAILED: Final = frozenset({ActivationState.FAILED, ActivationState.DEAD, ActivationState.TIMED_OUT})
_RAN: Final = _FAILED | {
    ActivationState.SUCCEEDED,
    ActivationState.SUSPENDED,
    ActivationState.RETRY_WAIT,
    ActivationState.CANCELLED,
}


def _within(
    node: str,
    stage: ActivationState,
    durations: Mapping[str, float | None],
    failure: Failure | None,
    nodes: Sequence[tuple[str, str]],
) -> ActivationState:
    """Return the state of a node of a stage: it may have been skipped, or have ended before another one failed or waits."""
    if stage not in _RAN:
        return stage
    if node in durations and durations[node] is None:
        return ActivationState.SKIPPED
    blamed = None if failure is None else failure.node
    if blamed == node or stage is ActivationState.SUCCEEDED:
        return stage
    if node in durations and node != nodes[-1][0]:
        return ActivationState.SUCCEEDED
    if node not in durations and any(blamed == other for other, _ in nodes):
        return ActivationState.SKIPPED if stage is ActivationState.FAILED else ActivationState.BLOCKED
    return stage


def _times(
    record: Mapping[str, Any], state: ActivationState, before: float, took: float | None
) -> tuple[float | None, float | None]:
    """Return when a node began and ended: behind those before it in its stage (seconds); what ends with its stage has no `took`."""
    began, ended = record.get(Record.BEGAN), record.get(Record.ENDED)
    if state is ActivationState.BLOCKED or not began:
        return None, None
    start = began / 1000 + before
    over = None if ended is None else ended / 1000
    if state in (ActivationState.SUCCEEDED, ActivationState.SKIPPED) and took is not None:
        end = began / 1000 + (before + took)  # as the next one begins
        return start, end if over is None else min(end, over)
    return start if over is None else min(start, over), over


def _node(  # noqa: PLR0917 - each is a column
    node: str,
    kind: str,
    stage: str,
    state: ActivationState,
    record: Mapping[str, Any],
    duration: float | None,
    failure: Failure | None,
    times: tuple[float | None, float | None],
    items: Items | None,
    cached: int,
) -> NodeView:
    blamed = failure is not None and (failure.node in (None, node) or items is not None)
    return NodeView(
        id=node,
        type=kind,
        stage=stage,
        state=state,
        attempt=0 if state is ActivationState.BLOCKED else record.get(Record.ATTEMPTS, 0),
        started_at=times[0],
        ended_at=times[1],
        duration=duration,
        failure=failure if blamed else None,
        items=items,
        cached=cached,
    )
