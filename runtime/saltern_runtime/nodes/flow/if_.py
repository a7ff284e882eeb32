"""`if`: take one of two branches."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import BOOL, Effect, Emit, LiteralType, NodeType, Param, union
from saltern_runtime.spec.names import ELSE, THEN

NODE: Final = NodeType(
    name="if",
    summary="Takes the branch `then` where a condition holds, else the branch `else`.",
    params=(Param("condition", BOOL, doc="What decides."),),
    result=union(LiteralType(THEN), LiteralType(ELSE)),
    effect=Effect.PURE,
    emit=Emit.IF,
    handles=(THEN, ELSE),
)
