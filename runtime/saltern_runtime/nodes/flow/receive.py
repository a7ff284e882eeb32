"""`receive`: a program outside calls back before the run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from saltern_runtime.spec import ANY, DURATION, AwaitsSpec, Bound, Effect, NodeType, Param, Type

if TYPE_CHECKING:
    from datetime import timedelta

    from saltern_runtime.graph import Ask, Context


def _result(bound: Bound) -> Type:
    return bound.types.get("payload", ANY)


NODE: Final = NodeType(
    name="receive",
    summary="Waits for a call from outside, at the address that `run.callback` gives; no worker is busy meanwhile.",
    params=(
        Param("payload", is_type=True, passed=False, doc="The type of what comes; anything else is refused."),
        Param("deadline", DURATION, required=False, doc="How long it may take; then the node fails."),
    ),
    result=_result,
    effect=Effect.IDEMPOTENT,
    awaits=AwaitsSpec(),
    call="saltern_runtime.nodes.flow:receive",
)


def receive(ctx: Context, *, deadline: timedelta | None = None) -> Ask:  # noqa: ARG001 - every callable takes it
    """Wait for an answer."""
    from saltern_runtime.graph import Ask  # noqa: PLC0415 - reading the spec needs no pydantic

    return Ask(deadline=deadline)
