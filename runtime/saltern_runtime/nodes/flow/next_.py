"""`next`: what a round of a while hands on."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import ANY, Bound, Effect, Emit, NodeType, Param, Type


def _result(bound: Bound) -> Type:
    return bound.types.get("value", ANY)


NODE: Final = NodeType(
    name="next",
    summary="Gives the state for the next round of a while.",
    params=(Param("value", ANY, doc="The next state; where it is skipped, the state stays as it was."),),
    result=_result,
    effect=Effect.PURE,
    emit=Emit.VALUE,
)
