"""`attempt`: run a body once."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import ANY, NULL, Bound, Effect, Emit, NodeType, RegionSpec, Type


def one_round(yielded: Type, _: Bound) -> Type:
    """Return the type of a region of one round: that of what it yields."""
    return yielded


NODE: Final = NodeType(
    name="attempt",
    summary="Runs its body once and gives what it yields; where the body fails, the whole of it takes the handle `error`.",
    result=ANY,
    effect=Effect.IDEMPOTENT,
    emit=Emit.ONCE,
    region=RegionSpec(
        item=lambda _: NULL,
        result=one_round,
        gather="saltern_runtime.nodes.flow.rounds:only",
        on_skip="null",
        doc="Its value is what its body yields.",
    ),
)
