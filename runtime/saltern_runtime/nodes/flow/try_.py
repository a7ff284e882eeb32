"""`try`: the value of what was attempted, or of what caught its failure."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import ANY, Bound, Effect, Emit, ListType, NodeType, Param, Type


def _result(bound: Bound) -> Type:
    values = bound.types.get("values", ANY)
    return values.item if isinstance(values, ListType) else ANY


NODE: Final = NodeType(
    name="try",
    summary="Gives what its body yields; where that fails, what its `catch` yields.",
    params=(Param("values", ListType(ANY), keep_skipped=True, doc="Of both parts; the notations write none."),),
    result=_result,
    effect=Effect.PURE,
    emit=Emit.EITHER,
)
