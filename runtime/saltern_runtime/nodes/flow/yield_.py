"""`yield`: what the body of a foreach gives for its item."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import ANY, Bound, Effect, Emit, NodeType, Param, Type


def _result(bound: Bound) -> Type:
    return bound.types.get("value", ANY)


NODE: Final = NodeType(
    name="yield",
    summary="Gives the result of one item of a foreach.",
    params=(Param("value", ANY, doc="The item's result; where it is skipped, the item leaves no hole."),),
    result=_result,
    effect=Effect.PURE,
    emit=Emit.VALUE,
)
