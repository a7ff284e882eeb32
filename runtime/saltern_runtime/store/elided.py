"""Nodes that no stage runs, as they are shown: with the state of the node whose fate they have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from saltern_runtime.store.views import TERMINAL, ActivationState, NodeView, RunState

_OVER: Final = frozenset({ActivationState.SUCCEEDED, ActivationState.SKIPPED})
_ENDED: Final = _OVER | {ActivationState.FAILED}
_NOT_BEGUN: Final = frozenset({ActivationState.BLOCKED, ActivationState.READY})
_SKIPPED: Final = {
    ActivationState.DEAD: ActivationState.CANCELLED,
    ActivationState.CANCELLED: ActivationState.CANCELLED,
    ActivationState.FAILED: ActivationState.SKIPPED,
}
"""State of a node of a body → that of one which it would have begun: items that came to an end have skipped it."""


class _Row(NamedTuple):
    """What a plan says of such a node; an earlier runtime kept no more than the first five."""

    node: str
    type: str
    like: str
    because: str
    skipped: bool
    needs: Sequence[str] = ()
    feeds: Sequence[str] = ()
    made: str = ""


def with_elided(shape: Sequence[Any], shown: Sequence[NodeView], fields: Mapping[str, str]) -> Iterator[NodeView]:
    """Yield the nodes that run, and behind those of each stage what is shown with it, but none that an optimization made.

    `shape` is as the store keeps it.
    """
    rows = {stage: [_Row(*row) for row in rest[2]] for stage, _, *rest in shape if len(rest) > 2}
    if not rows:
        yield from shown
        return
    made = {row.made for each in rows.values() for row in each}
    views = {view.id: view for view in shown}
    last = {view.stage: view.id for view in shown}
    for view in shown:
        if view.id not in made:
            yield view
        if last[view.stage] == view.id:
            for row in rows.get(view.stage, ()):
                if row.node in made:
                    continue
                fate = _elided(row, views[row.like], fields)
                began = any(views[name].state not in _NOT_BEGUN for name in row.feeds)
                waits = any(views[name].state not in _ENDED for name in row.needs)
                yield _as_others_tell(fate, began=began, waits=waits, skipped=row.skipped)


def _as_others_tell(view: NodeView, *, began: bool, waits: bool, skipped: bool) -> NodeView:
    """Return a node as it must have been: over, since what comes after it began, or not come to, since it waits for another one."""
    if began and view.state not in _OVER:
        return replace(view, state=ActivationState.SKIPPED if skipped else ActivationState.SUCCEEDED)
    return replace(view, state=ActivationState.BLOCKED) if waits and not began else view


def _elided(row: _Row, like: NodeView, fields: Mapping[str, str]) -> NodeView:
    """Return a node as another one was: no attempt and no time of its own."""
    state, items = like.state, like.items
    if row.skipped:
        over = ActivationState.SKIPPED if state in _OVER else ActivationState.BLOCKED
        state = over if items is None else _SKIPPED.get(state, over)
        items = items and replace(items, done=0, failed=0, running=0, skipped=items.done + items.skipped)
    elif state not in _OVER and RunState(fields["state"]) in TERMINAL and items is None:
        state = ActivationState.BLOCKED
    return NodeView(
        id=row.node,
        type=row.type,
        stage=like.stage,
        state=state,
        attempt=0,
        started_at=None,
        ended_at=None,
        duration=None,
        items=items,
        elided=row.because,
    )
