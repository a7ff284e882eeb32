"""`set`: give a value a name."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import ANY, Bound, Effect, Emit, NodeType, Param, Type


def _result(bound: Bound) -> Type:
    return bound.types.get("value", ANY)


NODE: Final = NodeType(
    name="set",
    summary="Gives a value a name, so that several nodes can read it.",
    params=(Param("value", ANY, doc="Any value."),),
    result=_result,
    effect=Effect.PURE,
    emit=Emit.VALUE,
)
