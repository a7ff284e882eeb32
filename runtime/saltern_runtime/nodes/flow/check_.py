"""`check`: what a while asks before each round."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import BOOL, Effect, Emit, NodeType, Param

NODE: Final = NodeType(
    name="check",
    summary="Asks the state of a while whether there is another round.",
    params=(Param("value", BOOL, doc="What must hold."),),
    result=BOOL,
    effect=Effect.PURE,
    emit=Emit.VALUE,
)
