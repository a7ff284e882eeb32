"""Nodes of a foreach's body as they are shown: once for all items, with counts that the scripts keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from saltern_runtime.store.views import TERMINAL, ActivationState, Failure, Items, NodeView, RunState


def opened(fields: Mapping[str, str], stage: str) -> Items | None:
    """Return how far a foreach has come, over all of its own activations; None before it began, and for other stages."""
    prefix = f"items|{stage}|"
    if f"{prefix}total" not in fields:
        return None
    total, done, failed = (int(fields.get(prefix + name, 0)) for name in ("total", "done", "failed"))
    live = RunState(fields["state"]) not in TERMINAL
    return Items(total, done, failed, running=max(0, total - done - failed) if live else 0)


def inside(
    fields: Mapping[str, str], stage: str, owner: Items | None, owner_state: ActivationState
) -> tuple[Items | None, ActivationState]:
    """Return how far a stage of a body has come in all items, and a state that sums them up."""
    if owner is None:
        ended = owner_state in (ActivationState.SKIPPED, ActivationState.SUCCEEDED)
        return None, ActivationState.SKIPPED if ended else ActivationState.BLOCKED
    prefix = f"stage|{stage}|"
    begun, done, failed, skipped = (
        int(fields.get(prefix + name, 0)) for name in ("begun", "succeeded", "failed", "skipped")
    )
    live = RunState(fields["state"]) not in TERMINAL
    running = min(owner.total, max(0, begun - done - failed)) if live else 0
    items = Items(owner.total, done, failed, skipped, running)
    return items, _summed_up(items, owner, live=live)


def counted(
    fields: Mapping[str, str], node: str, of: Items | None, owner: Items | None, state: ActivationState
) -> tuple[Items | None, ActivationState]:
    """Return what is known of a stage of a body, as it is of one of its nodes: in some items it may have ended another way."""
    if of is None or owner is None:
        return of, state
    changes = {how: int(fields.get(f"node|{node}|{how}", 0)) for how in ("succeeded", "failed", "skipped")}
    if not any(changes.values()):
        return of, state
    mine = replace(
        of,
        done=of.done + changes["succeeded"],
        failed=of.failed + changes["failed"],
        skipped=of.skipped + changes["skipped"],
    )
    return mine, _summed_up(mine, owner, live=RunState(fields["state"]) not in TERMINAL)


def _summed_up(items: Items, owner: Items, *, live: bool) -> ActivationState:
    if live and (items.running or (items.over and owner.running)):
        return ActivationState.RUNNING
    if live and not items.over:
        return ActivationState.BLOCKED
    if not live and owner.done + owner.failed < owner.total:
        return ActivationState.DEAD if items.failed else ActivationState.CANCELLED
    if items.done:
        return ActivationState.SUCCEEDED
    return ActivationState.FAILED if items.failed else ActivationState.SKIPPED


def body_node(  # noqa: PLR0917 - each is a column
    node: str, kind: str, stage: str, state: ActivationState, items: Items | None, ended: Failure | None, cached: int
) -> NodeView:
    """Return a node of a body; where its failure ended the run, that is shown with it."""
    failure = ended if ended is not None and ended.node == node else None
    return NodeView(
        id=node,
        type=kind,
        stage=stage,
        state=state,
        attempt=0,
        started_at=None,
        ended_at=None,
        duration=None,
        failure=failure,
        items=items,
        cached=cached,
    )
