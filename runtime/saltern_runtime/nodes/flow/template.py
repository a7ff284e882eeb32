"""`template`: text with values in it."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import STRING, Effect, Emit, NodeType, Param

NODE: Final = NodeType(
    name="template",
    summary="Writes text with values in it.",
    params=(Param("text", STRING, doc="The text."),),
    result=STRING,
    effect=Effect.PURE,
    emit=Emit.VALUE,
)
