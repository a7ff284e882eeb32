"""`merge`: the value of whichever branch ran."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import ANY, Bound, Effect, Emit, ListType, NodeType, Param, Type, optional


def _result(bound: Bound) -> Type:
    values = bound.types.get("values", ANY)
    return optional(values.item) if isinstance(values, ListType) else ANY


NODE: Final = NodeType(
    name="merge",
    summary="Gives the first of several values, in written order, that was not skipped; null where all were.",
    params=(Param("values", ListType(ANY), keep_skipped=True, doc="Values of branches that exclude each other."),),
    result=_result,
    effect=Effect.PURE,
    emit=Emit.MERGE,
)
