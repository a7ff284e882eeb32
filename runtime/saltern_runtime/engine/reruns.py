"""Where a run that is over begins anew: what of it is forgotten, and what is told again of what stays. Looks at no code.

Everything comes out of what the store keeps of the run and of its plan, so that an API of any version can do it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.spec.names import ERROR, SUCCESS
from saltern_runtime.store.dependants import Dependant
from saltern_runtime.store.flow import Flow, Step, weighed
from saltern_runtime.store.keys import ANSWER, FAILURE, OUTPUT, RESPONSE
from saltern_runtime.store.operating import Verdict
from saltern_runtime.store.records import LAYOUT, Record
from saltern_runtime.store.rerunning import Ended, RerunBatch
from saltern_runtime.store.showing import Shape, own
from saltern_runtime.store.views import TERMINAL, ActivationState, RunState

_TOLD: Final = frozenset({ActivationState.SUCCEEDED, ActivationState.SKIPPED, ActivationState.FAILED})
"""States in which a stage has told those behind it."""
_COUNTS: Final = ("items", "stage", "node", "lost")
"""What fields of a run begin with that say something of one of its regions."""


class RefusedError(Exception):
    """There is no rerun."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict: Verdict = verdict


def rerun_of(ended: Ended, node: str) -> list[RerunBatch]:
    """Return what a run forgets that begins anew at a node (its id, as its own pipeline names it); raises RefusedError."""
    flow = _may(ended)
    places = _Places(own(ended.shape, ended.fields.get("root") or ""))
    roots = [top for top in places.tops_of((ended.fields.get("root") or "") + node) if top in flow.steps]
    if not roots:
        raise RefusedError("unknown")
    anew = flow.behind(roots)
    if ended.fields.get("stopped") and _top(ended.fields["stopped"]) not in anew:
        raise RefusedError("stopped")
    undone = {json.loads(entry)["path"] for entry in ended.undo}
    if any(flow.steps[name].undo in undone for name in anew):
        raise RefusedError("undoable")
    told, arrive = _before(flow, ended, anew)
    if not arrive:
        raise RefusedError("unreached")
    rows = [
        *_forgotten(flow, ended, anew, places),
        *(("told", row) for row in told),
        *(("arrive", row) for row in arrive),
    ]
    return list(_batches(rows))


def _may(ended: Ended) -> Flow:
    """Return the flow of a run that may be rerun at all."""
    fields = ended.fields
    if RunState(fields["state"]) not in TERMINAL:
        raise RefusedError("open")
    if fields["state"] == RunState.CANCELLED or "cancelled" in fields:
        raise RefusedError("cancelled")
    if "ends" in fields:
        raise RefusedError("undone")
    if "entries" in fields:  # its group never let it in
        raise RefusedError("unreached")
    if ended.is_begun:
        raise RefusedError("unfinished")
    if ended.flow is None or int(fields.get("layout") or 1) < LAYOUT:
        raise RefusedError("older")
    return ended.flow


class _Places:
    """Where the nodes of a run stand."""

    def __init__(self, shape: Shape) -> None:
        """`shape`: its own stages."""
        self._owner = {stage: str(rest[0]) if rest else "" for stage, _, *rest in shape}
        self._stage = {node: stage for stage, nodes, *_ in shape for node, _ in nodes}
        self._elided = {row[0]: (stage, row) for stage, _, *rest in shape if len(rest) > 2 for row in rest[2]}

    def top(self, stage: str) -> str:
        """Return the stage outside of all regions in which one stands."""
        while self._owner.get(stage):
            stage = self._owner[stage]
        return stage

    def tops_of(self, node: str) -> Sequence[str]:
        """Return the stages to begin at for a node: its own, or where none runs it, those that run what comes behind it."""
        if node in self._stage:
            return (self.top(self._stage[node]),)
        if node not in self._elided:
            return ()
        stage, row = self._elided[node]
        feeds = [self._stage[each] for each in cast("Sequence[str]", row[6:7] and row[6]) if each in self._stage]
        return tuple(dict.fromkeys(self.top(each) for each in feeds or (stage,)))

    def top_of_count(self, kind: str, name: str) -> str:
        """Return the stage that a count is of."""
        return _top(name) if kind == "lost" else self.top(self._stage.get(name, "") if kind == "node" else name)


def _top(path: str) -> str:
    """Return the stage outside of all regions in which an activation stands."""
    return path.partition("[")[0]


def _forgotten(flow: Flow, ended: Ended, anew: frozenset[str], places: _Places) -> Iterator[tuple[str, str]]:
    """Yield all that is forgotten: in which part of a batch, and the name."""
    for stage in sorted(anew):
        yield "stages", stage
    for path in sorted(ended.acts):
        if _top(path) in anew:
            yield "acts", path
    kept = {place for name in anew for place in _kept(flow.steps[name])} | {*_stopped_with(flow, ended, anew)}
    for place in sorted(ended.vals):
        if place in kept or ("[" in place and _top(place) in anew):
            yield "vals", place
    for field in sorted(ended.fields):
        kind, _, rest = field.partition("|")
        if rest and kind in _COUNTS and places.top_of_count(kind, rest.partition("|")[0]) in anew:
            yield "counts", field


def _kept(step: Step) -> Iterator[str]:
    """Yield where values of a stage may stand."""
    for node in step.nodes:
        yield from (node, f"{node}{FAILURE}")
    yield f"{step.name}{ANSWER}"
    if step.responds:
        yield RESPONSE


def _stopped_with(flow: Flow, ended: Ended, anew: frozenset[str]) -> Iterator[str]:
    """Yield where the output stands that a stop gave, which decides anew; not where a stage that stays gave one there."""
    stays = (name for name, step in flow.steps.items() if OUTPUT in step.nodes and name not in anew)
    if ended.fields.get("stopped") and not any(_state(ended, name) in _TOLD for name in stays):
        yield OUTPUT


def _before(flow: Flow, ended: Ended, anew: frozenset[str]) -> tuple[list[tuple[str, str]], list[Dependant]]:
    """Return what stages that begin anew have been told by others: how far those are that wait for more, and those that wait no more."""
    before, taken = flow.before(), _taken(flow, ended.vals)
    told: list[tuple[str, str]] = []
    arrive: list[Dependant] = []
    for name in sorted(anew):
        step = flow.steps[name]
        quorum = step.arrival.get("quorum", 0)
        done = [flow.steps[other] for other in before[name] if other not in anew and _state(ended, other) in _TOLD]
        weights = [
            weighed(edge.hangs, taken if _state(ended, other.name) != ActivationState.SKIPPED else {}, races=quorum > 0)
            for other in done
            for edge in other.tells
            if edge.to == name
        ]
        got = len(done) if before[name] else 1
        live, dead = sum(each[0] for each in weights), sum(each[1] for each in weights)
        if got >= step.arrival["need"] or (quorum and live >= quorum):
            ready = step.arrival.copy()
            ready["live"], ready["dead"] = live, dead
            arrive.append(ready)
            told += [(name, f"B:{got - 1}:0:0")] if got > 1 else []
        elif got:
            told.append((name, f"B:{got}:{live}:{dead}"))
    return told, arrive


def _taken(flow: Flow, vals: Mapping[str, str]) -> Mapping[str, str]:
    """Return the handles that nodes took: what is kept says so, as it does to a relay."""
    found: dict[str, str] = {}
    handles = flow.handles
    for node in flow.hung:
        if f"{node}{FAILURE}" in vals:
            found[node] = ERROR
        elif node in vals:
            found[node] = str(json.loads(vals[node])) if node in handles else SUCCESS
    return found


def _state(ended: Ended, stage: str) -> str:
    text = ended.acts.get(stage, "")
    return str(json.loads(text)[Record.STATE]) if text.startswith("{") else ""


def _batches(rows: Sequence[tuple[str, Any]]) -> Iterator[RerunBatch]:
    """Yield rows in batches that a script does at once; what is forgotten comes before all that is told."""
    for first in range(0, len(rows), AT_ONCE):
        batch: dict[str, list[Any]] = {name: [] for name in RerunBatch.__required_keys__}
        for part, row in rows[first:][:AT_ONCE]:
            batch[part].append(row)
        yield cast("RerunBatch", batch)
