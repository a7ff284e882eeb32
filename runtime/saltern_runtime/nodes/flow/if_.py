"""`if`: take one of two branches."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import BOOL, STRING, Effect, Emit, NodeType, Param
from saltern_runtime.spec.names import ELSE, THEN

NODE: Final = NodeType(
    name="if",
    summary="Takes the branch `then` where a condition holds, else the branch `else`.",
    params=(Param("condition", BOOL, doc="What decides."),),
    result=STRING,
    effect=Effect.PURE,
    emit=Emit.IF,
    handles=(THEN, ELSE),
)
