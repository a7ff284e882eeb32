"""`return`: what the pipeline gives back."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import ANY, Bound, Effect, Emit, NodeType, Param, Type


def _result(bound: Bound) -> Type:
    return bound.types.get("value", ANY)


NODE: Final = NodeType(
    name="return",
    summary="Gives the output of the pipeline.",
    params=(Param("value", ANY, doc="The output."),),
    result=_result,
    effect=Effect.PURE,
    emit=Emit.VALUE,
)
